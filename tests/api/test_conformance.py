"""Every registered component of a kind that has a suite passes it, unasked.

A component is tried with its defaults; those that have none, or whose rules need more said, stand in tables below.
"""

from __future__ import annotations

from typing import Any

import attrs
import pytest
import torch
from attrs import evolve
from built_in import BUILT_IN
from hypothesis import strategies as st

from flowlab.api import DenoiserBank, NodeLabel, StableShares, references
from flowlab.api.helpers.training_set import training_set
from flowlab.api.testing import SUITES, Suite
from flowlab.api.testing.box import box_bank, box_geometry, box_training
from flowlab.api.testing.suite import context
from flowlab.api.testing.values import box_values
from flowlab.registry.entry_points import Entry
from flowlab.theory.geometry.simplex import simplex_geometry
from flowlab.theory.networks.relu_network import from_slabs

_POINTS = st.integers(2, 5)
_SEPARATE = st.lists(st.integers(-30, 30), min_size=2, max_size=6, unique=True)


def orthogonal(orthogonal: type) -> st.SearchStrategy[Any]:
    return _POINTS.flatmap(
        lambda points: st.builds(
            orthogonal,
            dimension=st.integers(points, 6),
            points=st.just(points),
            samples=st.integers(1, 20),
            origin=st.booleans(),
            norm=st.floats(0.5, 2),
            frame=st.sampled_from(["random", "standard"]),
        )
    )


def perturbed(orthogonal: type) -> Any:
    # displaced, it keeps the closed form of points that are not: that is what it is for
    return orthogonal(dimension=4, points=4, samples=10, displacement=0.0)


def obtuse(simplex: type) -> st.SearchStrategy[Any]:
    # three edges in space meet at up to 120 degrees
    return st.builds(
        simplex,
        dimension=st.integers(3, 5),
        points=st.integers(3, 4),
        angle=st.floats(91, 115),
        length=st.floats(0.5, 2),
        frame=st.sampled_from(["random", "standard"]),
    )


def triangle(simplex: type) -> st.SearchStrategy[Any]:
    # sides of order one, no angle below 40 degrees
    corner = st.tuples(st.floats(0.3, 0.7), st.floats(0.6, 1.2))
    return corner.map(lambda end: simplex(vertices=((0.0, 0.0), (1.0, 0.0), end)))


def line(line: type) -> st.SearchStrategy[Any]:
    places = _SEPARATE.map(lambda places: tuple(map(float, places)))
    return st.builds(
        line, coordinates=places, dimension=st.integers(1, 4), frame=st.sampled_from(["random", "standard"])
    )


def points_file(file: type) -> Any:
    return file(path="experiments/square.csv", samples=10)


def image_folder(folder: type) -> Any:
    return folder(path="tests/components/images", samples=10)


def torch_module(module: type) -> Any:
    return module("a", "a", source="tests/components/own_networks.py", network="Shrink")


def variance_exploding(schedule: type) -> st.SearchStrategy[Any]:
    times = st.tuples(st.floats(1e-3, 100), st.floats(1e-3, 0.9))
    return st.builds(
        lambda time, levels, spacing: schedule(time[0], levels, spacing, time[0] * time[1]),
        times,
        st.integers(2, 60),
        st.sampled_from(["time", "sigma", "log-sigma"]),
    )


def noise_levels(schedule: type) -> st.SearchStrategy[Any]:
    return st.lists(st.floats(1e-3, 10), min_size=1, max_size=9).map(lambda levels: schedule(tuple(levels)))


def claim(claim: type) -> Any:
    return claim(text="as many", source="ours", ours=("a",), metric="share", at_least=0.2)


def early_stopping(analysis: type) -> Any:
    return analysis(("a",), "a", first=(0.1, 0.3), last=(0.9, 0.6), starts=20)


# how components without defaults are made, and with less work where the defaults are for large problems
FACTORIES = {
    ("dataset", "orthogonal"): orthogonal,
    ("dataset", "perturbed-orthogonal"): perturbed,
    ("dataset", "obtuse-simplex"): obtuse,
    ("dataset", "simplex"): triangle,
    ("dataset", "line"): line,
    ("dataset", "points-file"): points_file,
    ("dataset", "image-folder"): image_folder,
    ("schedule", "variance-exploding"): variance_exploding,
    ("schedule", "noise-levels"): noise_levels,
    ("denoiser", "torch-module"): torch_module,
    ("analysis", "claim"): claim,
    ("analysis", "certificate"): lambda analysis: analysis(("a",), rounds=3),
    ("analysis", "class-changes"): lambda analysis: analysis("a", baseline="score"),
    ("analysis", "early-stopping"): early_stopping,
    ("analysis", "stability-over-draws"): lambda analysis: analysis(("a",), by="sigma"),
    ("executor", "local"): lambda executor: executor(workers=2),
    ("optimizer", "augmented-lagrangian"): lambda optimizer: optimizer(steps=3000, multiplier_rate=0.03),
    ("optimizer", "weight-decay"): lambda optimizer: optimizer(steps=1000),
    ("optimizer", "certified-min-norm"): lambda optimizer: optimizer(
        start="slabs", polish=500, passes=1, rounds=5, starts=16, gap=0.5
    ),
}


