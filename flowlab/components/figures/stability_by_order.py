"""Stability against the order of the sum."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from attrs import frozen

from flowlab.api import Context, NodeError, Result, reference


@frozen
class StabilityByOrder:
    """The share of stable sums against how many training points they sum, with 95 % intervals."""

    analysis: tuple[str, ...] = reference(
        "analysis", many=True, help="virtual-point-stability analyses, one series each"
    )

    def build(self, context: Context, *, analysis: Mapping[str, Any]) -> Result:
        """Draw one series an analysis. Raises NodeError for another kind of analysis."""
        from flowlab.api.plotting import SERIES, SINGLE, new_figure

        figure, axes = new_figure(SINGLE, 2.4)
        panel = axes[0, 0]
        orders: set[int] = set()
        for index, (label, shares) in enumerate(analysis.items()):
            if not isinstance(shares, dict) or not all(isinstance(order, int) for order in shares):
                raise NodeError(f"the analysis {label!r} holds no stability by order of the sum")
            shift = 0.12 * (index - (len(analysis) - 1) / 2)
            x = [order + shift for order in shares]
            y = [100 * row["share"] for row in shares.values()]
            low = [100 * (row["share"] - row["low"]) for row in shares.values()]
            high = [100 * (row["high"] - row["share"]) for row in shares.values()]
            colour = SERIES[index % len(SERIES)]
            panel.errorbar(x, y, yerr=[low, high], fmt="o-", color=colour, capsize=2, markersize=4, label=label)
            for place, share in zip(x, y, strict=True):
                panel.annotate(
                    f"{share:.1f} %", (place, share), (5, 4), textcoords="offset points", fontsize=7, color=colour
                )
            orders |= set(shares)
        panel.set_xticks(sorted(orders))
        panel.set(
            xlabel="training points in the sum", ylabel="stable sums (%)", ylim=(0, 109),
            xlim=(min(orders) - 0.3, max(orders) + 0.6),
        )  # fmt: skip
        if len(analysis) > 1:
            panel.legend()
        return Result(figure)
