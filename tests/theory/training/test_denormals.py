"""What training asks of the processor ends with it."""

import pytest
import torch

from flowlab.api.testing.optimizer import fitted, tiny
from flowlab.components.optimizers.augmented_lagrangian import AugmentedLagrangian
from flowlab.theory.training.denormals import denormals_flushed

TINY = torch.tensor([1e-310], dtype=torch.float64)


def kept():
    return bool(TINY * 1.0 != 0)


def test_denormals_are_zero_within_and_numbers_after():
    @denormals_flushed()
    def fail_within():
        assert not kept()
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail_within()
    assert kept()


@pytest.mark.parametrize("working_set", [0, 3])
def test_training_leaves_no_trace(working_set):
    fitted(AugmentedLagrangian(steps=50, working_set=working_set), *tiny())
    assert kept()
