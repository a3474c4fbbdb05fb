"""The page of a run as Chromium shows it, where there is one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from contrast import CONTRAST
from pages import HOSTILE, write_page
from report_nodes import ENVIRONMENT, done, graph_of, outcome_of

from flowlab.api import CLASSES, HALF_STEP, Table
from flowlab.html.compare import write_comparison
from flowlab.output.run_folder import claim_folder
from flowlab.runner.write_run import write_run


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


@pytest.fixture(scope="module")
def sweep(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of a sweep with seeds."""
    records = []
    for width in (50, 200):
        for seed, training in enumerate((394, 396, 194)):
            setting = {"denoiser.net.width": width, "denoiser.net.optimizer": "al", "experiment.seed": seed}
            counts = dict.fromkeys(CLASSES, 0) | {"training": training, "boundary": 500 - training}
            quality = {"violation_max": [0.01 * seed, 2e-5], "slab_ratio": [1.5, 1.25 + seed]}
            table = Table(
                {"size": [1.5, 2.5], "always": [0.0, 0.0], "path": ["sweep.width.denoiser.trained." * 3] * 2}
            )
            records.append(done("denoiser", "net", setting, metrics=quality, tables={"sizes": table}))
            records.append(done("classifier", "ends", setting, metrics={"pf": counts, HALF_STEP: {"pf": None}}))
    folder = tmp_path_factory.mktemp("sweep")
    claim_folder(folder)
    outcome = outcome_of(*records)
    write_run(graph_of(outcome), outcome, ENVIRONMENT, folder)
    return folder / "report.html"


def test_swept_keys_are_columns_and_empty_classes_are_folded(browser: Any, sweep: Path) -> None:
    page = browser.new_page(viewport={"width": 1200, "height": 844})
    page.goto(sweep.as_uri())
    heads = page.locator("#answer .ends th").all_inner_texts()
    assert heads == ["classifier", "width", "optimizer", "flow", "training", "boundary"]
    first = page.locator("#answer .ends tbody tr").first.locator("td").all_inner_texts()
    assert " ".join(" ".join(first).split()) == "ends 50 al pf 65.6 ± 23.2 [7.9, 100.0] 34.4 ± 23.2 [0.0, 92.1]"
    notes = page.locator("#answer").inner_text()
    assert "over seeds [95 % interval of the mean over seeds; of shares at least that of all starts]" in notes
    assert "No flow ends in: virtual, interior, elsewhere" in notes
    table = page.locator("details", has_text="denoiser.net.sizes")
    table.locator("summary").click()
    assert "always" not in table.locator("th").all_inner_texts()
    assert "Zero in every row: always." in table.inner_text()
    page.close()


@pytest.mark.parametrize("width", [390, 320])
def test_no_number_is_cut_on_a_phone(browser: Any, sweep: Path, width: int) -> None:
    page = browser.new_page(viewport={"width": width, "height": 844})
    page.goto(sweep.as_uri())
    page.evaluate("() => document.querySelectorAll('details').forEach((one) => { one.open = true })")
    cut = page.evaluate(
        """() => [...document.querySelectorAll(".sortable td")].filter((cell) => {
          const range = document.createRange();
          range.selectNodeContents(cell);
          const { left, right } = range.getBoundingClientRect();
          const frame = cell.closest(".scroll").getBoundingClientRect();
          return right - left > 0 && (right > frame.right + 0.5 || left < frame.left - 0.5);
        }).map((cell) => cell.textContent)"""
    )
    assert cut == []
    assert page.evaluate("() => document.documentElement.scrollWidth") == width
    page.close()


def test_the_navigation_stays_and_tells_the_section(browser: Any, sweep: Path) -> None:
    page = browser.new_page(viewport={"width": 390, "height": 600})
    page.goto(sweep.as_uri())
    page.locator("nav a", has_text="Provenance").click()
    page.wait_for_timeout(100)
    assert page.locator("nav").bounding_box()["y"] == 0
    assert page.evaluate("() => window.scrollY") > 600
    heading = page.locator("#provenance h2").bounding_box()
    assert heading["y"] >= page.locator("nav").bounding_box()["height"]
    page.locator("#tables").scroll_into_view_if_needed()
    page.evaluate("() => document.querySelector('#tables').scrollIntoView()")
    page.wait_for_timeout(100)
    assert page.locator("nav a[aria-current]").all_inner_texts() == ["Tables"]
    page.close()


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
