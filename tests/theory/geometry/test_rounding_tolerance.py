"""Tolerances in the rounding of a dtype."""

from __future__ import annotations

import pytest
import torch

from flowlab.api import Context, NodeError
from flowlab.components.datasets.line import Line
from flowlab.components.datasets.orthogonal import Orthogonal
from flowlab.components.denoisers.shallow_relu import ShallowRelu
from flowlab.components.optimizers.dichotomy_neurons import DichotomyNeurons
from flowlab.components.optimizers.max_margin import MaxMargin
from flowlab.components.schedules.noise_levels import NoiseLevels


def context(dtype: torch.dtype) -> Context:
    return Context(seed=0, node="test.node", dtype=dtype, device=torch.device("cpu"))


@pytest.mark.parametrize("optimizer", [MaxMargin(), DichotomyNeurons()])
@pytest.mark.parametrize(("points", "dimension"), [(3, 3), (4, 6)])
def test_slabs_interpolate_in_single_precision(optimizer, points, dimension):
    here = context(torch.float32)
    training = Orthogonal(dimension=dimension, points=points, samples=30).build(here).value
    denoiser = ShallowRelu(dataset="d", schedule="s", optimizer="o")
    done = denoiser.build(here, dataset=training, schedule=NoiseLevels(levels=(0.05, 0.01)), optimizer=optimizer)
    assert done.shortfall is None
    assert max(done.metrics["violation_max"]) > 1e-8  # which no network in this precision falls below
    assert max(done.metrics["violation_allowed"]) < 2e-5


@pytest.mark.parametrize(("dtype", "largest"), [(torch.float32, 1e5), (torch.float64, 1e5), (torch.float64, 1e14)])
def test_points_that_a_dtype_resolves(dtype, largest):
    assert Line(coordinates=(0.0, 1.0, largest)).build(context(dtype)).value.geometry.scale == pytest.approx(1)


@pytest.mark.parametrize(("dtype", "largest"), [(torch.float32, 1e8), (torch.float64, 1e16)])
def test_points_whose_distances_are_lost_in_rounding_are_refused(dtype, largest):
    with pytest.raises(NodeError, match=f"numbers in {str(dtype).removeprefix('torch.')} are .* apart"):
        Line(coordinates=(0.0, 1.0, largest)).build(context(dtype))
