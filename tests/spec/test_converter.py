"""Plain data as attrs classes: nothing is coerced, and all faults come at once with their paths."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any, Literal

import pytest
from attrs import field, frozen
from hypothesis import given
from hypothesis import strategies as st

from flowlab.api import parameter
from flowlab.spec.converter import TOML, structure, unstructure
from flowlab.spec.structure_errors import Mismatch, StructureError


@frozen
class Leaf:
    """What stands below."""

    kind: Literal["a", "b"]
    size: int = parameter(1, help="how many", ge=1)


@frozen
class Tree:
    """One field of each sort."""

    name: str
    ratio: float = 0.0
    on: bool = False
    note: str | None = None
    pairs: tuple[tuple[float, float], ...] = ()
    words: list[str] = field(factory=list)
    texts: Mapping[str, str] = field(factory=dict)
    leaves: Mapping[str, Leaf] = field(factory=dict)
    nested: Mapping[str, Mapping[str, str]] = field(factory=dict)
    more: tuple[Leaf, ...] = ()
    value: float | int | str | bool | None = None
    rest: Any = None

    def __attrs_post_init__(self) -> None:
        if self.name == "no":
            raise ValueError("name and ratio don't go together")


def faults(data: Any, **options: Any) -> list[str]:
    with pytest.raises(StructureError) as caught:
        structure(data, Tree, **options)
    return [str(fault) for fault in caught.value.faults]


@pytest.mark.parametrize(
    ("key", "value", "rule"),
    [
        ("name", 3, "name must be a string, found 3"),
        ("ratio", "3.9", "ratio must be a number, found the string '3.9'"),
        ("ratio", math.nan, "ratio must be a number, found nan"),
        ("ratio", True, "ratio must be a number, found true"),
        ("on", "false", "on must be true or false, found the string 'false'"),
        ("on", 1, "on must be true or false, found 1"),
        ("note", 1, "note must be a string, found 1"),
        ("words", "abc", "words must be a list, each item a string, found the string 'abc'"),
        ("words", ["a", 1], "words must be a list, each item a string, found 1"),
        ("pairs", [[1.0]], "pairs must be a list, each item a list, each item a number, found a list of 1 where"),
        ("texts", {"a.b": 1}, "texts.a.b must be a string, found 1"),
        ("texts", [], "texts must be a table, found a list"),
        ("nested", {"a": []}, "nested.a must be a table, found a list"),
        ("nested", [], "nested must be a table, found a list"),
        ("leaves", {"x": 1}, "leaves.x must be a table, found 1"),
        ("leaves", {"x": {}}, "leaves.x.kind is missing"),
        ("leaves", {"x": {"kind": "c"}}, "leaves.x.kind must be one of 'a', 'b', found the string 'c'"),
        ("leaves", {"x": {"kind": "a", "size": 2.0}}, "leaves.x.size must be an integer, found 2.0"),
        ("leaves", {"x": {"kind": "a", "size": 0}}, "leaves.x.size must be >= 1, found 0"),
        ("leaves", {"x": {"kind": "a", "sise": 0}}, "leaves.x.sise is no key that is known"),
        ("more", [{"kind": "a"}, {}], "more.1.kind is missing"),
        ("value", 2**63, "value must be"),
        ("value", {}, "value must be a number or an integer or a string or true or false, found a table"),
        ("extra", 1, "extra is no key that is known"),
        ("name", "no", "name and ratio don't go together"),
    ],
)
def test_a_value_of_another_type(key: str, value: Any, rule: str) -> None:
    (fault,) = faults({"name": "x", key: value})
    assert fault.startswith(rule)


def test_all_faults_at_once() -> None:
    data = {"ratio": "1", "leaves": {"x": {"size": 0}, "y": 1}, "z": 1}
    assert faults(data) == [
        "name is missing",
        "ratio must be a number, found the string '1'",
        "leaves.x.kind is missing",
        "leaves.x.size must be >= 1, found 0",
        "leaves.y must be a table, found 1",
        "z is no key that is known",
    ]


@pytest.mark.parametrize("data", [None, 1, "x", [], [["name", "x"]]])
def test_what_is_no_table(data: Any) -> None:
    (fault,) = faults(data)
    assert fault.startswith("it must be a table, found")


def test_toml_has_no_null() -> None:
    assert structure({"name": "x", "note": None}, Tree).note is None
    assert faults({"name": "x", "note": None}, converter=TOML) == ["note must be a string, found None"]


def test_a_defect_of_a_class_is_no_fault_of_the_data() -> None:
    @frozen
    class Broken:
        x: int = field()

        @x.validator
        def _check(self, _: Any, value: int) -> None:
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        structure({"x": 1}, Broken)


def test_a_mismatch_is_a_value_error() -> None:
    assert issubclass(StructureError, ValueError)
    assert issubclass(Mismatch, ValueError)


_TEXTS = st.text(max_size=5)
_NUMBERS = st.floats(allow_nan=False, allow_infinity=False)
_LEAVES = st.builds(Leaf, st.sampled_from("ab"), st.integers(1, 2**63 - 1))
_TREES = st.builds(
    Tree,
    _TEXTS.filter(lambda text: text != "no"),
    _NUMBERS,
    st.booleans(),
    st.none() | _TEXTS,
    st.lists(st.tuples(_NUMBERS, _NUMBERS)).map(tuple),
    st.lists(_TEXTS),
    st.dictionaries(_TEXTS, _TEXTS),
    st.dictionaries(_TEXTS, _LEAVES),
    st.dictionaries(_TEXTS, st.dictionaries(_TEXTS, _TEXTS)),
    st.lists(_LEAVES).map(tuple),
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | _NUMBERS | _TEXTS,
    st.recursive(st.none() | st.integers(), lambda inner: st.dictionaries(_TEXTS, inner)),
)


@given(_TREES, st.booleans())
def test_written_and_read_back(tree: Tree, omit_defaults: bool) -> None:
    again = structure(json.loads(json.dumps(unstructure(tree, omit_defaults))), Tree)
    assert again == tree
    assert repr(again) == repr(tree)  # 1 == 1.0 == True


def test_fields_are_written_in_their_order() -> None:
    @frozen(kw_only=True)
    class Ordered:
        first: int = 1
        second: int

    assert list(unstructure(Ordered(first=2, second=3), omit_defaults=True)) == ["first", "second"]
    assert unstructure(Ordered(second=3), omit_defaults=True) == {"second": 3}
