"""The figure of images: many points are sampled, and the picture says so; channels are colours."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from flowlab.api import Classes, Context, DenoiserBank, NodeError, TrainingSet, Trajectories
from flowlab.components.figures.endpoints.images import Images
from flowlab.theory.geometry.classes import classify
from flowlab.theory.geometry.geometry import Geometry
from flowlab.theory.networks.mmse import EmpiricalMmse

CONTEXT = Context(0, "figure", torch.float64, torch.device("cpu"))


def classified(points: Tensor, shape: tuple[int, ...] | None = None) -> Classes:
    """Ends at the training points and far from them."""
    geometry = Geometry(points, points[0], points[1:] - points[0])
    sigma = torch.tensor([0.1], dtype=torch.float64)
    training = TrainingSet(geometry, 1, lambda s: points.expand(len(s), -1, -1)[:, :, None], shape=shape)
    bank = DenoiserBank(sigma, EmpiricalMmse(points, sigma), training, torch.ones(1, dtype=torch.bool))
    ends = torch.cat([points[:50], points[:50] + 100])
    path = Trajectories(torch.stack([ends, ends]), torch.tensor([0.1, 0.0]), bank, "probability")
    return Classes({"pf": classify(ends, geometry, 0.2, "linf").labels}, {"pf": path}, 0.2, "linf")


def drawn(classes: Classes, **keys: Any) -> Any:
    return Images(("ends",), **keys).build(CONTEXT, classifier={"ends": classes}).value


def pixels(ax: Any) -> np.ndarray:
    (image,) = ax.get_images()
    return np.asarray(image.get_array())


def test_of_many_points_a_sample_is_shown_and_the_picture_says_so() -> None:
    points = torch.arange(1000.0).double()[:, None] * torch.ones(1, 4).double()
    figure = drawn(classified(points))
    first = [ax for ax in figure.axes[: len(figure.axes) // 2] if ax.get_images()]
    assert len(first) == 21
    assert first[0].get_ylabel() == "training\n20 of 1,000"
    assert [ax.get_title() for ax in first[:2]] == ["$x_{0}$", "$x_{50}$"]
    for ax, n in zip(first, range(0, 1000, 50), strict=False):
        assert (pixels(ax) == n).all()
        assert ax.get_images()[0].get_clim() == (0, 999)
    few = drawn(classified(points[:60]), points=60)
    assert few.axes[0].get_ylabel() == "training"
    assert drawn(classified(points), points=1).axes[0].get_ylabel() == "training\n1 of 1,000"


@pytest.mark.parametrize("shape", [(2, 3), (1, 2, 3), (3, 4, 2)])
def test_the_shape_is_that_of_the_data(shape: tuple[int, ...]) -> None:
    points = torch.rand(3, math.prod(shape), dtype=torch.float64)
    ax = drawn(classified(points, shape)).axes[1]
    expected = points[1].reshape(shape).numpy()
    if shape[0] == 3:
        scaled = (expected - float(points.min())) / float(points.max() - points.min())
        assert np.allclose(pixels(ax), scaled.transpose(1, 2, 0))
    else:
        assert np.array_equal(pixels(ax), expected.reshape(2, 3))


@pytest.mark.parametrize("shape", [(2, 2), (2, 2, 2), (8,)])
def test_another_shape_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(NodeError, match="set shape to rows and columns, or to 3, rows, columns"):
        drawn(classified(torch.rand(3, 8, dtype=torch.float64)), shape=shape)
