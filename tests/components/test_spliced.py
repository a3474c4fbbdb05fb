"""Splices of banks whose levels can be told apart."""

import attrs
import pytest
import torch
from attrs import frozen

from flowlab.api import (
    BankSpec,
    Context,
    DenoiserBank,
    Geometry,
    NodeError,
    TrainingSet,
    TrainingSetSpec,
)
from flowlab.components.denoisers.spliced import Spliced

CONTEXT = Context(0, "node", torch.float64, torch.device("cpu"))
POINTS = torch.eye(2, dtype=torch.float64)
TRAINING = TrainingSet(Geometry(POINTS, POINTS[0], POINTS[1:] - POINTS[0]), 1, lambda sigma: sigma)


@frozen
class Scaled:
    """h(y) = factor * y."""

    factor: torch.Tensor

    def __call__(self, y):
        return self.factor[:, None, None] * y

    def at(self, level):
        return Scaled(self.factor[level].reshape(1))


def bank(sigma, factor, usable=None, training=TRAINING, **quality):
    sigma = torch.tensor(sigma, dtype=torch.float64)
    usable = torch.ones(len(sigma), dtype=torch.bool) if usable is None else torch.tensor(usable)
    return DenoiserBank(sigma, Scaled(factor * sigma), training, usable, quality=quality)


def spliced(low, high):
    return Spliced("low", "high").build(CONTEXT, low=low, high=high).value


@pytest.mark.parametrize(
    ("usable", "kept"), [([False, True, True], 2), ([True, True, True], 3), ([True, False, True], 1)]
)
def test_low_noise_comes_from_one_bank_and_all_above_its_first_gap_from_the_other(usable, kept):
    sigma = [0.3, 0.2, 0.1]
    joined = spliced(bank(sigma, 1.0, usable), bank([0.5, *sigma], 100.0))
    assert joined.sigma.tolist() == [0.5, *sigma]
    y = torch.ones(4, 5, 2, dtype=torch.float64)
    expected = [100 * s for s in [0.5, *sigma][: 4 - kept]] + sigma[3 - kept :]
    assert joined.network(y)[:, 0, 0].tolist() == expected
    assert [joined.denoise(y[0], level)[0, 0].item() for level in range(4)] == expected
    assert joined.network(y[:1]).shape == y.shape
    assert bool(joined.usable.all())
    assert joined.training is TRAINING


def test_figures_of_quality_follow_their_levels():
    low = bank([0.2, 0.1], 1.0, violation_max=[2.0, 1.0], cost=[5.0, 4.0])
    joined = spliced(low, bank([0.9, 0.2], 1.0, violation_max=[9.0, 8.0]))
    assert joined.quality == {"violation_max": [9.0, 2.0, 1.0], "cost": [None, 5.0, 4.0]}


def test_a_level_of_the_high_bank_without_a_solution_stays_unusable():
    joined = spliced(bank([0.1], 1.0), bank([0.3, 0.2], 1.0, [False, True]))
    assert joined.usable.tolist() == [False, True, True]


@pytest.mark.parametrize(
    ("low", "high", "words"),
    [
        (bank([0.2, 0.1], 1.0, [True, False]), bank([0.5], 1.0), "no solution at its least noisy"),
        (bank([0.2, 0.1], 1.0), bank([0.2], 1.0), "no level above sigma = 0.2"),
        (bank([0.1], 1.0), bank([0.5], 1.0, training=attrs.evolve(TRAINING, samples=2)), "different datasets"),
    ],
)
def test_banks_that_do_not_meet_are_refused(low, high, words):
    with pytest.raises(NodeError, match=words):
        spliced(low, high)


def test_one_dataset_made_twice_is_one():
    geometry = attrs.evolve(TRAINING.geometry, points=TRAINING.geometry.points.clone())
    again = attrs.evolve(TRAINING, geometry=geometry)
    assert spliced(bank([0.1], 1.0), bank([0.5], 1.0, training=again)).sigma.tolist() == [0.5, 0.1]


@attrs.frozen
class Node:
    value_spec: BankSpec


def test_check_refuses_banks_of_two_datasets():
    one, two = (Node(BankSpec(TrainingSetSpec(name=name))) for name in ("one", "two"))
    splice = Spliced("low", "high")
    assert [misfit.field for misfit in splice.check({"low": (one,), "high": (two,)})] == ["high"]
    assert not list(splice.check({"low": (one,), "high": (one,)}))
    assert not list(splice.check({"low": (one,), "high": (Node(BankSpec()),)}))
