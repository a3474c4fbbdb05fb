"""Points that stand in a training set several times."""

import torch

from flowlab.api import Context
from flowlab.components.datasets.orthogonal import Orthogonal
from flowlab.components.denoisers.empirical_mmse import EmpiricalMmse as MmseBank
from flowlab.components.denoisers.shallow_relu import ShallowRelu
from flowlab.components.optimizers.weight_decay import WeightDecay
from flowlab.components.schedules.noise_levels import NoiseLevels
from flowlab.theory.convex_programs.slab_solution import slab_solution
from flowlab.theory.networks.interpolation import Interpolation, repeated_samples
from flowlab.theory.networks.mmse import EmpiricalMmse
from flowlab.theory.training.quality import mean_squared_error

POINTS = torch.tensor([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]], dtype=torch.float64)
SIGMA = torch.tensor([0.1, 0.05], dtype=torch.float64)
CONTEXT = Context(0, "net", torch.float64, torch.device("cpu"))
PATTERN = torch.tensor([[0.0, 1.0, 0.0], [0.0, 0.0, 1.0]], dtype=torch.float64)


def test_the_posterior_mean_of_a_repeated_point_is_that_of_equal_points() -> None:
    y = torch.randn(2, 7, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    counts = torch.tensor([1.0, 3.0, 2.0], dtype=torch.float64)
    written = POINTS.repeat_interleave(counts.long(), dim=0)
    both = [EmpiricalMmse(POINTS, SIGMA, counts), EmpiricalMmse(written, SIGMA)]
    torch.testing.assert_close(both[0](y), both[1](y))
    torch.testing.assert_close(both[0].at(1)(y[1:]), both[1](y)[1:])


def test_a_bank_of_posterior_means_takes_the_counts_of_its_dataset() -> None:
    training = (
        Orthogonal(dimension=2, points=3, samples=2, frame="standard", repeats=(1, 3, 2)).build(CONTEXT).value
    )
    bank = MmseBank("d", "s").build(CONTEXT, dataset=training, schedule=NoiseLevels((1.0,))).value
    expected = torch.tensor([3.0, 2.0], dtype=torch.float64) * torch.tensor([-0.5]).exp().double()
    h = bank.denoise(torch.zeros(1, 2, dtype=torch.float64), 0)[0]
    torch.testing.assert_close(h, expected / (1 + expected.sum()))


def test_samples_that_are_taken_again_change_no_exact_network() -> None:
    drawn = repeated_samples(POINTS, (1, 4, 2), SIGMA, 6, torch.Generator().manual_seed(1))
    reference, _ = slab_solution(drawn, POINTS, PATTERN)
    # the same constraints with the copies elsewhere
    order = torch.cat([torch.arange(6), torch.arange(6).repeat(3).flip(0)])
    other = drawn.clone()
    other[:, 0] = drawn[:, 0, order]
    again, _ = slab_solution(other, POINTS, PATTERN)
    torch.testing.assert_close(again.cost, reference.cost)


def test_more_samples_cost_more() -> None:
    few = repeated_samples(POINTS, (1, 1, 1), SIGMA, 6, torch.Generator().manual_seed(1))
    many = torch.cat([few, few + 0], dim=2)
    many[:, 1, 6:] = repeated_samples(POINTS, (1, 1, 1), SIGMA, 6, torch.Generator().manual_seed(2))[:, 1]
    costs = [slab_solution(samples, POINTS, PATTERN)[0].cost for samples in (few, many)]
    assert bool((costs[1] >= costs[0] * (1 - 1e-12)).all())
    assert bool((costs[1] > costs[0]).any())


def test_a_loss_weighs_a_point_as_often_as_it_is_in_the_set() -> None:
    """Training by plain descent sees the counts: the same as a set in which the point is written out."""
    import attrs

    training = (
        Orthogonal(dimension=2, points=3, samples=4, frame="standard", repeats=(1, 3, 1)).build(CONTEXT).value
    )
    samples = training.draw(SIGMA[:1])
    optimizer = WeightDecay(strength=0.0, steps=30, precision="float64", decay="constant")
    net = ShallowRelu("d", "s", "o", width=5)
    start = net._start(SIGMA[:1], 2, CONTEXT)
    counted = Interpolation(samples, POINTS, SIGMA[:1], counts=torch.tensor([1.0, 3.0, 1.0]).double())
    fit = optimizer.minimise(counted, training.geometry, start, 0.0, CONTEXT)
    # written out: a cluster each time, the first point's and the last's four samples once
    clusters = [samples[:, 0, :4], *samples[:, 1].split(4, dim=1), samples[:, 2, :4]]
    written = Interpolation(torch.stack(clusters, dim=1), POINTS[[0, 1, 1, 1, 2]], SIGMA[:1])
    expected = optimizer.minimise(written, training.geometry, start, 0.0, CONTEXT)
    for one in attrs.fields(type(fit.network)):
        torch.testing.assert_close(getattr(fit.network, one.name), getattr(expected.network, one.name))


def test_the_training_error_is_the_mean_of_squared_distances() -> None:
    residual = torch.tensor([[[3.0, 4.0], [0.0, 0.0]], [[1.0, 0.0], [0.0, 2.0]]])
    assert mean_squared_error(residual).tolist() == [12.5, 2.5]
