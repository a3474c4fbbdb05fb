"""The rules of every dataset: its geometry, its noise and its closed form agree with each other."""

from __future__ import annotations

from typing import Any, ClassVar

import pytest
import torch
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from flowlab.api.kinds.dataset import TrainingSet
from flowlab.api.result import Result
from flowlab.api.testing.inputs import assert_stated
from flowlab.api.testing.suite import DTYPES, Suite, context, devices, normal, seeds, some, uniform
from flowlab.theory.convex_programs.slab_solution import slab_solution
from flowlab.theory.flows.attractors import attractors
from flowlab.theory.flows.outcomes import axis_box
from flowlab.theory.geometry.frame import frame_of
from flowlab.theory.geometry.geometry import Geometry
from flowlab.theory.geometry.stable_sums import critical_radii
from flowlab.theory.geometry.subset_sums import subset_masks
from flowlab.theory.networks.relu_network import from_slabs
from flowlab.theory.networks.slabs import Slabs

shares = st.floats(0.02, 0.9)

# Rounding of data of size one in float64 is 1e-16 per step, and the steepest slope here is 1 / (1 - 0.9) = 10.
_ROUNDING = 1e-11
# The solver of the slabs works to 1e-10.
_SOLVED = 1e-8
_MOST_EDGES = 10


