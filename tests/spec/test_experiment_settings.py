"""The table `[experiment]`: each setting is declared once, and all that speaks of it follows."""

from __future__ import annotations

import inspect
from typing import Any

import attrs
import pytest

from flowlab import Experiment
from flowlab.api import ExperimentError, field_spec
from flowlab.components.datasets.equilateral_triangle import EquilateralTriangle
from flowlab.graph.graph import build_graph
from flowlab.introspection.describe_component import describe
from flowlab.introspection.json_schema import language_schema
from flowlab.registry.registry import Registry
from flowlab.spec.document import Document, parse_document
from flowlab.spec.experiment_settings import ExperimentSettings
from flowlab.spec.structure import structure_table

REGISTRY = Registry.installed()
SETTINGS = attrs.fields(ExperimentSettings)
NAMES = [field.name for field in SETTINGS]


def problems(**table: Any) -> list[str]:
    document = Document("x", {"experiment": table}, {}, {})
    _, faults = structure_table(ExperimentSettings, table, document, ("experiment",), "[experiment]")
    return [fault.message for fault in faults]


@pytest.mark.parametrize(
    ("table", "messages"),
    [
        ({}, ["[experiment] needs 'name': its name, also that of its folder"]),
        ({"name": 1}, ["name must be a string, found 1"]),
        ({"name": "a b"}, ["name must be 1 to 100 letters, digits, '_', '-' or '.', the first a letter or digit"]),
        ({"name": "x", "sede": 1}, ["'sede' is no parameter of [experiment]"]),
        ({"name": "x", "seed": 2**63}, ["seed must be an integer, found an integer beyond 64 bits"]),
        ({"name": "x", "seed": True}, ["seed must be an integer, found true"]),
        ({"name": "x", "seeds": 0}, ["seeds must be >= 1 and <= 100000, found 0"]),
        ({"name": "x", "seed": 2**63 - 1, "seeds": 2}, [f"2 seeds from {2**63 - 1} on: the largest there is is"]),
        (
            {"name": "x", "dtype": "float16"},
            ["dtype must be one of 'float64', 'float32', found"],
        ),
        ({"name": "x", "threads": 1025}, ["threads must be >= 1 and <= 1024, found 1025"]),
        ({"name": "", "seed": -1, "threads": 0}, ["name must be", "seed must be >= 0", "threads must be >= 1"]),
    ],
)
def test_what_is_refused(table: dict[str, Any], messages: list[str]) -> None:
    shown = problems(**table)
    assert len(shown) == len(messages)
    assert all(text.startswith(message) for text, message in zip(shown, messages, strict=True)), shown


def test_a_mistake_has_its_place_and_the_nearest_name() -> None:
    text = b'[experiment]\nname = "x"\nsede = 3\nthreads = 0\n'
    with pytest.raises(ExperimentError) as caught:
        build_graph(parse_document("x.toml", text), REGISTRY)
    assert str(caught.value).splitlines() == [
        "x.toml:3:1: 'sede' is no parameter of [experiment] (did you mean 'seed'?)",
        "x.toml:4:11: threads must be >= 1 and <= 1024, found 0",
    ]


@pytest.mark.parametrize("field", SETTINGS, ids=NAMES)
def test_the_schema_the_description_and_python_have_each_setting(field: attrs.Attribute[Any]) -> None:
    schema, _ = language_schema(REGISTRY)
    assert schema["properties"]["experiment"]["properties"][field.name]["description"] == field_spec(field).help
    (line,) = (line for line in describe(REGISTRY, "experiment").splitlines() if line.split()[:1] == [field.name])
    assert line.endswith(field_spec(field).help)
    assert field.name in inspect.signature(Experiment).parameters


def test_python_says_what_a_file_says() -> None:
    settings = {"seed": 3, "seeds": 2, "dtype": "float32", "threads": 2}
    experiment = Experiment("x", {"dataset.t": EquilateralTriangle()}, **settings)  # type: ignore[arg-type]
    assert attrs.asdict(experiment.graph.settings) == {"name": "x", **settings}
    again = Experiment.from_toml(experiment.to_toml())
    assert again == experiment
    assert attrs.evolve(again, seed=4).graph.seed == 4
