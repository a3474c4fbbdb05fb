"""The rules of every denoiser: a bank of functions, one per level, each of one point at a time."""

from __future__ import annotations

from typing import Any, ClassVar

import torch
from attrs import frozen
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from flowlab.api.context import Context
from flowlab.api.kinds.denoiser import DenoiserBank
from flowlab.api.kinds.optimizer import Fit
from flowlab.api.result import Result
from flowlab.api.storable import stored_fields
from flowlab.api.testing.box import box_training
from flowlab.api.testing.dataset import in_balls
from flowlab.api.testing.inputs import assert_stated, inputs
from flowlab.api.testing.suite import DTYPES, Suite, context, few, normal, seeds
from flowlab.theory.convex_programs.slab_solution import slab_solution
from flowlab.theory.flows.affine_regions import affine_regions
from flowlab.theory.geometry.geometry import Geometry
from flowlab.theory.networks.interpolation import Interpolation
from flowlab.theory.networks.relu_network import ReluNetwork, from_slabs

_LEVELS = (0.05, 0.03, 0.02)
# Sums of some hundred products of size one, in another order; slopes at these levels are below 2.
_ROUNDING = 1e-10


@frozen
class GivenLevels:
    """A schedule with three low noise levels."""

    def sigma(self, dtype: torch.dtype) -> Tensor:
        """The three falling noise levels: (3,)."""
        return torch.tensor(_LEVELS, dtype=dtype)


@frozen
class SlabFit:
    """An optimizer that returns the max-margin slabs."""

    def minimise(
        self, problem: Interpolation, geometry: Geometry, start: ReluNetwork, dropout: float, context: Context
    ) -> Fit:
        """Solve for the slabs through every sample."""
        slabs, usable = slab_solution(problem.samples, problem.points, geometry.pattern)
        return Fit(from_slabs(slabs), usable)


