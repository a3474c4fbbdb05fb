"""Chromium, where there is one, and the page that a module of tests names by its fixture `path`."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    api = pytest.importorskip("playwright.sync_api")
    with api.sync_playwright() as playwright:
        executable = CHROMIUM or playwright.chromium.executable_path  # the system's, or playwright's own
        if not Path(executable).is_file():
            pytest.skip("needs Chromium: python -m playwright install chromium")
        # no sandbox: it refuses to start for root, and the page is ours
        browser = playwright.chromium.launch(executable_path=executable, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def open_page(browser: Any, path: Path) -> Iterator[Any]:
    """Open the page at a size and in a colour scheme; whatever it complains of or asks for is an error."""
    heard: list[str] = []
    opened = []

    def opening(width: int = 1200, scheme: str = "light") -> Any:
        page = browser.new_page(viewport={"width": width, "height": 844}, color_scheme=scheme)
        page.on("console", lambda message: heard.append(message.text))
        page.on("pageerror", lambda error: heard.append(str(error)))
        page.on("request", lambda request: heard.append(request.url) if request.url.startswith("http") else None)
        page.goto(path.as_uri())
        page.evaluate("() => document.querySelectorAll('details').forEach((one) => { one.open = true })")
        opened.append(page)
        return page

    yield opening
    for page in opened:
        page.close()
    assert heard == []
