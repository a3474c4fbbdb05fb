"""The guide as Chromium shows it, opened as files: no request, no complaint, search without network."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from chromium import open_browser
from contrast import CONTRAST

from flowlab.docs.site import write_site
from flowlab.registry.registry import Registry

MAIN = ("index.html", "explanation/theory.html", "reference/api.html", "components/denoiser.shallow-relu.html")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("guide")
    write_site(Registry.installed(), folder)
    return folder


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with open_browser() as browser:
        yield browser


@pytest.fixture
def page(browser: Any) -> Iterator[Any]:
    """A page of a phone's width; what it complains of, asks the network for or can't load is an error."""
    heard: list[str] = []
    page = browser.new_page(viewport={"width": 390, "height": 844})
    page.on("console", lambda message: heard.append(message.text))
    page.on("pageerror", lambda error: heard.append(str(error)))
    page.on("requestfailed", lambda request: heard.append(request.url))
    page.on("request", lambda request: None if request.url.startswith("file:") else heard.append(request.url))
    yield page
    page.close()
    assert [text for text in heard if not text.startswith("data:")] == []


@pytest.mark.slow
def test_every_page_opens_without_a_complaint_and_fits_a_phone(page: Any, folder: Path) -> None:
    for path in sorted(folder.rglob("*.html")):
        page.goto(path.as_uri())
        assert page.evaluate("() => document.documentElement.scrollWidth") == 390, path


@pytest.mark.parametrize("name", MAIN)
def test_the_style_is_loaded(page: Any, folder: Path, name: str) -> None:
    page.goto((folder / name).as_uri())
    assert page.evaluate("() => getComputedStyle(document.body).maxWidth") == "1248px"  # 78 rem


def test_formulas_are_typeset(page: Any, folder: Path) -> None:
    page.goto((folder / "explanation/theory.html").as_uri())
    fraction = page.locator("mfrac").first
    above, below = fraction.locator("> *").nth(0).bounding_box(), fraction.locator("> *").nth(1).bounding_box()
    assert above["y"] + above["height"] <= below["y"] + 1


def search(page: Any, words: str) -> list[str]:
    page.locator("#search").fill(words)
    return page.locator("#results a").evaluate_all("(links) => links.map((link) => link.textContent)")


def test_search_finds_headings_and_words_of_texts(page: Any, folder: Path) -> None:
    page.goto((folder / "components/flow.score.html").as_uri())
    assert search(page, "write a plugin")[0] == "Write a plugin"
    assert "Theory: Claims over seeds" in search(page, "Page's test")
    assert "Theory: One slab a point" in search(page, "FERMAT weber")
    assert search(page, "nothing-of-the-kind") == []
    assert page.locator("#found").inner_text() == "no sections"


def test_a_result_leads_to_its_section(page: Any, folder: Path) -> None:
    page.goto((folder / "index.html").as_uri())
    search(page, "exit codes")
    page.locator("#search").press("Enter")
    page.wait_for_url("**/commands.html#exit-codes")
    assert page.locator("h1").inner_text() == "Commands"


def test_the_search_needs_no_mouse(page: Any, folder: Path) -> None:
    page.goto((folder / "index.html").as_uri())
    page.keyboard.press("/")
    page.keyboard.type("augmented")
    assert page.locator("#results a").count() > 0
    page.keyboard.press("Escape")
    assert page.locator("#results a").count() == 0


def test_texts_typed_run_nothing(page: Any, folder: Path) -> None:
    page.goto((folder / "index.html").as_uri())
    search(page, "<img src=x onerror=document.title='taken'>")
    assert "taken" not in page.title()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_texts_stand_out(browser: Any, folder: Path, scheme: str) -> None:
    page = browser.new_page(color_scheme=scheme)
    for name in MAIN:
        page.goto((folder / name).as_uri())
        ratio, text = page.evaluate(CONTRAST)
        assert ratio >= 4.5, (name, text)
    page.close()
