"""The stability of virtual points over several draws of the noise."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from statistics import fmean
from typing import Literal

from attrs import frozen

from flowlab.api import (
    Context,
    NodeError,
    NodeLabel,
    NodeSpec,
    Result,
    Table,
    ValidationIssue,
    parameter,
    reference,
)
from flowlab.api.helpers.swept_keys import check_free_keys

Shares = Mapping[int, Mapping[str, float]]


@frozen
class StabilityOverDraws:
    """The mean, least and largest share of stable sums, by order and by the samples or the noise level.

    Of a swept analysis all settings are used. Settings with equal samples, or with equal sigma, count as draws of
    the same share, and so do all seeds.
    """

    analysis: tuple[str, ...] = reference(
        "analysis", help="of the kind virtual-point-stability, swept", many=True, gather=True, seeds=True
    )
    by: Literal["samples", "sigma"] = parameter(help="what varies besides the draw")

    def check(self, inputs: Mapping[str, tuple[NodeSpec, ...]]) -> Iterator[ValidationIssue]:
        """Check that the sweeps vary no more than the samples or sigma, and the seeds of the draws."""
        purpose = f"one sweep can vary the {self.by}, and others seeds only"
        yield from check_free_keys("analysis", inputs.get("analysis", ()), 0, purpose, (self.by, "seed"))

    def build(self, context: Context, *, analysis: Mapping[NodeLabel, Shares]) -> Result:
        """Summarise the draws, in a table with one row per order and setting.

        Raises NodeError for another kind of analysis.
        """
        groups: dict[tuple[int, float], list[float]] = {}
        for label, shares in analysis.items():
            if not isinstance(shares, Mapping) or not all(isinstance(order, int) for order in shares):
                raise NodeError(f"the analysis {str(label)!r} holds no stability by order of the sum")
            for order, row in shares.items():
                groups.setdefault((order, row[self.by]), []).append(row["share"])
        rows = [
            {"order": order, self.by: place, "draws": len(shares), "mean": fmean(shares)}
            | {"least": min(shares), "largest": max(shares)}
            for (order, place), shares in sorted(groups.items())
        ]
        table = Table({name: [row[name] for row in rows] for name in rows[0]} if rows else {})
        metrics: dict[str, dict[str, dict[str, float]]] = {}
        for row in rows:
            figures = {name: row[name] for name in ("draws", "mean", "least", "largest")}
            metrics.setdefault(str(row["order"]), {})[f"{row[self.by]:g}"] = figures
        return Result(table, metrics, {"stability": table})
