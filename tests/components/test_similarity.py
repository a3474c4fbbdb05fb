"""Whole experiments in other units, places, axes and orders: the same statuses, classes and ratios.

A similarity maps the points, the noise of their samples and the starts; sigma and the spread of the starts grow
with the size. Closed forms and slabs know none of it. Training from given weights knows the axes, as Adam goes
coordinate by coordinate: of turned data the minimum is compared, not the way there.
"""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from attrs import frozen
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from run_records import run_records

from flowlab import Experiment
from flowlab.api import gaussian_starts
from flowlab.components.analyses.networks.interpolation import Interpolation
from flowlab.components.analyses.stability.fixed_points import FixedPoints
from flowlab.components.analyses.stability.virtual_point_stability import VirtualPointStability
from flowlab.components.classifiers.stable_points import StablePoints
from flowlab.components.datasets.points_file import PointsFile
from flowlab.components.datasets.simplex import Simplex
from flowlab.components.denoisers.closed_form import ClosedForm
from flowlab.components.denoisers.shallow_relu import ShallowRelu
from flowlab.components.flows import probability, score
from flowlab.components.flows.probability import ProbabilityFlow
from flowlab.components.flows.score import ScoreFlow
from flowlab.components.optimizers.augmented_lagrangian import AugmentedLagrangian
from flowlab.components.optimizers.max_margin import MaxMargin
from flowlab.components.schedules.noise_levels import NoiseLevels
from flowlab.theory.networks import interpolation

OBTUSE = ((0.0, 0.0, 0.0), (1.0, 0.0, 0.0), (-0.2, 1.1, 0.0), (-0.1, -0.2, 0.9))
ACUTE = ((0.0, 0.0, 0.1), (1.0, 0.1, 0.0), (0.4, 0.9, 0.0))
# no simplex: the anchor is the first point, wherever it stands
SQUARE = ((0.0, 0.0), (1.0, 0.1), (-0.2, 0.9), (1.1, 1.2))
LINE = ((0.0, 0.0), (1.0, 1.0), (2.5, 2.5))
SIGMA = (0.05, 0.03)

few = settings(max_examples=2, deadline=None, suppress_health_check=[HealthCheck.too_slow])
some = settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.too_slow])
similar = st.tuples(
    st.integers(-12, 12), st.sampled_from([0.0, -3.0, 1e6]), st.integers(0, 99), st.integers(0, 99)
)


@frozen(eq=False)
class Similarity:
    """x_n -> size * (rotation x_order[n] + shift): points and what is drawn about them."""

    size: float
    shift: float  # in units of the points' size, which is about one
    rotation: np.ndarray
    order: tuple[int, ...]

    @classmethod
    def of(cls, vertices: Any, power: int = 0, shift: float = 0.0, turn: int = 0, order: int = 0) -> Similarity:
        """A power of ten, a shift, and seeds of the rotation (or reflection) and the order; seed 0 is none."""
        count, dimension = np.shape(vertices)
        rotation, _ = np.linalg.qr(np.random.default_rng(turn).normal(size=(dimension, dimension)))
        permuted = np.random.default_rng(order).permutation(count)
        return cls(
            10.0**power,
            shift,
            rotation if turn else np.eye(dimension),
            tuple((permuted if order else np.arange(count)).tolist()),
        )

    def points(self, vertices: Any) -> np.ndarray:
        moved = np.array(vertices)[list(self.order)] @ self.rotation.T
        return self.size * (moved + self.shift / np.arange(1, moved.shape[1] + 1))

    def turned(self, vectors: torch.Tensor) -> torch.Tensor:
        return vectors @ torch.from_numpy(self.rotation).mT.to(vectors)

    @contextlib.contextmanager
    def drawing(self) -> Iterator[None]:
        """What is drawn about points and means is turned with them, and goes with its point."""
        drawn = interpolation.noisy_samples

        def noisy(points: Any, sigma: Any, count: int, generator: Any) -> torch.Tensor:
            noise = drawn(torch.zeros_like(points), sigma, count, generator)
            return points[:, None] + self.turned(noise[:, list(self.order)])

        def starts(bank: Any, count: int, center: Any, spread: Any, context: Any) -> torch.Tensor:
            mean = probability.start_law(bank, center, spread).mean
            return mean + self.turned(gaussian_starts(bank, count, center, spread, context) - mean)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(interpolation, "noisy_samples", noisy)
            patch.setattr(probability, "gaussian_starts", starts)
            patch.setattr(score, "gaussian_starts", starts)
            yield


def followed(bank: str, size: float) -> dict[str, Any]:
    """Both flows from the same starts, their classes, sums of points, fixed points."""
    return {
        f"analysis.sums-{bank}": VirtualPointStability(bank, orders=(0, 1, 2, 3), metric="l2"),
        f"analysis.fixed-{bank}": FixedPoints(bank),
        f"flow.score-{bank}": ScoreFlow(bank, samples=60, center="centroid", spread=size),
        f"flow.pf-{bank}": ProbabilityFlow(bank, samples=60, center="centroid", spread=size),
        f"classifier.ends-{bank}": StablePoints((f"score-{bank}", f"pf-{bank}"), metric="l2"),
    }


def ran(place: Similarity, nodes: dict[str, Any]) -> dict[str, Any]:
    with place.drawing():
        return run_records(Experiment("similar", nodes))


