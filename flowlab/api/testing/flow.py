"""The rules of every flow: common starts, and the ends that theory knows."""

from __future__ import annotations

from typing import Any, ClassVar

import pytest
import torch
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from flowlab.api.context import Context
from flowlab.api.kinds.denoiser import DenoiserBank
from flowlab.api.kinds.flow import Trajectories
from flowlab.api.result import Result
from flowlab.api.testing.box import box_bank, box_training
from flowlab.api.testing.inputs import assert_stated, inputs
from flowlab.api.testing.suite import Suite, context, few, seeds
from flowlab.theory.flows.separable_flow import exact_probability_flow, exact_score_flow

_SIGMA = torch.tensor([0.12, 0.1, 0.08], dtype=torch.float64)
# DDIM is exact in sigma and contracts onto a vertex in r: what is left is rounding, amplified by slopes of at most
# 1 / (1 - 2 rho) = 4 at each of some hundred steps.
_ROUNDING = 1e-7


class FlowSuite(Suite):
    """The rules of a flow without an integrator; override `ends` for a new equation."""

    kind: ClassVar[str] = "flow"

    def ends(self, component: Any, trajectories: Trajectories) -> Tensor | None:
        """The exact ends (S, d) on a box's closed form with rho = 3 sigma; None where they are not known."""
        starts, slabs = trajectories.starts, trajectories.bank.network
        if trajectories.name == "probability":
            zero = starts.new_zeros(1)
            return exact_probability_flow(slabs.at(0), starts, zero)[-1]  # type: ignore[arg-type]
        if trajectories.name == "score":
            last = trajectories.times[-1:]
            return exact_score_flow(slabs.at(trajectories.level), starts, last)[-1]  # type: ignore[arg-type]
        return None

    @few
    @given(st.data(), seeds)
    def test_what_it_states_before_the_run_is_so(self, data: st.DataObject, seed: int) -> None:
        component = self.drawn(data)
        path = flown(component, _bank(seed), context(seed))
        assert_stated(component, self.kind, kind=path.name, starts=path.states.shape[1])

    @few
    @given(st.data(), seeds)
    def test_it_ends_where_theory_says(self, data: st.DataObject, seed: int) -> None:
        component = self.drawn(data)
        trajectories = flown(component, _bank(seed), context(seed))
        known = self.ends(component, trajectories)
        if known is None:
            pytest.skip("the ends are not known")
        torch.testing.assert_close(trajectories.ends, known, atol=_ROUNDING, rtol=0)

    @few
    @given(st.data(), seeds)
    def test_states_are_finite_on_a_grid_of_times(self, data: st.DataObject, seed: int) -> None:
        bank = _bank(seed)
        trajectories = flown(self.drawn(data), bank, context(seed))
        states, times = trajectories.states, trajectories.times
        assert states.ndim == 3, "states are (P, S, d)"
        assert states.shape[0] == len(times), f"{states.shape[0]} states at {len(times)} times"
        assert states.shape[2] == 3
        assert bool(states.isfinite().all()), "a state is not finite"
        assert bool((times.diff() > 0).all() or (times.diff() < 0).all()), "times go back and forth"
        assert trajectories.bank is bank, "the trajectories are of another bank"

    @few
    @given(st.data(), seeds)
    def test_all_nodes_of_an_experiment_share_their_starts(self, data: st.DataObject, seed: int) -> None:
        component = self.drawn(data)
        here = context(seed)
        first, again, elsewhere, other = (
            flown(component, _bank(0), place)
            for place in (here, here, evolve(here, node="elsewhere"), context(seed + 1))
        )
        assert torch.equal(first.states, again.states), "states differ with the same seed"
        assert torch.equal(first.starts, elsewhere.starts), "starts differ from node to node"
        assert not torch.equal(first.starts, other.starts), "starts are the same with another seed"


def flown(component: Any, bank: DenoiserBank, place: Context) -> Trajectories:
    """The trajectories that a flow builds from a bank; a failed assertion for any other result."""
    result = component.build(place, **inputs(component, {"denoiser": bank}))
    assert isinstance(result, Result), f"build returned {type(result).__name__}, not Result"
    assert isinstance(result.value, Trajectories), f"its value is {type(result.value).__name__}, not Trajectories"
    return result.value


def _bank(seed: int) -> DenoiserBank:
    return box_bank(box_training(seed), _SIGMA)
