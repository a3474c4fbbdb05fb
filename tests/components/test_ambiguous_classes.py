"""A threshold that does not tell the classes apart is said, and one that does is not."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.distance import cdist

from flowlab import Experiment
from flowlab.components.classifiers.stable_points import StablePoints
from flowlab.components.datasets.orthogonal import Orthogonal
from flowlab.components.datasets.points_file import PointsFile
from flowlab.components.denoisers.closed_form import ClosedForm
from flowlab.components.denoisers.empirical_mmse import EmpiricalMmse
from flowlab.components.flows.probability import ProbabilityFlow
from flowlab.components.schedules.noise_levels import NoiseLevels
from flowlab.theory.geometry.classes import count_crowded


@given(st.integers(2, 9), st.integers(1, 5), st.floats(0, 2), st.sampled_from(["linf", "l2"]), st.integers(0, 99))
def test_crowded_points_are_those_of_scipy(count, dimension, near, metric, seed):
    points = np.random.default_rng(seed).normal(size=(count, dimension))
    distances = cdist(points, points, "chebyshev" if metric == "linf" else "euclidean") + np.diag([np.inf] * count)
    expected = int((distances.min(1) <= near).sum())
    assert count_crowded(torch.from_numpy(points), near, metric) == (expected, count)
    few = int((distances[:2].min(1) <= near).sum())
    assert count_crowded(torch.from_numpy(points), near, metric, most=2) == (few, 2)


@pytest.mark.parametrize(("metric", "said"), [("linf", True), ("l2", False)])
def test_dense_images_are_all_near_each_other_in_linf(tmp_path, metric, said):
    """Values between 0 and 1 in 400 dimensions: no two differ by more than 1 anywhere, and l2 is about 8."""
    images = np.random.default_rng(0).uniform(size=(6, 400))
    np.save(tmp_path / "images.npy", images)
    experiment = Experiment(
        "dense",
        {
            "dataset.images": PointsFile(str(tmp_path / "images.npy")),
            "schedule.low": NoiseLevels((0.1, 0.05)),
            "denoiser.mmse": EmpiricalMmse("images", "low"),
            "flow.pf": ProbabilityFlow("mmse", samples=20),
            "classifier.ends": StablePoints(("pf",), metric=metric),
        },
    )
    message = experiment.run(device="cpu", quiet=True)["classifier.ends"].message
    assert ("6 of 6 training points have another within the threshold" in message) is said
    assert ("take metric = 'l2' or a smaller threshold" in message) is said


@pytest.mark.parametrize(("threshold", "said"), [(0.2, False), (0.8, True)])
def test_ends_near_points_of_two_classes_are_counted(threshold, said):
    """A box with edges of length 1: within 0.8 of a corner, most of it is within 0.8 of another."""
    experiment = Experiment(
        "box",
        {
            "dataset.box": Orthogonal(dimension=3, points=3),
            "schedule.low": NoiseLevels((0.02, 0.01)),
            "denoiser.theory": ClosedForm("box", "low"),
            "flow.pf": ProbabilityFlow("theory", samples=200),
            "classifier.ends": StablePoints(("pf",), threshold=threshold),
        },
    )
    ends = experiment.run(device="cpu", quiet=True)["classifier.ends"]
    table = ends.tables["endpoints"]
    both = sum(
        training <= threshold and virtual <= threshold
        for training, virtual in zip(table["distance_training"], table["distance_virtual"], strict=True)
    )
    assert (both > 2) is said
    assert (
        f"pf: {both} of 200 endpoints are within the threshold of a training point and" in ends.message
    ) is said
    assert (ends.status == "short") is said