class DenoiserSuite(Suite):
    """The rules of a denoiser; override `inputs` if it refers to more than dataset, schedule and optimizer."""

    kind: ClassVar[str] = "denoiser"

    def inputs(self, component: Any, seed: int, dtype: torch.dtype) -> dict[str, Any]:
        """The arguments of `build` beside the context: an orthogonal set, three levels, slabs as the optimizer."""
        training = box_training(seed, dtype=dtype)
        return inputs(component, {"dataset": training, "schedule": GivenLevels(), "optimizer": SlabFit()})

    def bank(self, data: st.DataObject, seed: int, dtype: torch.dtype = torch.float64) -> DenoiserBank:
        """The bank that the component of one example builds; a failed assertion for any other result."""
        component = self.drawn(data)
        result = component.build(context(seed, dtype), **self.inputs(component, seed, dtype))
        assert isinstance(result, Result), f"build returned {type(result).__name__}, not Result"
        assert isinstance(result.value, DenoiserBank), f"its value is {type(result.value).__name__}, not Bank"
        return result.value

    @few
    @given(st.data(), seeds)
    def test_what_it_states_before_the_run_is_so(self, data: st.DataObject, seed: int) -> None:
        component = self.drawn(data)
        arguments = self.inputs(component, seed, torch.float64)
        bank = component.build(context(seed), **arguments).value
        assert_stated(
            component,
            self.kind,
            solved=bool(bank.usable.all()),
            balls=bank.rho is not None,
            relu=isinstance(bank.network, ReluNetwork),
            affine=all(affine_regions(bank.network.at(level)) is not None for level in range(len(bank.sigma))),
            history=bank.history is not None,
            quality=bool(bank.quality),
        )

    @few
    @given(st.data(), seeds)
    def test_levels_fall_and_each_is_marked(self, data: st.DataObject, seed: int) -> None:
        bank = self.bank(data, seed)
        assert bank.sigma.ndim == 1
        assert bool((bank.sigma > 0).all()), "a level is not positive"
        assert bool((bank.sigma.diff() < 0).all()), "levels do not fall"
        assert bank.usable.shape == bank.sigma.shape, "usable marks each level"
        assert bank.usable.dtype == torch.bool
        for name, figures in bank.quality.items():
            assert len(figures) == len(bank.sigma), (
                f"{name} has {len(figures)} figures for {len(bank.sigma)} levels"
            )

    @few
    @given(st.data(), seeds)
    def test_a_level_of_the_bank_is_the_denoiser_of_that_level(self, data: st.DataObject, seed: int) -> None:
        bank = self.bank(data, seed)
        y = normal(seed, len(bank.sigma), 9, 3)
        together = bank.network(y)
        assert together.shape == y.shape, "a bank takes (L, S, d) to (L, S, d)"
        for level in range(-1, len(bank.sigma)):
            alone = bank.network.at(level)(y[level][None])
            torch.testing.assert_close(alone[0], together[level], atol=_ROUNDING, rtol=0)
            torch.testing.assert_close(bank.denoise(y[level], level), together[level], atol=_ROUNDING, rtol=0)

    @few
    @given(st.data(), seeds)
    def test_points_of_a_batch_do_not_know_of_each_other(self, data: st.DataObject, seed: int) -> None:
        bank = self.bank(data, seed)
        y = normal(seed, 9, 3)
        together = bank.denoise(y, 0)
        alone = torch.cat([bank.denoise(point[None], 0) for point in y])
        torch.testing.assert_close(together, alone, atol=_ROUNDING, rtol=0)

    @few
    @given(st.data(), seeds)
    def test_its_derivative_is_that_of_its_values(self, data: st.DataObject, seed: int) -> None:
        bank = self.bank(data, seed)
        y, way = (normal(seed, 40, 3), torch.nn.functional.normalize(normal(seed + 1, 40, 3), dim=-1))
        weights = normal(seed + 2, 3)

        def figure(at: Tensor) -> Tensor:
            return bank.denoise(at, 0) @ weights

        tracked = y.clone().requires_grad_()
        (gradient,) = torch.autograd.grad(figure(tracked).sum(), tracked)
        slope = (gradient * way).sum(-1)
        step = 1e-6
        ahead, behind = ((figure(y + sign * step * way) - figure(y)) / (sign * step) for sign in (1, -1))
        # differences of values of size one are rounded to 1e-16 / step; curvature adds step / sigma^2 of slopes
        slack = 1e-3 * (1 + ahead.abs())
        smooth = (ahead - behind).abs() <= slack
        assert int(smooth.sum()) > 20, "the denoiser has no derivative at most points"
        assert bool(((slope - ahead).abs() <= 2 * slack)[smooth].all()), "the derivative is not of the values"

    @few
    @given(st.data(), seeds)
    def test_balls_that_it_states_are_mapped_to_their_points(self, data: st.DataObject, seed: int) -> None:
        bank = self.bank(data, seed)
        if bank.rho is None:
            return
        geometry = bank.training.geometry
        for level, rho in enumerate(bank.rho.tolist()):
            balls = in_balls(geometry, rho, 20, seed)
            gap = bank.denoise(balls.flatten(0, 1), level).view_as(balls) - geometry.points[:, None]
            assert gap.abs().max() <= _ROUNDING, "h is off a training point within the ball that it states"

    @few
    @given(st.data(), seeds)
    def test_a_network_that_is_stored_is_its_fields(self, data: st.DataObject, seed: int) -> None:
        bank = self.bank(data, seed)
        network: Any = bank.network
        fields = stored_fields(type(network))
        if fields is None:
            return  # it is built again where it is needed
        y = normal(seed, 1, 9, 3).expand(len(bank.sigma), -1, -1)
        network(y)  # a state that it keeps would differ from here on
        again = type(network)(**{argument: getattr(network, name) for name, argument in fields.items()})
        assert torch.equal(again(y), network(y)), "built again from its fields, the network has other values"

    @few
    @given(st.data(), seeds)
    def test_the_same_seed_gives_the_same_bank_in_the_dtype_asked_for(
        self, data: st.DataObject, seed: int
    ) -> None:
        component = self.drawn(data)
        y = normal(seed, 1, 9, 3)
        for dtype in DTYPES:
            first, again = (
                component.build(context(seed, dtype), **self.inputs(component, seed, dtype)).value
                for _ in range(2)
            )
            values = [bank.network(y.to(dtype).expand(len(bank.sigma), -1, -1)) for bank in (first, again)]
            assert torch.equal(*values), "values differ with the same seed"
            assert values[0].dtype == dtype, f"asked for {dtype}, found {values[0].dtype}"
            assert first.sigma.dtype == dtype
