"""The separability analysis on samples whose clusters meet at a known noise level."""

import pytest
import torch
from attrs import frozen

from flowlab.api import Context, Geometry, TrainingSet
from flowlab.components.analyses.networks.separability import Separability

CONTEXT = Context(0, "node", torch.float64, torch.device("cpu"))
POINTS = torch.tensor([[0.0], [1.0]], dtype=torch.float64)


@frozen
class Levels:
    values: tuple[float, ...]

    def sigma(self, dtype):
        return torch.tensor(self.values, dtype=dtype)


def training(noise=1.0):
    """Samples at -sigma and sigma about 0 and 1: separable below sigma = 1/2."""
    shifts = noise * torch.tensor([[-1.0], [1.0]], dtype=torch.float64)
    geometry = Geometry(POINTS, POINTS[0], POINTS[1:] - POINTS[0])
    return TrainingSet(geometry, 2, lambda sigma: POINTS[None, :, None] + sigma[:, None, None, None] * shifts)


def test_levels_and_the_end_of_separability():
    schedule = Levels((0.8, 0.6, 0.4, 0.2))
    result = Separability("d", "s", relative=1e-4).build(CONTEXT, dataset=training(), schedule=schedule)
    assert result.value.columns == {"sigma": [0.8, 0.6, 0.4, 0.2], "separable": [False, False, True, True]}
    assert result.metrics["separable"] == 2
    assert result.metrics["largest_separable"] == 0.4
    # the bracket is as wide as asked for and holds the exact value, touching samples being inseparable
    assert result.metrics["critical_low"] < 0.5 <= result.metrics["critical_high"]
    assert result.metrics["critical_high"] <= result.metrics["critical_low"] * 1.0001 * (1 + 1e-12)
    assert "2 of 4 levels" in result.shortfall
    assert result.tables["separability"].rows[2] == {"sigma": 0.4, "separable": True}


@pytest.mark.parametrize(("noise", "values", "separable"), [(0.0, (0.9, 0.1), 2), (1.0, (0.9, 0.7), 0)])
def test_an_end_or_a_separable_level_that_is_not_there_is_none(noise, values, separable):
    result = Separability("d", "s").build(CONTEXT, dataset=training(noise), schedule=Levels(values))
    assert result.metrics["separable"] == separable
    assert (result.metrics["critical_low"] is None) is (noise == 0)
    assert (result.metrics["largest_separable"] is None) is (separable == 0)
    assert (result.shortfall is None) is (separable == 2)
