"""The stability of virtual points over several draws of the noise."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from statistics import fmean
from typing import Literal

from attrs import frozen

from flowlab.api import (
    AnalysisSpec,
    Context,
    NodeLabel,
    NodeSpec,
    Result,
    StableShares,
    StableSharesOverDraws,
    ValidationIssue,
    parameter,
    reference,
)
from flowlab.api.helpers.swept_keys import check_free_keys


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

    def value_spec(self, inputs: Mapping[str, tuple[NodeSpec, ...]]) -> AnalysisSpec:
        """What is known of the table before the run."""
        return AnalysisSpec(empty=all(node.value_spec.empty for node in inputs["analysis"]) or None)

    def places(self, inputs: Mapping[str, tuple[NodeSpec, ...]]) -> Iterator[str]:
        """The places of the numbers of each order and setting."""
        yield from (f"*.*.{number}" for number in ("draws", "mean", "least", "largest"))

    def build(
        self, context: Context, *, analysis: Mapping[NodeLabel, StableShares]
    ) -> Result[StableSharesOverDraws]:
        """Summarise the draws, in a table with one row per order and setting."""
        groups: dict[tuple[int, float], list[float]] = {}
        for row in (row for shares in analysis.values() for row in shares.rows):
            groups.setdefault((row["order"], row[self.by]), []).append(row["share"])
        rows = [
            {"order": order, self.by: place, "draws": len(shares), "mean": fmean(shares)}
            | {"least": min(shares), "largest": max(shares)}
            for (order, place), shares in sorted(groups.items())
        ]
        table = StableSharesOverDraws.of(rows)
        metrics: dict[str, dict[str, dict[str, float]]] = {}
        for row in rows:
            figures = {name: row[name] for name in ("draws", "mean", "least", "largest")}
            metrics.setdefault(str(row["order"]), {})[f"{row[self.by]:g}"] = figures
        return Result(table, metrics, {"stability": table})
