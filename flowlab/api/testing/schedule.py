"""The rules of every schedule: its levels are positive and fall."""

from __future__ import annotations

from typing import ClassVar

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from flowlab.api.testing.inputs import assert_stated
from flowlab.api.testing.suite import DTYPES, Suite, some


class ScheduleSuite(Suite):
    """The rules of a schedule: valid, falling levels in every dtype."""

    kind: ClassVar[str] = "schedule"

    @some
    @given(st.data())
    def test_its_own_check_admits_it(self, data: st.DataObject) -> None:
        component = self.drawn(data)
        misfits = list(component.check({})) if hasattr(component, "check") else []
        assert not misfits, misfits

    @some
    @given(st.data())
    def test_what_it_states_before_the_run_is_so(self, data: st.DataObject) -> None:
        component = self.drawn(data)
        sigma = component.sigma(torch.float64)
        largest, least = (pytest.approx(end.item(), rel=1e-9) for end in (sigma.max(), sigma.min()))
        assert_stated(component, self.kind, levels=len(sigma), largest=largest, least=least)

    @some
    @given(st.data())
    def test_levels_are_positive_and_fall(self, data: st.DataObject) -> None:
        sigma = self.drawn(data).sigma(torch.float64)
        assert sigma.ndim == 1, "levels are (L,)"
        assert len(sigma) >= 1, "there is no level"
        assert bool(sigma.isfinite().all()), "a level is not finite"
        assert bool((sigma > 0).all()), "a level is not positive: the flow adds sigma = 0 itself"
        assert bool((sigma.diff() < 0).all()), "levels do not fall"

    @some
    @given(st.data())
    def test_every_dtype_is_served(self, data: st.DataObject) -> None:
        component = self.drawn(data)
        exact = component.sigma(torch.float64)
        for dtype in DTYPES:
            sigma = component.sigma(dtype)
            assert sigma.dtype == dtype, f"asked for {dtype}, found {sigma.dtype}"
            # a level in single precision is a few roundings of 6e-8 of the largest off
            torch.testing.assert_close(sigma.double(), exact, atol=1e-5 * float(exact[0]), rtol=0)

    @some
    @given(st.data())
    def test_levels_are_the_same_at_every_call(self, data: st.DataObject) -> None:
        component = self.drawn(data)
        first, again = (component.sigma(torch.float64) for _ in range(2))
        assert torch.equal(first, again), "levels differ from call to call"
