"""Strategies for experiments of installed components, and for what goes wrong in them."""

from __future__ import annotations

import types
from collections.abc import Mapping
from typing import Any, Literal, Union, get_args, get_origin

import attrs
from built_in import BUILT_IN
from hypothesis import strategies as st

from flowlab.api import KINDS, Parameter, Reference, field_spec, key_fields
from flowlab.api.fields import key_types
from flowlab.registry.entry_points import Entry

REGISTRY = BUILT_IN
NAMES = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,8}", fullmatch=True)


_ANY = Parameter("")


def values(hint: Any, bounds: Parameter, least: int = 1) -> st.SearchStrategy[Any]:
    """The values of a type within bounds."""
    origin, inner = get_origin(hint), get_args(hint)
    if origin is Literal:
        return st.sampled_from(inner)
    if origin in (Union, types.UnionType):
        return st.one_of([values(item, bounds, least) for item in inner if item is not type(None)])
    if origin is tuple and inner[-1] is Ellipsis:
        return st.lists(values(inner[0], bounds, 0), min_size=least, max_size=3)
    if origin is tuple:
        return st.tuples(*(values(item, bounds, 0) for item in inner)).map(list)
    if origin is Mapping:
        return st.dictionaries(
            NAMES, st.booleans() | st.integers(-9, 9) | _strings(_ANY) | st.lists(st.integers(-9, 9))
        )
    return {bool: _booleans, int: _integers, float: _floats, str: _strings}[hint](bounds)


def table(entry: Entry, nodes: dict[str, list[str]], whole: bool = False) -> st.SearchStrategy[dict[str, Any]]:
    """A component's table that refers to nodes by kind; unless whole, some keys with a default are left out."""
    component = entry.load()
    hints = key_types(component)
    needed: dict[str, st.SearchStrategy[Any]] = {"use": st.just(entry.name)}
    optional: dict[str, st.SearchStrategy[Any]] = {}
    for field in key_fields(component):
        declared = field_spec(field)
        if isinstance(declared, Reference):
            strategy = _names(declared, nodes[declared.kind])
        else:
            strategy = values(hints[field.name], declared)
        (needed if whole or field.default is attrs.NOTHING else optional)[field.name] = strategy
    return st.fixed_dictionaries(needed, optional=optional)


@st.composite
def documents(draw: st.DrawFn) -> dict[str, Any]:
    """Experiments that each table's own rules admit: one node of each kind at least, and sweeps."""
    nodes = {kind: draw(st.lists(NAMES, min_size=1, max_size=2, unique=True)) for kind in KINDS}
    data: dict[str, Any] = {"experiment": {"name": draw(NAMES)}}
    if draw(st.booleans()):
        data["experiment"]["seed"] = draw(st.integers(0, 2**63 - 1))
        data["experiment"]["dtype"] = draw(st.sampled_from(["float32", "float64"]))
    for kind, names in nodes.items():
        entries = [entry for entry in REGISTRY.entries if entry.kind == kind]
        data[kind] = {name: draw(st.sampled_from(entries).flatmap(lambda e: table(e, nodes))) for name in names}
        if KINDS[kind].built:
            pins = draw(st.dictionaries(st.sampled_from(names), st.integers(0, 2**63 - 1)))
            for name, seed in pins.items():
                data[kind][name]["seed"] = seed
    if draw(st.booleans()):
        data["sweep"] = {draw(NAMES): draw(_sweep(data, nodes))}
    return data


@st.composite
def _sweep(draw: st.DrawFn, data: dict[str, Any], nodes: dict[str, list[str]]) -> dict[str, Any]:
    """Values of one or two keys of one node, which the node's table may lack then."""
    ids = [(kind, name) for kind, names in nodes.items() for name in names]
    kind, name = draw(st.sampled_from([(k, n) for k, n in ids if attrs.fields(_entry(k, data[k][n]).load())]))
    rows = draw(st.lists(table(_entry(kind, data[kind][name]), nodes, whole=True), min_size=1, max_size=3))
    swept = draw(st.lists(st.sampled_from(sorted(rows[0].keys() - {"use"})), min_size=1, max_size=2, unique=True))
    grid = {f"{kind}.{name}.{key}": list({_meaning(row[key]): row[key] for row in rows}.values()) for key in swept}
    for key in swept:
        if draw(st.booleans()):
            data[kind][name].pop(key, None)
    return {"use": "grid", **grid} if draw(st.booleans()) else grid


def _meaning(value: Any) -> str:
    """A text that values have in common just if they may be one setting: 1 and 1.0, "a" and ["a"]."""
    if isinstance(value, list):
        return ",".join(map(_meaning, value))
    return repr(float(value)) if type(value) is int else repr(value)


def _entry(kind: str, node: dict[str, Any]) -> Entry:
    entry = REGISTRY.find(kind, node["use"])
    assert entry is not None
    return entry


def _names(declared: Reference, known: list[str]) -> st.SearchStrategy[Any]:
    one = st.sampled_from(known)
    return one | st.lists(one, min_size=1, max_size=3) if declared.many else one


def _booleans(bounds: Parameter) -> st.SearchStrategy[bool]:
    return st.booleans()


def _integers(bounds: Parameter) -> st.SearchStrategy[int]:
    low = -(2**63) if bounds.ge is None else int(bounds.ge)
    low = low if bounds.gt is None else int(bounds.gt) + 1
    high = 2**63 - 1 if bounds.le is None else int(bounds.le)
    return st.integers(low, high if bounds.lt is None else int(bounds.lt) - 1)


def _floats(bounds: Parameter) -> st.SearchStrategy[float]:
    low = bounds.ge if bounds.gt is None else bounds.gt
    high = bounds.le if bounds.lt is None else bounds.lt
    odd = [
        value
        for value in (1e-300, -0.0, 2.2250738585072014e-308, 1.7976931348623157e308, 0.5, 1, 3)
        if bounds.admits(value)
    ]
    # no subnormal numbers: a training in the same process has told the processor to flush them
    plain = st.floats(low, high, allow_nan=False, allow_infinity=False, allow_subnormal=False).filter(
        bounds.admits
    )
    return st.sampled_from(odd) | plain if odd else plain


def _strings(bounds: Parameter) -> st.SearchStrategy[str]:
    if bounds.pattern:
        return st.from_regex(bounds.pattern.expression, fullmatch=True)
    return st.text(max_size=8) | st.sampled_from(['"""', "'''", "\\", "\r\n", "\x00\x7f", "#:schema", "é\u2028"])
