"""The variance-exploding schedule against its definition sigma_t = sqrt(t)."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from flowlab.components.schedules.variance_exploding import VarianceExploding

SPACINGS = ["time", "sigma", "log-sigma"]
times = st.floats(1e-3, 100)
counts = st.integers(2, 60)

# levels are sums of S rounded steps in float64: a relative 1e-12 is far above their rounding
CLOSE = {"atol": 0, "rtol": 1e-12}


@given(times, counts)
def test_uniform_times_are_t_k_over_s(final, levels):
    expected = (final * torch.arange(levels, 0, -1, dtype=torch.float64) / levels).sqrt()
    schedule = VarianceExploding(final_time=final, levels=levels)
    torch.testing.assert_close(schedule.sigma(torch.float64), expected, **CLOSE)


@given(times, counts)
def test_uniform_sigmas_are_sigma_k_over_s(final, levels):
    expected = final**0.5 * torch.arange(levels, 0, -1, dtype=torch.float64) / levels
    schedule = VarianceExploding(final_time=final, levels=levels, spacing="sigma")
    torch.testing.assert_close(schedule.sigma(torch.float64), expected, **CLOSE)


@given(times, counts, st.floats(1e-3, 0.9))
def test_log_spacing_is_geometric(final, levels, share):
    schedule = VarianceExploding(final_time=final, levels=levels, spacing="log-sigma", first_time=share * final)
    steps = schedule.sigma(torch.float64).log().diff()
    # differences of logarithms of size ten at most: rounding 1e-15 each
    torch.testing.assert_close(steps, steps.mean().expand_as(steps), atol=1e-13, rtol=0)


@pytest.mark.parametrize("spacing", SPACINGS)
@given(times, counts, st.floats(1e-3, 0.9))
def test_levels_fall_from_the_final_to_the_first_time(spacing, final, levels, share):
    schedule = VarianceExploding(final_time=final, levels=levels, spacing=spacing, first_time=share * final)
    sigma = schedule.sigma(torch.float64)
    assert sigma.shape == (levels,)
    assert (sigma.diff() < 0).all()
    assert sigma[0].item() == pytest.approx(final**0.5, rel=1e-12)
    assert sigma[-1].item() == pytest.approx((share * final) ** 0.5, rel=1e-12)


def test_the_dtype_is_the_one_asked_for():
    assert VarianceExploding(final_time=1.0).sigma(torch.float32).dtype == torch.float32


@pytest.mark.parametrize(
    ("fields", "blamed"),
    [
        ({"first_time": 2.0}, "first_time"),
        ({"first_time": 1.0}, "first_time"),
        ({"spacing": "log-sigma"}, "spacing"),
    ],
)
def test_a_misfit_blames_its_field(fields, blamed):
    schedule = VarianceExploding(final_time=1.0, **fields)
    assert [misfit.field for misfit in schedule.check({})] == [blamed]


@pytest.mark.parametrize("fields", [{"final_time": 0.0}, {"final_time": 1.0, "levels": 1}])
def test_values_out_of_range_are_refused(fields):
    with pytest.raises(ValueError, match="must be"):
        VarianceExploding(**fields)
