"""Every built-in figure keeps the rules of figures, on the inputs of its picture and on others like them."""

from __future__ import annotations

from typing import Any

import attrs
import pytest
from built_in import BUILT_IN
from test_figure_images import examples
from test_flow_figures import shares

from flowlab.api import Classes, DenoiserBank, NodeLabel, Table
from flowlab.api.testing import FigureSuite

EXAMPLES = examples()
MANY_PICTURES = {"plane", "fractions-over-sweep", "discretisation", "training-curves"}


def redrawn(value: Any, draw: int) -> Any:
    """A value of the same kind with other numbers: floats are smaller, and endpoints have other classes."""
    if isinstance(value, float):
        return value * 0.9**draw
    if isinstance(value, list | tuple):
        return type(value)(redrawn(item, draw) for item in value)
    if isinstance(value, Classes):
        return attrs.evolve(value, labels={name: (labels + draw) % 5 for name, labels in value.labels.items()})
    if isinstance(value, DenoiserBank):
        return attrs.evolve(value, history=redrawn(value.history, draw))
    if isinstance(value, Table):
        columns = {name: redrawn(cells, draw) for name, cells in value.columns.items()}
        return attrs.evolve(value, columns=columns)
    if isinstance(value, dict):
        return {name: redrawn(item, draw) for name, item in value.items()}
    if isinstance(value, NodeLabel):
        return value
    if attrs.has(type(value)) and not isinstance(value, type):
        names = [field.name for field in attrs.fields(type(value))]
        return attrs.evolve(value, **{name: redrawn(getattr(value, name), draw) for name in names})
    return value


def inputs_of(name: str, draw: int) -> dict[str, Any]:
    """The inputs of a figure's picture, or others like them."""
    if name == "fractions-map":  # its cells are whole per cents, which the picture's 2 % would hardly change
        labels = EXAMPLES[name][1]["analysis"]
        return {"analysis": {label: shares("f", 1, 0.4, 9 * k + 5 * draw) for k, label in enumerate(labels)}}
    return {
        key: {label: redrawn(each, draw) for label, each in value.items()}
        if isinstance(value, dict) and key in ("analysis", "classifier")
        else redrawn(value, draw)
        for key, value in EXAMPLES[name][1].items()
    }


def suite_of(name: str) -> type[FigureSuite]:
    """The suite of a built-in figure."""
    members: dict[str, Any] = {
        "component": lambda self: EXAMPLES[name][0],
        "inputs": lambda self, component, draw: inputs_of(name, draw),
    }
    if name in MANY_PICTURES:
        members["pytestmark"] = pytest.mark.slow
    return type("Test" + name.title().replace("-", ""), (FigureSuite,), members)


SUITES = {f"Test_{name}".replace("-", "_"): suite_of(name) for name in EXAMPLES}
globals().update(SUITES)


def test_every_built_in_figure_is_covered() -> None:
    assert set(EXAMPLES) == {entry.name for entry in BUILT_IN.entries if entry.kind == "figure"}


@pytest.mark.parametrize("name", sorted(EXAMPLES))
def test_other_inputs_are_of_the_same_kind(name: str) -> None:
    assert {key: type(value) for key, value in inputs_of(name, 1).items()} == {
        key: type(value) for key, value in EXAMPLES[name][1].items()
    }
