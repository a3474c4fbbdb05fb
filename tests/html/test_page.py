"""The page of a run, as text."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
from pages import HOSTILE, ROWS, write_page
from report_nodes import ENVIRONMENT, done, graph_of, outcome_of

from flowlab.html.grid import Grid, round_cell
from flowlab.html.report import render_report
from flowlab.provenance.lock_content import LockContent

VOID = {"meta", "link", "img"}


class Parsed(HTMLParser):
    """Elements with their attributes and text; an end tag out of place is an error."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str], list[str]]] = []
        self._open: list[tuple[str, dict[str, str], list[str]]] = []
        self.feed(text)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        element = (tag, {name: value or "" for name, value in attrs}, [])
        self.elements.append(element)
        if tag not in VOID:
            self._open.append(element)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}, []))

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop()[0] == tag

    def handle_data(self, data: str) -> None:
        for _, _, text in self._open:
            text.append(data)

    def of(self, tag: str) -> list[tuple[dict[str, str], str]]:
        return [(attributes, "".join(text)) for name, attributes, text in self.elements if name == tag]


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_page(tmp_path_factory.mktemp("run"))


@pytest.fixture(scope="module")
def parsed(path: Path) -> Parsed:
    return Parsed(path.read_text())


def test_texts_of_experiments_are_no_markup(parsed: Parsed) -> None:
    assert len(parsed.of("script")) == 1
    assert all(attributes["src"].startswith("data:") for attributes, _ in parsed.of("img"))
    assert not any(name.startswith("on") for _, attributes, _ in parsed.elements for name in attributes)
    ((_, heading),) = parsed.of("h1")
    assert heading == HOSTILE
    text = parsed.of("body")[0][1]
    for told in (f"a level is left {HOSTILE}", f"not proved {HOSTILE}", f"# {HOSTILE}", "no such thing"):
        assert told in text


def test_it_needs_no_network_and_its_links_lead_somewhere(path: Path, parsed: Parsed) -> None:
    ids = [attributes["id"] for _, attributes, _ in parsed.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    for tag, attributes, _ in parsed.elements:
        for name in ("src", "href", "xlink:href", "action", "srcset", "data"):
            link = attributes.get(name)
            if link is None or (tag, link) == ("a", "https://arxiv.org/abs/2506.19031"):
                continue
            if link.startswith("#"):
                assert link[1:] in ids
            elif tag == "a":
                assert (path.parent / unquote(link)).is_file()
            else:
                assert link.startswith("data:")
    assert "@import" not in path.read_text()
    assert set(re.findall(r"url\(([^)]*)\)", path.read_text())) == {"#head"}


def test_every_figure_and_table_is_there(parsed: Parsed) -> None:
    captions = [text.partition(" pdf")[0] for _, text in parsed.of("figcaption")]
    assert captions == [f"{name} (made-up): A line that falls." for name in ("line", f"other {HOSTILE}")]
    assert sum(attributes["src"].startswith("data:image/svg+xml;") for attributes, _ in parsed.of("img")) == 2
    summaries = [text.split(",")[0] for _, text in parsed.of("summary")]
    assert "dataset.points.small" in summaries
    assert any("history" in summary for summary in summaries)
    assert f"The first 100 of {ROWS} rows" in parsed.of("body")[0][1]
    assert [text for _, text in parsed.of("td") if text.startswith("50.0")] == ["50.0 [6.8, 93.2]"]
    assert "Claims, 1 of 1 hold" in [text for _, text in parsed.of("h3")]


def test_equal_runs_have_equal_pages(path: Path, tmp_path: Path) -> None:
    def timeless(page: Path) -> str:
        text = re.sub(r"\d+ \w+ \d{4}, \d\d:\d\d UTC", "", page.read_text())
        return re.sub(r"then [\d.]+ s for drawing figures, [\d.]+ s for writing files", "", text)

    assert timeless(write_page(tmp_path)) == timeless(path)


def test_a_figure_of_too_many_strokes_is_shown_as_pixels(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("flowlab.html.templating._LARGEST_SVG", 100)
    sources = [attributes["src"] for attributes, _ in Parsed(write_page(tmp_path).read_text()).of("img")]
    assert all(source.startswith("data:image/png;") for source in sources)


def test_a_run_without_anything_has_a_page() -> None:
    outcome = outcome_of(done("dataset", "x"))
    graph = graph_of(outcome)
    parsed = Parsed(render_report(graph, outcome, LockContent.of(graph, outcome, ENVIRONMENT, {}), {}).decode())
    assert [attributes["id"] for attributes, _ in parsed.of("section")] == [
        "answer", "graph", "experiment", "provenance", "cite",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("cell", "shown"),
    [
        ("0.1234567", "0.12346"),
        ("1e-07", "1e-07"),
        ("-1234567", "-1234567"),
        ("true", "true"),
        ("", ""),
        ("nan", "nan"),
    ],
)
def test_rounded(cell: str, shown: str) -> None:
    assert round_cell(cell) == shown


@pytest.mark.parametrize(
    ("column", "numeric"), [(["1", ""], True), (["1e-3", "-"], True), (["", ""], False), (["1", "one"], False)]
)
def test_numeric_columns(column: list[str], numeric: bool) -> None:
    assert Grid.of(["a"], [[cell] for cell in column]).numeric == [numeric]


def test_an_empty_csv_is_a_grid_of_no_rows() -> None:
    grid: Any = Grid.of_csv("a,b\n")
    assert (grid.columns, grid.rows, grid.total) == (["a", "b"], [], 0)
