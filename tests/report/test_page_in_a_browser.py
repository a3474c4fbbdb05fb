"""The page of a run as Chromium shows it, where there is one."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pages import HOSTILE, write_run

CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium")

# The least contrast of a text with what is behind it (WCAG 2.2, 1.4.3), and the text.
CONTRAST = """
() => {
  const channels = (colour) => colour.match(/[\\d.]+/g).map(Number);
  const luminance = ([r, g, b]) => {
    const straight = (v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
    const linear = [r, g, b].map((v) => straight(v / 255));
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2];
  };
  const behind = (element) => {
    for (let one = element; one; one = one.parentElement) {
      const rect = one.querySelector(":scope > rect");
      const colour = channels(rect ? getComputedStyle(rect).fill : getComputedStyle(one).backgroundColor);
      if (colour.length === 3 || colour[3] === 1) return colour;
    }
  };
  let worst = [Infinity, ""];
  for (const element of document.body.querySelectorAll("*")) {
    const own = [...element.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim());
    if (!own || ["SCRIPT", "STYLE", "title"].includes(element.tagName)) continue;
    const style = getComputedStyle(element);
    const one = luminance(channels(element instanceof SVGElement ? style.fill : style.color));
    const other = luminance(behind(element));
    const ratio = (Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05);
    if (ratio < worst[0]) worst = [ratio, element.textContent];
  }
  return worst;
}
"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    api = pytest.importorskip("playwright.sync_api")
    with api.sync_playwright() as playwright:
        # no sandbox: it refuses to start for root, and the page is ours
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_run(tmp_path_factory.mktemp("run"))


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


def test_texts_of_experiments_run_nothing(open_page: Any) -> None:
    assert open_page().title() == f"{HOSTILE} · flowlab"


def test_all_pictures_are_shown(open_page: Any) -> None:
    page = open_page()
    widths = page.evaluate(
        "() => Promise.all([...document.images].map((one) => one.decode().then(() => one.naturalWidth)))"
    )
    assert len(widths) == 2
    assert min(widths) > 100


def column(page: Any, index: int) -> list[str]:
    cells = page.locator("details", has_text="dataset.points.small").locator(f"tbody td:nth-child({index + 1})")
    return [text if text != HOSTILE else "z" for text in cells.all_inner_texts()]


def test_tables_sort_by_click_and_by_key(open_page: Any) -> None:
    page = open_page()
    heads = page.locator("details", has_text="dataset.points.small").locator("th")
    assert column(page, 0) == ["10", "9", "", "1.5e-07"]
    heads.nth(0).locator("button").click()
    assert heads.nth(0).get_attribute("aria-sort") == "ascending"
    assert column(page, 0) == ["1.5e-07", "9", "10", ""]
    heads.nth(0).locator("button").press("Enter")
    assert heads.nth(0).get_attribute("aria-sort") == "descending"
    assert column(page, 0) == ["10", "9", "1.5e-07", ""]
    heads.nth(2).locator("button").press("Space")
    assert heads.nth(0).get_attribute("aria-sort") is None
    assert column(page, 2) == ["0.33333", "2", "2", "3"]
    heads.nth(1).locator("button").click()
    assert column(page, 1)[-3:] == ["a9", "a10", "b"]


def test_a_figure_is_enlarged_and_put_back(open_page: Any) -> None:
    page = open_page(390)
    small = page.locator(".zoom img").first.bounding_box()["width"]
    page.locator(".zoom").first.press("Enter")
    assert page.locator("dialog img").bounding_box()["width"] > 1.5 * small
    page.keyboard.press("Escape")
    assert not page.locator("dialog").is_visible()


@pytest.mark.parametrize("width", [390, 320])
def test_it_fits_a_phone(open_page: Any, width: int) -> None:
    page = open_page(width)
    assert page.evaluate("() => document.documentElement.scrollWidth") == width


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_texts_stand_out(open_page: Any, scheme: str) -> None:
    ratio, text = open_page(scheme=scheme).evaluate(CONTRAST)
    assert ratio >= 4.5, text


def test_what_has_the_focus_is_seen(open_page: Any) -> None:
    page = open_page()
    for _ in range(12):
        page.keyboard.press("Tab")
        width = page.evaluate("() => parseFloat(getComputedStyle(document.activeElement).outlineWidth)")
        assert width >= 2