def exact(place: Similarity, vertices: Any, folder: Path) -> dict[str, Any]:
    """Slabs, and the closed form of a simplex."""
    points = place.points(vertices)
    nodes = {
        "schedule.levels": NoiseLevels(tuple(place.size * level for level in SIGMA)),
        "optimizer.slabs": MaxMargin(),
        "denoiser.slabs": ShallowRelu("points", "levels", "slabs"),
        "analysis.interpolation": Interpolation(("slabs",)),
        **followed("slabs", place.size),
    }
    if vertices in (OBTUSE, ACUTE):
        simplex = Simplex(tuple(map(tuple, points.tolist())), samples=20)
        form = {"denoiser.form": ClosedForm("points", "levels"), **followed("form", place.size)}
        return ran(place, {"dataset.points": simplex, **nodes, **form})
    file = folder / f"{place.size}-{place.shift}.npy"
    np.save(file, points)
    return ran(place, {"dataset.points": PointsFile(str(file), anchor=place.order.index(0), samples=20), **nodes})


def trained(place: Similarity, **how: Any) -> dict[str, Any]:
    """A short training of a small network, in double precision: nothing but the data differs."""
    points = place.points(OBTUSE)
    nodes = {
        "dataset.points": Simplex(tuple(map(tuple, points.tolist())), samples=20),
        "schedule.levels": NoiseLevels((place.size * SIGMA[0],)),
        "optimizer.al": AugmentedLagrangian(precision="float64", **how),
        "denoiser.trained": ShallowRelu("points", "levels", "al", width=30),
        "analysis.interpolation": Interpolation(("trained",)),
        **followed("trained", place.size),
    }
    return ran(place, nodes)


def classes(records: dict[str, Any]) -> dict[str, list[int]]:
    """The class of each start."""
    return {
        flow: labels.tolist()
        for name, record in records.items()
        if name.startswith("classifier") and record.finished
        for flow, labels in record.value.labels.items()
    }


COUNTED = ("stable", "tested", "total", "undecided", "unconverged", "fixed", "virtual", "training", "other")


def counts(records: dict[str, Any]) -> dict[str, Any]:
    """Statuses and counts of the analyses."""
    found: dict[str, Any] = {name: record.status for name, record in records.items()}
    for name, record in records.items():
        if name.startswith("analysis.sums"):
            rows = {order: row for order, row in record.metrics.items() if order != "sigma"}
            found[name, "rows"] = [{k: row[k] for k in COUNTED if k in row} for row in rows.values()]
        if name.startswith("analysis.fixed"):
            found[name, "rows"] = {k: record.metrics[k] for k in COUNTED if k in record.metrics}
    return found


RATIOS = ("cost", "cost_balanced", "cost_closed_form", "cost_slab", "cost_ratio", "slab_ratio", "balanced_ratio")


def ratios(records: dict[str, Any], denoiser: str) -> dict[str, list[float]]:
    metrics = records[f"denoiser.{denoiser}"].metrics
    return {name: [float("nan") if v is None else v for v in metrics[name]] for name in RATIOS}


as_they_are = functools.cache(lambda how: trained(Similarity.of(OBTUSE), **dict(how)))


@pytest.mark.slow
@pytest.mark.parametrize("vertices", [OBTUSE, ACUTE, SQUARE, LINE], ids=["obtuse", "acute", "square", "line"])
@some
@given(moved=similar)
@example(moved=(-12, 1e6, 3, 3))
@example(moved=(12, 1e6, 4, 4))
def test_slabs_and_closed_forms_know_no_unit_place_axes_or_order(vertices, moved, tmp_path_factory):
    folder = tmp_path_factory.mktemp("points")
    expected = exact(Similarity.of(vertices), vertices, folder)
    found = exact(Similarity.of(vertices, *moved), vertices, folder)
    assert counts(found) == counts(expected)
    assert classes(found) == classes(expected)
    for name, values in ratios(found, "slabs").items():
        # points shifted by 1e6 times their size have ten digits, noise of 0.03 eight of them
        assert values == pytest.approx(ratios(expected, "slabs")[name], rel=1e-6, nan_ok=True), name


@few
@given(st.integers(-12, 12), st.sampled_from([0.0, -3.0, 1e6]), st.integers(0, 99))
@example(-12, 1e6, 1)
@example(12, 1e6, 2)
def test_training_from_random_weights_knows_no_unit_place_or_order(power, shift, order):
    """Far from the minimum: the way itself is the same, but for what 300 steps make of the rounding."""
    how = {"steps": 300}
    expected = as_they_are(tuple(how.items()))
    found = trained(Similarity.of(OBTUSE, power, shift, 0, order), **how)
    assert counts(found) == counts(expected)
    assert classes(found) == classes(expected)
    for name, values in ratios(found, "trained").items():
        assert values == pytest.approx(ratios(expected, "trained")[name], rel=1e-5, nan_ok=True), name


@few
@given(moved=similar)
@example(moved=(-12, 1e6, 3, 3))
@example(moved=(12, 1e6, 4, 4))
def test_a_network_trained_to_the_minimum_knows_no_axes_either(moved):
    how = {"steps": 2000, "start": "slabs", "penalty_start": 20_000.0, "learning_rate": 0.001}
    expected = as_they_are(tuple(how.items()))
    found = trained(Similarity.of(OBTUSE, *moved), **how)
    assert expected["denoiser.trained"].status == "done"
    assert counts(found) == counts(expected)
    assert classes(found) == classes(expected)
    for name, values in ratios(found, "trained").items():
        assert values == pytest.approx(ratios(expected, "trained")[name], rel=1e-3, nan_ok=True), name