class Spliced:
    """Spliced joins two banks of one dataset, the second noisier."""

    def inputs(self, component: Any, seed: int, dtype: torch.dtype) -> dict[str, DenoiserBank]:
        training = box_training(seed, dtype)
        levels = {"low": [0.03, 0.02], "high": [0.08, 0.05]}
        return {end: box_bank(training, torch.tensor(sigma, dtype=dtype)) for end, sigma in levels.items()}


class OfAClaim:
    """A claim reads the metrics of other analyses."""

    def inputs(self, component: Any, dtype: torch.dtype, device: torch.device) -> dict[str, Any]:
        return {"ours": {NodeLabel("a"): {"share": 0.25}}, "theory": {}}


class OfTwoFlows:
    """Changes are counted between two flows of one classifier."""

    def inputs(self, component: Any, dtype: torch.dtype, device: torch.device) -> dict[str, Any]:
        classes = box_values(0, dtype, device)["classifier"]
        labels, flows = classes.labels["score"], classes.flows["score"]
        both = {"score": labels, "other": (labels + 1) % 5}
        return {"classifier": evolve(classes, labels=both, flows=dict.fromkeys(both, flows))}


class OfABoxAlongTheAxes:
    """The final time that decides is known for a box along the axes."""

    def inputs(self, component: Any, dtype: torch.dtype, device: torch.device) -> dict[str, Any]:
        geometry = simplex_geometry(
            box_geometry(0, edges=2, dimension=2, along_axes=True).points.to(device, dtype)
        )
        training = training_set(evolve(geometry, separable=True), 10, context(0, dtype, device))
        bank = box_bank(training, torch.tensor([0.12, 0.1, 0.08], dtype=dtype, device=device))
        return {"denoiser": {NodeLabel("a"): bank}, "integrator": box_values(0, dtype, device)["integrator"]}


class OfReluNetworks:
    """A certificate is of shallow ReLU networks; the estimate rests on a search."""

    tolerance = 0.02

    def inputs(self, component: Any, dtype: torch.dtype, device: torch.device) -> dict[str, Any]:
        bank = box_values(0, dtype, device)["denoiser"]
        return {"denoiser": {NodeLabel("a"): evolve(bank, network=from_slabs(bank.network), rho=None)}}


class OfFittedNetworks:
    """A bank that says how well each level interpolates."""

    def inputs(self, component: Any, dtype: torch.dtype, device: torch.device) -> dict[str, Any]:
        bank = box_values(0, dtype, device)["denoiser"]
        quality = {"violation_max": [1e-5] * 3, "slab_ratio": [1.0, 1.1, None], "mse": [1e-9] * 3}
        return {"denoiser": {"a": evolve(bank, quality=quality)}}


class OfStableShares:
    """Draws of the shares of stable sums, at two noise levels."""

    def inputs(self, component: Any, dtype: torch.dtype, device: torch.device) -> dict[str, Any]:
        def shares(sigma: float, share: float) -> StableShares:
            return StableShares.of([{"order": 2, "sigma": sigma, "share": share}])

        draws = [(sigma, seed, 0.9 - sigma - 0.1 * seed) for sigma in (0.1, 0.2) for seed in (0, 1)]
        return {
            "analysis": {
                NodeLabel("a", {"schedule.s.final_time": sigma, "experiment.seed": seed}): shares(sigma, share)
                for sigma, seed, share in draws
            }
        }


EXTRAS = {
    ("denoiser", "spliced"): Spliced,
    ("analysis", "claim"): OfAClaim,
    ("analysis", "class-changes"): OfTwoFlows,
    ("analysis", "early-stopping"): OfABoxAlongTheAxes,
    ("analysis", "certificate"): OfReluNetworks,
    ("analysis", "interpolation"): OfFittedNetworks,
    ("analysis", "stability-over-draws"): OfStableShares,
}
ELSEWHERE = {"figure"}  # tests/components/test_figure_suite.py has their inputs


def made(entry: Entry) -> Any:
    """A component, or a strategy of them: from its table, else with its defaults and names to refer to."""
    component = entry.load()
    if (entry.kind, entry.name) in FACTORIES:
        return FACTORIES[entry.kind, entry.name](component)
    needed = {item.name for item in attrs.fields(component) if item.default is attrs.NOTHING}
    named = references(component)
    return component(**{name: ("a",) if named[name].many else "a" for name in needed})


def suite_of(entry: Entry) -> type[Suite]:
    """The suite of an installed component."""
    bases = (*filter(None, [EXTRAS.get((entry.kind, entry.name))]), SUITES[entry.kind])
    members: dict[str, Any] = {"component": lambda self: made(entry)}
    if entry.name in ("digits", "certificate"):  # ten points in 64 dimensions; a search at each build
        members["pytestmark"] = pytest.mark.slow
    return type("Test" + entry.name.title().replace("-", ""), bases, members)


COVERED = [entry for entry in BUILT_IN.entries if entry.kind in set(SUITES) - ELSEWHERE]
SUITE_OF = {f"Test_{entry.kind}_{entry.name}".replace("-", "_"): suite_of(entry) for entry in COVERED}
globals().update(SUITE_OF)


def test_every_built_in_component_of_a_kind_with_a_suite_is_covered():
    assert len(SUITE_OF) == len(COVERED)
    assert {entry.kind for entry in COVERED} | ELSEWHERE == set(SUITES)