class DatasetSuite(Suite):
    """The rules of a dataset; override `stable_sums` where theory knows more than the default."""

    kind: ClassVar[str] = "dataset"

    def stable_sums(self, component: Any, geometry: Geometry, rho: float) -> Tensor | None:
        """The sums of training points that are stable at a radius by theory (P, d); None without a theory.

        By default, the condition for simplices whose offset does not depend on the radius.
        """
        try:
            critical = critical_radii(geometry)
        except ValueError:  # theory has no condition
            return None
        return distinct(subset_sums(geometry))[critical <= rho]

    @some
    @given(st.data(), seeds)
    def test_its_own_check_admits_it(self, data: st.DataObject, seed: int) -> None:
        component = self.drawn(data)
        misfits = list(component.check({})) if hasattr(component, "check") else []
        assert not misfits, misfits

    @some
    @given(st.data(), seeds)
    def test_what_it_states_before_the_run_is_so(self, data: st.DataObject, seed: int) -> None:
        component = self.drawn(data)
        training = built(component, seed)
        geometry = training.geometry
        count, dimension = geometry.points.shape
        assert_stated(
            component,
            self.kind,
            points=count,
            dimension=dimension,
            edges=len(geometry.edges),
            slabs=None if geometry.closed_form is None else _slab_count(geometry),
            closed_form=geometry.closed_form is not None,
            separable=geometry.separable,
            axis_box=axis_box(geometry) is not None,
            stable_sums=_has_critical_radii(geometry) if len(geometry.edges) <= _MOST_EDGES else None,
        )

    @some
    @given(st.data(), seeds)
    def test_points_are_distinct_and_are_the_anchor_or_an_edge_from_it(
        self, data: st.DataObject, seed: int
    ) -> None:
        geometry = built(self.drawn(data), seed).geometry
        points, scale = geometry.points, size(geometry)
        assert points.ndim == 2, "points are (N, d)"
        dimension = points.shape[1]
        assert len(points) >= 2, "one training point is no geometry"
        assert torch.nn.functional.pdist(points).min() > 1e-9 * scale, "two training points are one"
        assert geometry.anchor.shape == (dimension,)
        assert geometry.edges.ndim == 2
        assert geometry.edges.shape[1] == dimension
        if len(geometry.edges):
            starts = torch.cat([geometry.anchor[None], geometry.anchor + geometry.edges])
            gaps = (points[:, None] - starts).norm(dim=-1).amin(-1)
            assert gaps.max() <= _ROUNDING * scale, "a training point is neither the anchor nor an edge from it"

    @some
    @given(st.data(), seeds)
    def test_the_cell_holds_the_points(self, data: st.DataObject, seed: int) -> None:
        geometry = built(self.drawn(data), seed).geometry
        cell = geometry.cell
        if cell is None:
            pytest.skip("no cell")
        # the cell's normals come from a pseudoinverse, which loses the condition of the edges
        slack = 1e-8 * size(geometry)
        for inside in (geometry.points, cell.center[None]):
            assert cell.depths(inside).min() >= -slack, "a training point or the centre is outside the cell"
            assert cell.perpendicular(inside).norm(dim=-1).max() <= slack, "the cell does not span the points"

    @some
    @given(st.data(), seeds)
    def test_noise_has_the_shape_and_size_asked_for(self, data: st.DataObject, seed: int) -> None:
        training = built(self.drawn(data), seed)
        points = training.geometry.points
        sigma = torch.tensor([0.3, 0.1], dtype=torch.float64)
        samples = training.draw(sigma)
        assert samples.shape == (2, len(points), training.samples, points.shape[1])
        noise = (samples - points[:, None]) / sigma[:, None, None, None]
        # the spread of q normal numbers is 1 to within six standard errors 1 / sqrt(2 q); a few of them bias it
        spread = float(noise.square().mean().sqrt())
        assert abs(spread - 1) < 6 / (2 * noise.numel()) ** 0.5 + 1 / noise.numel(), f"noise of {spread:.3g} sigma"

    @some
    @given(st.data(), seeds)
    def test_the_same_seed_gives_the_same_points_and_noise(self, data: st.DataObject, seed: int) -> None:
        component = self.drawn(data)
        first, again, other = (built(component, number) for number in (seed, seed, seed + 1))
        sigma = torch.tensor([0.2], dtype=torch.float64)
        assert torch.equal(first.geometry.points, again.geometry.points), "points differ with the same seed"
        assert torch.equal(first.draw(sigma), again.draw(sigma)), "noise differs with the same seed"
        assert torch.equal(first.draw(sigma), first.draw(sigma)), "noise differs from call to call"
        noise = [one.draw(sigma) - one.geometry.points[:, None] for one in (first, other)]
        assert not torch.equal(*noise), "noise is the same with another seed"

    @some
    @given(st.data(), seeds)
    def test_pinned_draws_rest_on_the_seed_and_the_level(self, data: st.DataObject, seed: int) -> None:
        component = self.drawn(data)
        here = evolve(context(seed), pinned_kind="dataset")
        first, renamed = (component.build(evolve(here, node=name)).value for name in ("tested", "elsewhere"))
        assert torch.equal(first.geometry.points, renamed.geometry.points), "a pinned node's name moves its points"
        sigma = torch.tensor([0.3, 0.2, 0.1], dtype=torch.float64)
        both = first.draw(sigma), renamed.draw(sigma[1:])
        assert torch.equal(both[0][1:], both[1]), (
            "the pinned noise of a level rests on the name or on other levels"
        )

    @some
    @given(st.data(), seeds)
    def test_every_dtype_and_device_is_served(self, data: st.DataObject, seed: int) -> None:
        component = self.drawn(data)
        exact = built(component, seed).geometry
        for device in devices():
            for dtype in DTYPES:
                geometry = built(component, seed, dtype, device).geometry
                tensors = [geometry.points, geometry.anchor, geometry.edges]
                if geometry.cell is not None:
                    tensors += [geometry.cell.normals, geometry.cell.heights, geometry.cell.center]
                if geometry.closed_form is not None:
                    slabs = geometry.closed_form(torch.tensor([1e-3 * limit(exact)], dtype=dtype, device=device))
                    tensors += [slabs.offset, slabs.jumps, slabs.weights, slabs.biases]
                found = {(tensor.dtype, tensor.device.type) for tensor in tensors}
                assert found == {(dtype, device.type)}, f"asked for {dtype} on {device.type}, found {found}"
                # single precision is rounded to 6e-8
                gap = (geometry.points.cpu().double() - exact.points).abs().max()
                assert gap <= 1e-5 * size(exact), f"{dtype} moves the points"

    @some
    @given(st.data(), seeds, shares)
    def test_the_closed_form_maps_each_ball_to_its_point(
        self, data: st.DataObject, seed: int, share: float
    ) -> None:
        geometry, rho = with_closed_form(built(self.drawn(data), seed), share)
        slabs = geometry.closed_form(rho)  # type: ignore[misc]
        balls = in_balls(geometry, float(rho), 20, seed)
        gap = (slabs(balls.flatten(0, 1)[None])[0].view_as(balls) - geometry.points[:, None]).abs().max()
        assert gap <= _ROUNDING * size(geometry), f"h is {gap:.3g} off a training point within its ball"

    @some
    @given(st.data(), seeds)
    def test_balls_that_meet_are_refused(self, data: st.DataObject, seed: int) -> None:
        geometry, _ = with_closed_form(built(self.drawn(data), seed), 1.0)
        half = torch.nn.functional.pdist(geometry.points).min() / 2
        try:
            geometry.closed_form(1.01 * half[None])  # type: ignore[misc]
        except ValueError:
            return
        raise AssertionError("balls that meet have no denoiser, and this closed form has one")

    @some
    @given(st.data(), seeds, shares)
    def test_the_closed_form_is_a_relu_network_of_its_stated_cost(
        self, data: st.DataObject, seed: int, share: float
    ) -> None:
        geometry, rho = with_closed_form(built(self.drawn(data), seed), share)
        slabs = geometry.closed_form(rho)  # type: ignore[misc]
        network = from_slabs(slabs)
        y = (geometry.points.mean(0) + 2 * size(geometry) * normal(seed, 200, geometry.points.shape[1]))[None]
        torch.testing.assert_close(network(y), slabs(y), atol=_ROUNDING * size(geometry), rtol=0)
        for cost in (network.cost, network.balanced_cost):
            torch.testing.assert_close(slabs.cost, cost, atol=0, rtol=_ROUNDING)

    @some
    @given(st.data(), seeds, shares)
    def test_slabs_through_samples_in_the_balls_cost_no_more(
        self, data: st.DataObject, seed: int, share: float
    ) -> None:
        geometry, rho = with_closed_form(built(self.drawn(data), seed), share)
        samples = in_balls(geometry, float(rho), 20, seed)[None]
        slabs, usable = slab_solution(samples, geometry.points, geometry.pattern)
        assert bool(usable.all()), "clusters within disjoint balls are not separated"
        ours = float(geometry.closed_form(rho).cost)  # type: ignore[misc]
        assert float(slabs.cost) <= (1 + _SOLVED) * ours, "a cheaper denoiser of the balls would be no minimum"

    @some
    @given(st.data(), seeds, shares)
    def test_the_sums_that_theory_calls_stable_are_and_no_other(
        self, data: st.DataObject, seed: int, share: float
    ) -> None:
        component = self.drawn(data)
        geometry, rho = with_closed_form(built(component, seed), share)
        stable = self.stable_sums(component, geometry, float(rho))
        slabs = geometry.closed_form(rho)  # type: ignore[misc]
        expected = geometry.points if stable is None else distinct(torch.cat([geometry.points, stable]))
        assert bool(kept(slabs, expected, geometry, float(rho)).all()), (
            "h does not keep a sum that theory calls stable"
        )
        if stable is None or len(geometry.edges) > _MOST_EDGES:
            return
        sums = distinct(subset_sums(geometry))
        others = sums[(sums[:, None] - expected).norm(dim=-1).amin(-1) > 1e-6 * size(geometry)]
        assert not bool(kept(slabs, others, geometry, float(rho)).any()), (
            "h keeps a sum that theory calls not stable"
        )


