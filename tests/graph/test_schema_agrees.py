"""The JSON Schema and `flowlab check` give one verdict on what a schema can see.

It can't see, and so the mutations below don't make: names of nodes that aren't there, circles, misfits between
components, lists of a sweep that differ in length, sweeps of a key that another component of the kind has, keys
missing where there are sweeps. Nor what JSON Schema can't tell apart: 2.0 is an integer to it, and an editor hands
nan and inf on as null; integers beyond 64 bits are no TOML.
"""

from __future__ import annotations

import copy
import json
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
import tomli
from generated import REGISTRY, documents
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from flowlab.graph.tables import read_tables
from flowlab.introspection.json_schema import language_schema
from flowlab.registry.entry_points import Entry
from flowlab.registry.registry import Registry
from flowlab.spec.document import Document
from flowlab.spec.value_schema import required

SCHEMA, _ = language_schema(REGISTRY)
VALIDATOR = Draft202012Validator(SCHEMA)
WRONG = [
    "",
    "x",
    "linf",
    0,
    1,
    -1,
    2**62,
    0.5,
    -0.5,
    1e-300,
    True,
    [],
    [1],
    ["x"],
    [[0.5]],
    [[]],
    ["a", 1],
    {},
    {"a": 1},
]
# experiments are too large to shrink: a failure would take minutes
PHASES = (Phase.explicit, Phase.reuse, Phase.generate)
generous = settings(phases=PHASES, max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))


def checked(data: dict[str, Any]) -> tuple[str, ...]:
    return tuple(str(one) for one in read_tables(Document("x", data, {}, {}), REGISTRY).problems)


def seen(data: dict[str, Any]) -> list[str]:
    return [f"{one.json_path}: {one.message[:300]}" for one in VALIDATOR.iter_errors(data)]


@generous
@given(documents())
def test_good_experiments_are_good_to_both(data: dict[str, Any]) -> None:
    assert (seen(data), checked(data)) == ([], ())


@st.composite
def mutated(draw: st.DrawFn) -> dict[str, Any]:
    """An experiment with a mistake that a schema can see, or with none by chance."""
    data = copy.deepcopy(draw(documents()))
    kind = draw(st.sampled_from([kind for kind in data if kind not in ("experiment", "sweep")]))
    name = draw(st.sampled_from(sorted(data[kind])))
    node = data[kind][name]
    keys = sorted(node.keys() - {"use"})
    match draw(
        st.sampled_from(["unknown", "value", "missing", "component", "kind", "name", "experiment", "sweep"])
    ):
        case "unknown":
            node[draw(st.sampled_from(["", "Use", "points ", "zz"]))] = 1
        case "value" if keys:
            key = draw(st.sampled_from(keys))
            node[key] = draw(st.sampled_from(WRONG))
        case "missing" if "sweep" not in data and keys:
            del node[draw(st.sampled_from(keys))]
        case "component":
            node["use"] = draw(st.sampled_from(["", "closed-from", 1, ["ddim"], f"flowlab:{node['use']}", "x:y"]))
        case "kind":
            data[draw(st.sampled_from(["datasets", "", "Sweep"]))] = {name: node}
        case "name" if "sweep" not in data:
            data[kind][draw(st.sampled_from(["", "a b", "-a", "a" * 101, "a" * 100, "é"]))] = node
        case "experiment":
            key = draw(st.sampled_from(["name", "seed", "dtype", "sede"]))
            data["experiment"][key] = draw(st.sampled_from([*WRONG, "float16", "../x"]))
        case "sweep":
            path = draw(
                st.sampled_from([f"{kind}.{name}.zz", f"{kind}.{name}", "use", f"{kind}.{name}.use", "x.y.z"])
            )
            value = draw(st.sampled_from([[], 1, "zip", "zap", [{}]]))
            data.setdefault("sweep", {})["mutant"] = {path: value}
        case _:
            pass
    return data


@generous
@given(mutated())
def test_bad_experiments_are_bad_to_both(data: dict[str, Any]) -> None:
    assert bool(seen(data)) == bool(checked(data)), (seen(data), checked(data))


@pytest.mark.parametrize("entry", REGISTRY.entries, ids=lambda one: f"{one.kind}:{one.name}")
def test_every_value_of_every_component(entry: Any) -> None:
    for key, field in SCHEMA["$defs"][f"{entry.kind}.{entry.name}"]["properties"].items():
        if key == "use":
            continue
        validator = Draft202012Validator(field)
        for value in WRONG:
            data = {"experiment": {"name": "x"}, entry.kind: {"n": {"use": entry.name, key: value}}}
            blamed = [one for one in checked(data) if f": {key} must be" in one]
            assert validator.is_valid(value) != bool(blamed), (key, value, blamed)


