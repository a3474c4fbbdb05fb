"""The page on theory names nothing that isn't there."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path
from pkgutil import resolve_name

import pytest

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "flowlab/docs/pages/explanation/theory.md").read_text()
CODE = sorted(set(re.findall(r"`([^`\n]+)`", TEXT)))
TESTS = [name for name in CODE if name.startswith("tests/")]
OBJECTS = [name for name in CODE if name.startswith("flowlab.")]
STATEMENTS = re.findall(r"^### (.*?)(?=^##|\Z)", TEXT, re.DOTALL | re.MULTILINE)


def exists(name: str) -> bool:
    """Whether a dotted name is a module, or leads to something in one."""
    try:
        resolve_name(name)
    except (ImportError, AttributeError):
        return False
    return True


@cache
def functions_of(file: str) -> set[str]:
    """The functions of a test module; none where there is no such file."""
    path = ROOT / file
    tree = ast.parse(path.read_text() if path.exists() else "")
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}


@pytest.mark.parametrize("name", OBJECTS)
def test_what_computes_a_formula_is_there(name: str) -> None:
    assert exists(name)


@pytest.mark.parametrize("name", TESTS)
def test_what_checks_a_formula_is_there(name: str) -> None:
    file, _, test = name.partition("::")
    assert test in functions_of(file)


def test_what_is_not_there_would_be_found() -> None:
    assert not exists("flowlab.theory.networks.slabs.Slab")
    assert not exists("flowlab.theory.slap")
    assert "test_nothing" not in functions_of("tests/theory/flows/test_flows.py")
    assert functions_of("tests/theory/test_nowhere.py") == set()


@pytest.mark.parametrize("text", STATEMENTS, ids=lambda text: text.partition("\n")[0])
def test_each_statement_says_where_it_is_from_is_computed_and_is_checked(text: str) -> None:
    items = re.findall(r"^\* (Source|In flowlab|Checked by):", text, re.MULTILINE)
    assert items == ["Source", "In flowlab", "Checked by"]
    computed, checked = text.partition("* In flowlab:")[2].split("* Checked by:")
    assert "`flowlab." in computed
    assert "`tests/" in checked


def test_every_module_of_mathematics_that_states_its_source_is_on_the_page() -> None:
    """A formula taken from a paper has its place here, or the page isn't complete."""
    cited = {
        ".".join(path.relative_to(ROOT).with_suffix("").parts)
        for path in (ROOT / "flowlab/theory").rglob("*.py")
        if re.search(r"arXiv \d|Appendix|Theorem \d", path.read_text())
    }
    assert cited  # there are such modules
    assert {module for module in cited if not any(name.startswith(module) for name in OBJECTS)} == set()
