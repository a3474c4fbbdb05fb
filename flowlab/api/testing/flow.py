"""The rules of every flow: common starts, and the ends that theory knows."""

from __future__ import annotations

from typing import Any, ClassVar

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
from flowlab.api.testing.gaussian_data import LEAST_STARTS, gaussian_bank, moment_faults
from flowlab.api.testing.inputs import assert_stated, inputs
from flowlab.api.testing.suite import Suite, context, few, seeds
from flowlab.theory.flows.separable_flow import exact_probability_flow, exact_score_flow

_SIGMA = torch.tensor([0.12, 0.1, 0.08], dtype=torch.float64)
# DDIM is exact in sigma and contracts onto a vertex in r: what is left is rounding, amplified by slopes of at most
# 1 / (1 - 2 rho) = 4 at each of some hundred steps.
_ROUNDING = 1e-7


class FlowSuite(Suite):
    """The rules of a flow without an integrator; override `ends` or `noise_strength` for a new equation."""

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

    def noise_strength(self, component: Any, trajectories: Trajectories) -> float | None:
        """The strength lambda of a flow through all levels; None for a flow of another equation.

        dy = (1 + lambda^2) (y - h) / sigma dsigma + lambda sqrt(2 sigma) dw, whose times are sigma: 0 for the
        probability flow, 1 for the reverse SDE.
        """
        return 0.0 if trajectories.name == "probability" else None

    @few
    @given(st.data(), seeds)
    def test_its_states_have_the_moments_of_its_equation(self, data: st.DataObject, seed: int) -> None:
        component = self.drawn(data)
        trajectories = flown(component, gaussian_bank(), context(seed))
        strength = self.noise_strength(component, trajectories)
        if strength is None:
            assert self.ends(component, flown(component, _bank(seed), context(seed))) is not None, (
                "nothing is known of this equation: override ends() or noise_strength()"
            )
            return
        starts = trajectories.states.shape[1]
        assert starts >= LEAST_STARTS, f"{starts} starts can't tell a wrong flow: make it with {LEAST_STARTS}"
        fault = next(moment_faults(trajectories, strength), None)
        assert fault is None, fault

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
        if known is None:  # its moments are
            return
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
