"""Which sums of training points a denoiser keeps."""

from __future__ import annotations

from typing import Literal

from attrs import frozen

from flowlab.api import Bank, Context, NodeError, Result, Table, nearest_level, parameter, reference


@frozen
class VirtualPointStability:
    """Share of the sums of 2, 3, 4, ... training points that fixed-point iteration of h keeps.

    y <- h(y) from x_0 + sum_{n in I} (x_n - x_0); stable where the limit is within the threshold of the start.
    Source: arXiv 2506.19031, Figure 2 (L-infinity 0.2).
    """

    denoiser: str = reference("denoiser", help="the bank one of whose levels is iterated")
    sigma: float | None = parameter(
        None, help="noise level, the nearest one is taken (default: the least)", unit="data units", gt=0
    )
    orders: tuple[int, ...] = parameter(
        (2, 3, 4), help="how many points are summed (0: the point that sums are taken from)", ge=0
    )
    most: int = parameter(30_000, help="sums tested per order, at random where there are more", ge=1)
    threshold: float = parameter(0.2, help="largest distance from the start", unit="data units", gt=0)
    metric: Literal["linf", "l2"] = parameter("linf", help="norm of that distance")
    iterations: int = parameter(200, help="most iterations of h", ge=1)

    def build(self, context: Context, *, denoiser: Bank) -> Result:
        """One row an order; orders of which there are no sums are left out."""
        from flowlab.theory.intervals import clopper_pearson
        from flowlab.theory.subset_sums import stable, sums_of

        if not bool(denoiser.usable.any()):
            raise NodeError("the denoiser has no solution at any level")
        level = nearest_level(denoiser, self.sigma)
        geometry = denoiser.training.geometry
        shares: dict[int, dict[str, float]] = {}
        for done, order in enumerate(self.orders):
            if order > len(geometry.edges):
                continue
            generator = context.generator(f"order {order}")
            points, total = sums_of(geometry.anchor, geometry.edges, order, self.most, generator, geometry.rays)
            if not total:
                continue
            kept = stable(
                lambda y: denoiser.denoise(y, level), points, self.threshold, self.iterations, self.metric
            )
            count = int(kept.sum())
            low, high = clopper_pearson(count, len(points))
            shares[order] = {
                "sigma": denoiser.sigma[level].item(),
                "samples": denoiser.training.samples,
                "stable": count,
                "tested": len(points),
                "total": total,
                "share": count / len(points),
                "low": low,
                "high": high,
            }
            context.progress(done + 1, len(self.orders), {})
        columns = ("sigma", "samples", "stable", "tested", "total", "share", "low", "high")
        table = Table(
            {
                "order": list(shares),
                **{name: [row[name] for row in shares.values()] for name in columns},
            }
        )
        metrics = {
            "sigma": denoiser.sigma[level].item(),
            **{str(order): row for order, row in shares.items()},
        }
        return Result(shares, metrics, {"stability": table})
