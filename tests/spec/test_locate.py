"""Positions of keys and values, against texts whose positions are known."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import tomli
import tomli_w
from hypothesis import given
from hypothesis import strategies as st

from flowlab.spec.document import read_document
from flowlab.spec.locate import locate_keys

SCALARS = st.one_of(
    st.integers(-99, 99), st.booleans(), st.text(max_size=8), st.sampled_from(['"""', "]", "#=", "a'"])
)
VALUES = st.one_of(SCALARS, st.lists(SCALARS, max_size=3))
TREES: Any = st.recursive(
    st.dictionaries(st.text(min_size=1, max_size=5), VALUES, max_size=3),
    lambda inner: st.dictionaries(st.text(min_size=1, max_size=5), inner | VALUES, max_size=3),
    max_leaves=8,
)
FORMS = [
    ("1", 1), ('"a = \\" # ["', 1), ("'a = ]'", 1), ("[ 1, # ]\n  2,\n]", 3), ('"""\nx = 1 ]\n[y]\n"""', 4),
    ("'''\n[[\n''' # [", 3), ("{ a = 1, b = [2] }", 1), ("[\n  '[',\n  ']]]',\n]", 4),
    ('"\u2028"', 1), ('""""a"""""', 1),
]  # fmt: skip


def paths(tree: Any, above: tuple[str, ...] = ()) -> set[tuple[str, ...]]:
    found = set()
    for key, value in tree.items():
        found.add((*above, key))
        found |= paths(value, (*above, key)) if isinstance(value, dict) else set()
    return found


@given(TREES, st.booleans())
def test_every_leaf_of_a_written_document_is_found_where_it_stands(tree: dict[str, Any], multiline: bool) -> None:
    text = tomli_w.dumps(tree, multiline_strings=multiline)
    marks = locate_keys(text)
    data, lines = tomli.loads(text), text.replace("\r\n", "\n").split("\n")
    for path in paths(data):
        held: Any = data
        for key in path:
            held = held[key]
        if not isinstance(held, dict):
            mark = marks[path]
            assert path[-1] in tomli.loads(mark.text)
            assert "\n".join(lines[mark.line - 1 :]).startswith(mark.text)
            value = mark.text[mark.value_column - 1 :]
            assert tomli.loads(f"value = {value}")["value"] == held


ROWS = st.tuples(st.integers(0, 9), st.integers(0, len(FORMS) - 1), st.sampled_from(["", "\n", "# = [\n"]))


@given(st.lists(ROWS))
def test_known_positions(rows: list[tuple[int, int, str]]) -> None:
    text, line, expected = "[t.u]\n", 2, {}
    for index, (indent, form, before) in enumerate(rows):
        value, height = FORMS[form]
        line += before.count("\n")
        key = f'"k = {index}"' if index % 2 else f"k{index}"
        name = f"k = {index}" if index % 2 else f"k{index}"
        expected["t", "u", name] = (line, indent + 1, line, indent + len(key) + 4)
        text += f"{before}{' ' * indent}{key} = {value}\n"
        line += height
    marks = locate_keys(text)
    found = {path: (mark.line, mark.column, mark.value_line, mark.value_column) for path, mark in marks.items()}
    assert {path: place for path, place in found.items() if path in expected} == expected
    windows = locate_keys(text.replace("\n", "\r\n"))
    assert {path: mark.line for path, mark in windows.items()} == {path: mark.line for path, mark in marks.items()}


def test_large_but_honest_documents_are_read(tmp_path: Path) -> None:
    rows = "x = [\n" + "[1.5, 2.5], # ]\n" * 5000 + "]\nlast = 1\n"
    flat = "flat = [" + ", ".join("[0.1]" for _ in range(5000)) + "]\n"
    file = tmp_path / "large.toml"
    file.write_text(rows + flat)
    start = time.monotonic()
    document = read_document(file)
    assert time.monotonic() - start < 2
    assert document.where("last") == f"{file}:5003:1"
    assert document.where("flat", value=True) == f"{file}:5004:8"
