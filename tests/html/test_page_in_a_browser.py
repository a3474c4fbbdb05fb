"""The page of a run as Chromium shows it, where there is one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from contrast import CONTRAST
from pages import HOSTILE, write_page

from flowlab.html.compare import write_comparison


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_page(tmp_path_factory.mktemp("run"))


@pytest.fixture(scope="module")
def comparison(path: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs")
    return write_comparison([path.parent, write_page(folder / "other").parent], folder / "compare.html")


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


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_comparison_is_a_page_like_it(browser: Any, comparison: Path, scheme: str) -> None:
    heard: list[str] = []
    page = browser.new_page(viewport={"width": 390, "height": 844}, color_scheme=scheme)
    page.on("console", lambda message: heard.append(message.text))
    page.on("pageerror", lambda error: heard.append(str(error)))
    page.goto(comparison.as_uri())
    assert page.locator(".zoom img").count() == 5  # two of each run, and the classes side by side
    assert page.evaluate("() => document.documentElement.scrollWidth") == 390
    ratio, text = page.evaluate(CONTRAST)
    assert ratio >= 4.5, text
    page.locator(".zoom").first.press("Enter")
    assert page.locator("dialog img").is_visible()
    assert heard == []
    page.close()