@pytest.mark.parametrize("entry", REGISTRY.entries, ids=lambda one: f"{one.kind}:{one.name}")
def test_every_required_key(entry: Any) -> None:
    data: dict[str, Any] = {"experiment": {"name": "x"}, entry.kind: {"n": {"use": entry.name}}}
    needed = required(entry.load())
    assert [one for one in seen(data) if "is a required property" in one] == [
        f"$.{entry.kind}.n: {key!r} is a required property" for key in needed
    ]
    # a sweep may give them
    if needed:
        swept = {f"{entry.kind}.n.{key}": [key] for key in needed}
        assert not [one for one in seen({**data, "sweep": {"s": swept}}) if "required" in one]


GOOD = {
    "experiment": {"name": "x"},
    "dataset": {"d": {"use": "equilateral-triangle", "radius": 1}},
    "schedule": {"s": {"use": "variance-exploding", "final_time": 0.5}},
    "figure": {"f": {"use": "plane", "classifier": "c", "points": [0, 1, 2]}},
    "classifier": {"c": {"use": "stable-points", "flow": "pf"}},
    "sweep": {"w": {"use": "zip", "dataset.d.samples": [1, 2], "schedule.s.levels": [3, 4]}},
}


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("experiment", {"seed": 1}),
        ("experiment.seed", -1),
        ("experiment.name", "../x"),
        ("experiment.dtype", "float16"),
        ("datasets", {}),
        ("dataset.d.use", "equilateral"),
        ("dataset.d.sampels", 3),
        ("dataset.d.samples", "3"),
        ("dataset.d.samples", 0),
        ("dataset.d.samples", True),
        ("dataset.d.radius", 0),
        ("schedule.s.spacing", "times"),
        ("figure.f.classifier", ["c"]),
        ("figure.f.points", [0, 1]),
        ("classifier.c.flow", []),
        ("sweep.w.use", "both"),
        ("sweep.w.dataset", {}),
        ("sweep.w.dataset/d/samples", []),
        ("sweep.w.dataset/d/samples", ["3"]),
        ("sweep.w", {"use": "zip"}),
    ],
)
def test_one_mistake_makes_a_good_experiment_bad(path: str, value: Any) -> None:
    assert seen(GOOD) == []
    data: Any = copy.deepcopy(GOOD)
    *above, key = path.split(".")
    table = data
    for part in above:
        table = table[part]
    table[key.replace("/", ".")] = value
    assert seen(data)


def test_every_shipped_experiment_validates() -> None:
    files = sorted(Path(__file__).parents[2].glob("experiments/*.toml"))
    assert len(files) >= 4
    for file in files:
        assert seen(tomli.loads(file.read_text())) == [], file


def test_the_schema_is_one_and_tells_what_it_is_made_of() -> None:
    Draft202012Validator.check_schema(SCHEMA)
    json.dumps(SCHEMA, allow_nan=False)
    assert f"flowlab {version('flowlab')}" in SCHEMA["$comment"]
    samples = SCHEMA["$defs"]["dataset.equilateral-triangle"]["properties"]["radius"]
    text = "distance of the vertices from the centre [data units]"
    sizes = [{"const": 0}, {"minimum": 1e-100, "maximum": 1e100}]
    assert samples == {
        "description": text, "type": "number", "exclusiveMinimum": 0, "default": 1.0, "anyOf": sizes
    }  # fmt: skip
    other = Registry((*REGISTRY.entries, Entry("dataset", "broken", "no_such_module:C", "extra", "2.0")))
    content, faults = language_schema(other)
    assert [fault.startswith("the dataset 'broken' of extra 2.0") for fault in faults] == [True]
    assert content["$comment"].partition("sha256")[2] != SCHEMA["$comment"].partition("sha256")[2]


def test_a_name_of_two_distributions_is_written_in_full() -> None:
    twin = Entry("integrator", "ddim", "flowlab.components.integrators.ddim:Ddim", "other", "1.0")
    content, _ = language_schema(Registry((*REGISTRY.entries, twin)))
    uses = [one["properties"]["use"]["enum"] for key, one in content["$defs"].items() if key.endswith(":ddim")]
    assert sorted(uses) == [["flowlab:ddim"], ["other:ddim"]]


def test_a_file_that_extends_another_may_leave_out_what_that_has() -> None:
    data = {
        "experiment": {"name": "own", "extends": "base.toml"},
        "dataset": {"points": {"samples": 3}, "line": {"use": "line"}},
    }
    assert not seen(data)
    assert seen({**data, "experiment": {"name": "own"}})
    assert seen({**data, "dataset": {"line": {"use": "line", "samples": 0}}})
    assert seen({**data, "experiment": {"name": "own", "extends": 1}})