def built(
    component: Any, seed: int, dtype: torch.dtype = torch.float64, device: torch.device | None = None
) -> TrainingSet:
    """The training set that a dataset builds; a failed assertion for any other result."""
    result = component.build(context(seed, dtype, device))
    assert isinstance(result, Result), f"build returned {type(result).__name__}, not Result"
    assert isinstance(result.value, TrainingSet), f"its value is {type(result.value).__name__}, not TrainingSet"
    return result.value


def _slab_count(geometry: Geometry) -> int:
    assert geometry.closed_form is not None
    return geometry.closed_form(geometry.points.new_zeros(1)).jumps.shape[1]


def _has_critical_radii(geometry: Geometry) -> bool:
    try:
        critical_radii(geometry)
    except ValueError:
        return False
    return True


def size(geometry: Geometry) -> float:
    """The scale of rounding: the largest coordinate, and the largest about the mean, together."""
    return float((geometry.points - geometry.points.mean(0)).abs().max() + geometry.points.abs().max())


def limit(geometry: Geometry) -> float:
    """The radius at which the narrowest slope of the closed form has width zero."""
    if geometry.closed_form is None:
        return float(torch.nn.functional.pdist(geometry.points).min()) / 2
    return float(geometry.closed_form(geometry.points.new_zeros(1)).widths.min()) / 2


def with_closed_form(training: TrainingSet, share: float) -> tuple[Geometry, Tensor]:
    """The geometry, and a radius (1,) that is a share of its largest; skips a test without a closed form."""
    geometry = training.geometry
    if geometry.closed_form is None:
        pytest.skip("no closed form")
    return geometry, share * geometry.points.new_full((1,), limit(geometry))


def in_balls(geometry: Geometry, rho: float, count: int, seed: int) -> Tensor:
    """Random points in the ball about each training point, half of them on its surface: (N, count, d)."""
    shape = (len(geometry.points), count)
    direction = torch.nn.functional.normalize(normal(seed, *shape, geometry.points.shape[1]), dim=-1)
    radius = (2 * uniform(seed + 1, *shape, 1)).clamp_max(1)
    return geometry.points[:, None] + rho * radius * direction


def subset_sums(geometry: Geometry) -> Tensor:
    """All sums of the anchor and a subset of the edges: (P, d)."""
    subsets = subset_masks(len(geometry.edges), geometry.rays)
    return geometry.anchor + subsets.to(geometry.edges) @ geometry.edges


def distinct(points: Tensor) -> Tensor:
    """The different ones of points (P, d), in the order of their first occurrence."""
    apart = torch.cdist(points, points, compute_mode="donot_use_mm_for_euclid_dist")
    first = (apart <= 1e-9 * apart.max()).int().argmax(-1)
    return points[first.unique()]


def kept(slabs: Slabs, points: Tensor, geometry: Geometry, rho: float) -> Tensor:
    """Whether each of the points (P, d) is an attractor of h: (P,)."""
    # the iteration leaves a point that is not fixed, on a slope by a factor 1 / (1 - share) >= 1.02 per iteration
    ends = attractors(slabs, points, frame_of(geometry), 1000)
    return ends.stable & ((ends.limits - points).norm(dim=-1) <= 1e-5 * rho)
