"""CITATION.cff can be read by machines, and says the same as pyproject.toml."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[1]
CITATION = yaml.safe_load((ROOT / "CITATION.cff").read_text())
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def test_it_has_what_the_format_asks_for() -> None:
    """Citation File Format 1.2.0: these four keys, and of each reference its type, title and authors."""
    assert CITATION["cff-version"] == "1.2.0"
    assert CITATION["message"]
    assert CITATION["title"].startswith(PROJECT["name"])
    assert CITATION["authors"] == [{"name": "The flowlab developers"}]  # an entity, no person
    for reference in CITATION["references"]:
        assert reference["type"] in ("article", "conference-paper")
        assert reference["title"]
        assert all(set(author) == {"family-names", "given-names"} for author in reference["authors"])


def test_it_says_the_same_as_the_project() -> None:
    assert str(CITATION["version"]) == PROJECT["version"]
    assert CITATION["license"] == PROJECT["license"]
    assert set(CITATION["keywords"]) <= set(PROJECT["keywords"])


def test_the_paper_is_the_one_that_the_project_leads_to() -> None:
    paper = CITATION["references"][0]
    assert paper["url"] == PROJECT["urls"]["Paper"] == "https://arxiv.org/abs/2506.19031"
    assert [author["family-names"] for author in paper["authors"]] == [
        "Zeno",
        "Manor",
        "Ongie",
        "Weinberger",
        "Michaeli",
        "Soudry",
    ]
    for reference in CITATION["references"]:
        (identifier,) = reference["identifiers"]
        assert re.fullmatch(r"arXiv:\d{4}\.\d{5}", identifier["value"])
        assert reference["url"].endswith(identifier["value"].removeprefix("arXiv:"))
    readme = " ".join((ROOT / "README.md").read_text().split())
    assert paper["title"] in readme.replace("*", "")


def test_the_project_names_what_an_index_sorts_by() -> None:
    assert PROJECT["keywords"] == sorted(PROJECT["keywords"])
    assert "Typing :: Typed" in PROJECT["classifiers"]
    assert "Programming Language :: Python :: 3.11" in PROJECT["classifiers"]
    assert all(url.startswith("https://") for url in PROJECT["urls"].values())


def test_the_texts_and_templates_of_the_guide_are_installed() -> None:
    """Each file beside the code of flowlab.docs is one of its package's data."""
    data = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["package-data"]["flowlab"]
    installed = {path for pattern in data for path in (ROOT / "flowlab").glob(pattern)}
    written = [
        path
        for path in (ROOT / "flowlab/docs").rglob("*")
        if path.suffix in (".md", ".png", ".html", ".css", ".js")
    ]
    assert written
    assert [path for path in written if path not in installed] == []
