"""Chromium, where there is one."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")


@contextmanager
def open_browser() -> Iterator[Any]:
    """A browser; the tests that ask for it are skipped where there is none."""
    api = pytest.importorskip("playwright.sync_api")
    with api.sync_playwright() as playwright:
        executable = CHROMIUM or playwright.chromium.executable_path  # the system's, or playwright's own
        if not Path(executable).is_file():
            pytest.skip("needs Chromium: python -m playwright install chromium")
        # no sandbox: it refuses to start for root, and the pages are ours
        browser = playwright.chromium.launch(executable_path=executable, args=["--no-sandbox"])
        yield browser
        browser.close()
