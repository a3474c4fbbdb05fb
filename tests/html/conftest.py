"""Chromium, where there is one, and the page that a module of tests names by its fixture `path`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from chromium import open_browser


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    with open_browser() as browser:
        yield browser


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
