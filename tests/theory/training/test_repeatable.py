"""The same numbers give the same bits, wherever in memory they lie."""

import pytest
import torch

from flowlab.theory.convex_programs.slab_solution import slab_solution
from flowlab.theory.networks.interpolation import noisy_samples
from flowlab.theory.networks.relu_network import ReluNetwork
from flowlab.theory.solvers.fermat_weber import weighted_fermat_weber
from flowlab.theory.training.descent import Weights
from flowlab.theory.training.neuron_growth import sprout

POINTS = torch.eye(6, 5, dtype=torch.float64).roll(1, 0)  # the origin and the axes
DRAW = torch.Generator().manual_seed(0)
SAMPLES = noisy_samples(POINTS, torch.tensor([0.05, 0.02], dtype=torch.float64), 30, DRAW)
SHAPES = ((2, 7, 5), (2, 7, 5), (2, 7), (2, 5, 5), (2, 5))
NETWORK = ReluNetwork(*(torch.randn(shape, generator=DRAW, dtype=torch.float64) for shape in SHAPES))
HEIGHTS = torch.linspace(0.5, 1.0, 6, dtype=torch.float64)


def sprouted():
    weights = Weights.of(NETWORK, torch.float64, torch.device("cpu"))
    inputs = SAMPLES.flatten(1, 2).clone()
    return sprout(weights, inputs, inputs.sin()).outer.detach()


def slabs():
    pattern = torch.cat([torch.zeros(5, 1, dtype=torch.bool), torch.eye(5, dtype=torch.bool)], dim=1)
    return slab_solution(SAMPLES.clone(), POINTS.clone(), pattern)[0].jumps


def center():
    return weighted_fermat_weber(POINTS.clone(), HEIGHTS.clone())


@pytest.mark.parametrize("compute", [sprouted, slabs, center])
def test_bits_do_not_depend_on_memory(compute):
    # LAPACK's least squares gave ten results in a hundred calls
    first, clutter = compute(), []
    for size in torch.randint(1, 4000, (100,), generator=torch.Generator().manual_seed(1)).tolist():
        clutter = [*clutter[-2:], torch.empty(size, dtype=torch.uint8)]
        assert torch.equal(compute(), first)
