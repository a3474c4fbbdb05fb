"""What the documents show is what happens: every block of code is run or checked, every quoted output compared."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer
from blocks import blocks, links
from markdown_it import MarkdownIt
from quotation import differs
from session import ROOT, Session

from flowlab.cli.app import app
from flowlab.docs.markdown import to_slug

PAGES = ROOT / "flowlab/docs/pages"
TOUR = PAGES / "tutorial/tour.md"
IN_EARNEST = [
    TOUR,
    *(
        PAGES / f"how-to/{name}.md"
        for name in ("own-data", "sweep", "figure", "tables", "compare", "reproduce", "python")
    ),
]
PLUGINS = sorted((ROOT / "plugins").glob("*/README.md"))
DOCUMENTS = [ROOT / "README.md", ROOT / "tests/README.md", *sorted(PAGES.rglob("*.md")), *PLUGINS]
SHOWN = [document for document in DOCUMENTS if blocks(document)]  # with code


def name(document: Path) -> str:
    return str(document.relative_to(ROOT))


def place(document: Path) -> str:
    """The folder that a document is read in: a plugin's own, else that of the repository."""
    return str(document.parent.relative_to(ROOT)) if document in PLUGINS else "."


@pytest.mark.slow
@pytest.mark.parametrize("document", SHOWN, ids=name)
def test_a_document_can_be_followed(document: Path, tmp_path: Path) -> None:
    session = Session(tmp_path, place(document))
    assert list(session.faults(blocks(document))) == []


# The README's runs take from half a minute to half an hour; tests/test_experiments.py runs their small versions.
@pytest.mark.slow
@pytest.mark.parametrize("document", [*IN_EARNEST, *PLUGINS], ids=name)
def test_a_document_says_what_comes_out(document: Path, tmp_path: Path) -> None:
    session = Session(tmp_path, place(document), rehearsal=False)
    assert list(session.faults(blocks(document))) == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=name)
def test_links_lead_to_files_and_headings_of_the_repository(document: Path) -> None:
    for link in links(document):
        path, _, anchor = link.partition("#")
        end = document.parent / path if path else document
        assert end.exists(), link
        titles = re.findall(r"^#+ (.*)$", end.read_text(), re.MULTILINE) if anchor else []
        assert not anchor or anchor in map(to_slug, titles), link


_COMMAND = re.compile(r"(?:^|&& |\$ |/)\bflowlab ([a-z][a-z-]*(?: [^#\n&|]*)?)", re.MULTILINE)


def commands(document: Path) -> Iterator[list[str]]:
    """The flowlab commands in a document's code, in words: those that are run, and those that are only shown."""
    for token in MarkdownIt("commonmark").enable("table").parse(document.read_text()):
        for one in (token, *(token.children or ())):
            if one.type in ("fence", "code_block", "code_inline"):
                yield from map(str.split, _COMMAND.findall(one.content))


@pytest.mark.parametrize("document", [one for one in DOCUMENTS if one not in PLUGINS], ids=name)
def test_commands_and_options_that_a_document_shows_are_there(document: Path) -> None:
    known = typer.main.get_command(app).commands
    for command, *rest in commands(document):
        assert command in known, command
        options = {option for parameter in known[command].params for option in parameter.opts}
        assert {
            word.strip("[]'\"").partition("=")[0] for word in rest if word.lstrip("[").startswith("--")
        } <= options, rest


def test_a_command_that_is_not_there_would_be_found(tmp_path: Path) -> None:
    document = tmp_path / "document.md"
    document.write_text("`flowlab fly --high`\n\n    flowlab run a.toml --fast  # quickly\n")
    assert list(commands(document)) == [["fly", "--high"], ["run", "a.toml", "--fast"]]


QUOTED = """
flow  of   share
pf    300  27.0 [22.1, 32.4]
...
in 12.3 s
"""


@pytest.mark.parametrize(
    ("found", "agrees"),
    [
        ("flow of share\npf 300 27.0 [22.1, 32.4]\nmore\nin 9 s", True),
        ("flow of share\npf 300 27.4 [22.1, 32.9]\nin 9 s", True),
        ("flow of share\npf 300 27.6 [22.1, 32.4]\nin 9 s", False),
        ("flow of share\npf 300 27.0 [22.1, 33.0]\nin 9 s", False),
        ("flow of share\nscore 300 27.0 [22.1, 32.4]\nin 9 s", False),
        ("first\nflow share\npf 300 27.0 [22.1, 32.4]\nin 9 s", False),
        ("flow of share\npf 300 27.0 [22.1, 32.4]\nin 9 s\nlast", False),
        ("flow of share\npf 300.4 27.0 [22.1, 32.4]\nin 9 s", True),
        ("flow of share\npf 301 27.0 [22.1, 32.4]\nin 9 s", False),
        ("flow of share\nin 9 s", False),
    ],
)
def test_a_quotation_is_compared_number_by_number(found: str, agrees: bool) -> None:
    assert (differs(QUOTED, found, 0.5) == "") == agrees


def test_counts_may_differ_where_it_is_said() -> None:
    assert differs("order 2: 432", "order 2: 433", 1.0)
    assert not differs("order 2: 432", "order 2: 433", 1.0, counts=True)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("```sh\nflowlab describe orthogonel\n```\n", "orthogonal"),
        ("```sh\nflowlab run experiments/nowhere.toml\n```\n", "nowhere"),
        ("```sh\npip install flowlab-nothing\n```\n", "flowlab-nothing"),
        ("```sh\npip install -e '.[nothing]'\n```\n", "no extra 'nothing'"),
        ("```toml\n[dataset.a]\nuse = 'line'\n```\n", "coordinates"),
        ("```python\n1 / 0\n```\n", "ZeroDivisionError"),
        ("```sh\necho 1\n```\n\n```text within 0.5\n2\n```\n", "not found"),
        ("```\n1\n```\n", "no language"),
    ],
)
def test_what_does_not_work_is_found(text: str, fault: str, tmp_path: Path) -> None:
    document = tmp_path / "document.md"
    document.write_text(text)
    (found,) = Session(tmp_path / "session").faults(blocks(document))
    assert fault in found
