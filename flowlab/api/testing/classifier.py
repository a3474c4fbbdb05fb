"""The rules of every classifier: one class per endpoint, whatever the order of points and starts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import torch
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from flowlab.api.helpers.training_set import training_set
from flowlab.api.kinds.classifier import CLASSES, Classes
from flowlab.api.kinds.flow import Trajectories
from flowlab.api.result import Result
from flowlab.api.testing.box import box_bank, box_geometry
from flowlab.api.testing.inputs import assert_stated, inputs
from flowlab.api.testing.suite import Suite, context, normal, seeds, some
from flowlab.api.value_spec import FlowSpec
from flowlab.theory.geometry.geometry import Geometry
from flowlab.theory.geometry.simplex import simplex_geometry

_TRAINING, _VIRTUAL, _ELSEWHERE = (CLASSES.index(name) for name in ("training", "virtual", "elsewhere"))
_FAR = 100.0  # farther than any threshold that separates points at distance 1


class ClassifierSuite(Suite):
    """The rules of a classifier, on endpoints about a box."""

    kind: ClassVar[str] = "classifier"

    @some
    @given(st.data(), seeds)
    def test_every_endpoint_has_one_class(self, data: st.DataObject, seed: int) -> None:
        geometry, ends = _about_a_box(seed)
        classes = classified(
            self.drawn(data), {"one": _trajectories(geometry, ends), "two": _trajectories(geometry, ends[:7])}
        )
        assert set(classes.labels) == {"one", "two"}, "a flow is missing"
        for name, count in (("one", len(ends)), ("two", 7)):
            labels = classes.labels[name]
            assert labels.shape == (count,), "labels are (S,)"
            assert not labels.is_floating_point()
            assert bool(((labels >= 0) & (labels < len(CLASSES))).all()), "a label stands for no class"
            assert sum(classes.counts(name).values()) == count

    @some
    @given(st.data(), seeds)
    def test_what_it_states_before_the_run_is_so(self, data: st.DataObject, seed: int) -> None:
        component = self.drawn(data)
        named = inputs(component, {"flow": _trajectories(*_about_a_box(seed))})
        classes = component.build(context(), **named).value
        assert_stated(component, self.kind, metric=classes.metric, flows=dict.fromkeys(classes.flows, FlowSpec()))

    @some
    @given(st.data(), seeds)
    def test_known_points_have_their_class(self, data: st.DataObject, seed: int) -> None:
        geometry, _ = _about_a_box(seed)
        component = self.drawn(data)
        away = geometry.anchor + _FAR * torch.nn.functional.normalize(normal(seed, 5, 3), dim=-1)
        known = {
            _TRAINING: geometry.points,
            _VIRTUAL: geometry.anchor + geometry.edges.sum(0, keepdim=True),
            _ELSEWHERE: away,
        }
        for label, points in known.items():
            labels = classified(component, {"one": _trajectories(geometry, points)}).labels["one"]
            assert bool((labels == label).all()), f"a point of class {CLASSES[label]} got {labels.tolist()}"

    @some
    @given(st.data(), seeds)
    def test_the_order_of_the_training_points_does_not_matter(self, data: st.DataObject, seed: int) -> None:
        geometry, ends = _about_a_box(seed)
        shuffled = simplex_geometry(geometry.points[_order(seed, len(geometry.points))])
        component = self.drawn(data)
        first, second = (
            classified(component, {"one": _trajectories(each, ends)}).labels["one"]
            for each in (geometry, shuffled)
        )
        assert torch.equal(first, second), "labels change with the order of the training points"

    @some
    @given(st.data(), seeds)
    def test_starts_do_not_know_of_each_other(self, data: st.DataObject, seed: int) -> None:
        geometry, ends = _about_a_box(seed)
        order = _order(seed, len(ends))
        component = self.drawn(data)
        first, second = (
            classified(component, {"one": _trajectories(geometry, each)}).labels["one"]
            for each in (ends, ends[order])
        )
        assert torch.equal(first[order], second), "a label changes with the other endpoints"

    @some
    @given(st.data(), seeds)
    def test_the_same_endpoints_get_the_same_classes(self, data: st.DataObject, seed: int) -> None:
        geometry, ends = _about_a_box(seed)
        component = self.drawn(data)
        first, again = (
            classified(component, {"one": _trajectories(geometry, ends)}).labels["one"] for _ in range(2)
        )
        assert torch.equal(first, again), "labels differ from call to call"


def classified(component: Any, flows: Mapping[str, Trajectories]) -> Classes:
    """The classes that a classifier builds from flows; a failed assertion for any other result."""
    given_names = {
        name: flows if isinstance(value, dict) else value
        for name, value in inputs(component, {"flow": None}).items()
    }
    result = component.build(context(), **given_names)
    assert isinstance(result, Result), f"build returned {type(result).__name__}, not Result"
    assert isinstance(result.value, Classes), f"its value is {type(result.value).__name__}, not Classes"
    return result.value


def _about_a_box(seed: int) -> tuple[Geometry, Tensor]:
    """A box of three edges along the axes and endpoints in, on and about it."""
    geometry = box_geometry(seed, edges=3, along_axes=True)
    spread = normal(seed + 1, 60, 3)
    inside = (spread + 0.5).clamp(0, 1) @ geometry.edges
    return geometry, torch.cat([inside, geometry.points.mean(0) + spread])


def _trajectories(geometry: Geometry, ends: Tensor) -> Trajectories:
    sigma = ends.new_tensor([0.1])
    bank = evolve(box_bank(training_set(geometry, 1, context()), sigma))
    return Trajectories(ends[None], sigma, bank, "probability")


def _order(seed: int, count: int) -> Tensor:
    return torch.randperm(count, generator=torch.Generator().manual_seed(seed))
