"""The share of sums of training points that are stable under a denoiser."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Literal

from attrs import frozen

from flowlab.api import (
    AnalysisSpec,
    Context,
    DenoiserBank,
    NodeError,
    NodeSpec,
    Result,
    StableShares,
    nearest_level,
    parameter,
    reference,
)

_FIGURES = ("sigma", "samples", "stable", "tested", "total", "share", "undecided", "unconverged")


@frozen
class VirtualPointStability:
    """The share of the sums of 2, 3, 4, ... training points from which y <- h(y) ends in a nearby attractor.

    The iteration starts at x_0 + sum_{n in I} (x_n - x_0). A sum is stable if the limit is within the threshold of
    the start, and all eigenvalues of the Jacobian have real part below 1 on every piece of h that meets the limit.
    A sum is undecided if its limit cannot be judged, and unconverged if it still moves; neither counts as stable.
    The sums of one denoiser are no independent trials, so use several draws (stability-over-draws) for the
    accuracy of the share. Source: arXiv 2506.19031, Figure 2 (L-infinity 0.2, without the condition on
    eigenvalues).
    """

    denoiser: str = reference("denoiser", help="the bank; one of its levels is iterated")
    sigma: float | None = parameter(
        None, help="noise level; the nearest one is used (default: the least)", unit="data units", gt=0
    )
    orders: tuple[int, ...] = parameter(
        (2, 3, 4), help="numbers of points in a sum (0: the point at which sums start)", ge=0
    )
    most: int = parameter(30_000, help="sums tested per order, at random where there are more", ge=1)
    threshold: float = parameter(
        0.2, help="largest distance of the limit from the start", unit="shortest lengths", gt=0
    )
    metric: Literal["linf", "l2"] = parameter("linf", help="norm of that distance")
    iterations: int = parameter(200, help="most iterations of h", ge=1)

    def places(self, inputs: Mapping[str, tuple[NodeSpec, ...]]) -> Iterator[str]:
        """The places of the numbers of each order."""
        yield "sigma"
        edges = inputs["denoiser"][0].value_spec.training.edges
        for order in (each for each in self.orders if edges is None or each <= edges):
            yield from (f"{order}.{figure}" for figure in _FIGURES)

    def value_spec(self, inputs: Mapping[str, tuple[NodeSpec, ...]]) -> AnalysisSpec:
        """What is known of the table before the run."""
        edges = inputs["denoiser"][0].value_spec.training.edges
        return AnalysisSpec(empty=None if edges is None else all(order > edges for order in self.orders))

    def build(self, context: Context, *, denoiser: DenoiserBank) -> Result[StableShares]:
        """Test the sums, in a table with one row per order; orders without sums are left out.

        Raises NodeError where no level has a solution.
        """
        from flowlab.theory.flows.attractors import attractors
        from flowlab.theory.geometry.frame import frame_of
        from flowlab.theory.geometry.subset_sums import norm, sums_of

        if not bool(denoiser.usable.any()):
            raise NodeError("the denoiser has no solution at any level")
        level = nearest_level(denoiser, self.sigma)
        geometry = denoiser.training.geometry
        frame = frame_of(geometry)
        shares: dict[int, dict[str, float]] = {}
        for done, order in enumerate(self.orders):
            if order > len(geometry.edges):
                continue
            generator = context.generator(f"order {order}")
            points, total = sums_of(geometry.anchor, geometry.edges, order, self.most, generator, geometry.rays)
            if not total:
                continue
            ends = attractors(denoiser.network.at(level), points, frame, self.iterations)
            near = norm(ends.limits - points, self.metric) <= self.threshold * frame.scale
            count = int((near & ends.stable).sum())
            shares[order] = {
                "sigma": denoiser.sigma[level].item(),
                "samples": denoiser.training.samples,
                "stable": count,
                "tested": len(points),
                "total": total,
                "share": count / len(points),
                "undecided": int((near & ends.undecided).sum()),
                "unconverged": int((~ends.converged).sum()),
            }
            context.progress(done + 1, len(self.orders), {})
        table = StableShares.of({"order": order, **row} for order, row in shares.items())
        metrics = {
            "sigma": denoiser.sigma[level].item(),
            **{str(order): row for order, row in shares.items()},
        }
        return Result(table, metrics, {"stability": table}, _shortfall(shares))


def _shortfall(shares: dict[int, dict[str, float]]) -> str | None:
    """The number of sums that could not be judged, in words; None if there are none."""
    parts = [
        f"{row[what]} of {row['tested']} sums of {order} points {words}"
        for order, row in shares.items()
        for what, words in (("undecided", "are undecided"), ("unconverged", "still move"))
        if row[what]
    ]
    return "; ".join(parts) or None
