"""What the documents show is what happens: every block of code is run or checked, every quoted output compared."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from blocks import blocks, links
from quotation import differs
from session import ROOT, Session

from flowlab.docs.markdown import to_slug

TOUR = ROOT / "flowlab/docs/tour.md"
PLUGINS = sorted((ROOT / "plugins").glob("*/README.md"))
DOCUMENTS = [ROOT / "README.md", TOUR, ROOT / "flowlab/docs/theory.md", *PLUGINS]


def name(document: Path) -> str:
    return str(document.relative_to(ROOT))


def place(document: Path) -> str:
    """The folder that a document is read in: a plugin's own, else that of the repository."""
    return str(document.parent.relative_to(ROOT)) if document in PLUGINS else "."


@pytest.mark.parametrize("document", DOCUMENTS, ids=name)
def test_a_document_can_be_followed(document: Path, tmp_path: Path) -> None:
    session = Session(tmp_path, place(document))
    assert list(session.faults(blocks(document))) == []


# The README's runs take from half a minute to half an hour; tests/test_experiments.py runs their small versions.
@pytest.mark.slow
@pytest.mark.parametrize("document", [TOUR, *PLUGINS], ids=name)
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
