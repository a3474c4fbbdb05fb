"""Whole experiments in other units, places, axes and orders: the same statuses, classes and ratios.

A similarity maps the points, the noise of their samples and the starts; sigma and the spread of the starts grow with
the size. Scale, place and order are kept by every component. Training by Adam, which goes coordinate by coordinate,
knows the axes: of rotated data the minimum is compared, not the way there.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch
from attrs import frozen
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from flowlab import Experiment
from flowlab.api import gaussian_starts
from flowlab.components.analyses.certificate import Certificate
from flowlab.components.analyses.fixed_points import FixedPoints
from flowlab.components.analyses.interpolation import Interpolation
from flowlab.components.analyses.virtual_point_stability import VirtualPointStability
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
from flowlab.theory import interpolation

OBTUSE = ((0.0, 0.0, 0.0), (1.0, 0.0, 0.0), (-0.2, 1.1, 0.0), (-0.1, -0.2, 0.9))
ACUTE = ((0.0, 0.0, 0.1), (1.0, 0.1, 0.0), (0.4, 0.9, 0.0))
# no simplex: the anchor is the first point, wherever it stands
SQUARE = ((0.0, 0.0), (1.0, 0.1), (-0.2, 0.9), (1.1, 1.2))
SIGMA = (0.05, 0.03)

some = settings(max_examples=5, deadline=None, suppress_health_check=list(HealthCheck))


@frozen(eq=False)
class Similarity:
    """x_n -> size * (rotation x_order[n] + shift): points and what is drawn about them."""

    size: float
    shift: float  # in units of the points' size, which is about one
    rotation: np.ndarray
    order: tuple[int, ...]

    @classmethod
    def of(cls, vertices: Any, power: int, shift: float, seed: int) -> Similarity:
        """Seed 0 leaves axes and order alone."""
        count, dimension = np.shape(vertices)
        rng = np.random.default_rng(seed)
        turn, _ = np.linalg.qr(rng.normal(size=(dimension, dimension)))
        order = rng.permutation(count)
        return cls(
            10.0**power,
            shift,
            turn if seed else np.eye(dimension),
            tuple(order.tolist()) if seed else tuple(range(count)),
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


def nodes_of(dataset: Any, size: float, form: bool, more: Any = ()) -> dict[str, Any]:
    """Closed form where there is one, slabs, both flows from the same starts, classes, sums, fixed points."""
    banks = ("form", "slabs") if form else ("slabs",)
    nodes: dict[str, Any] = {
        "dataset.points": dataset,
        "schedule.levels": NoiseLevels(tuple(size * level for level in SIGMA)),
        "optimizer.slabs": MaxMargin(),
        "denoiser.slabs": ShallowRelu("points", "levels", "slabs"),
        "analysis.interpolation": Interpolation(("slabs",)),
        "analysis.certificate": Certificate(("slabs",), rounds=1, starts=8, steps=10, regions=200),
        **dict(more),
    }
    if form:
        nodes["denoiser.form"] = ClosedForm("points", "levels")
    trained = [name.removeprefix("denoiser.") for name in dict(more) if name.startswith("denoiser.")]
    for bank in (*banks, *trained):
        nodes |= {
            f"analysis.sums-{bank}": VirtualPointStability(bank, orders=(0, 1, 2, 3), metric="l2"),
            f"analysis.fixed-{bank}": FixedPoints(bank),
            f"flow.score-{bank}": ScoreFlow(bank, samples=60, center="centroid", spread=size),
            f"flow.pf-{bank}": ProbabilityFlow(bank, samples=60, center="centroid", spread=size),
            f"classifier.ends-{bank}": StablePoints((f"score-{bank}", f"pf-{bank}"), metric="l2"),
        }
    return nodes


def ran(map_: Similarity, dataset: Any, form: bool, more: Any = ()) -> dict[str, Any]:
    with map_.drawing():
        made = Experiment("similar", nodes_of(dataset, map_.size, form, more))
        results = made.run(quiet=True, device="cpu")
    return {record.node.id: record for record in results.report.outcome.records}


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
