"""Stacked bars of the classes."""

from __future__ import annotations

from collections.abc import Mapping

from attrs import frozen

from flowlab.api import CLASSES, Classes, Context, Result, reference


@frozen
class ClassBars:
    """The share of each class, one stacked bar a flow, counts written in."""

    classifier: tuple[str, ...] = reference("classifier", many=True, help="classified endpoints")

    def build(self, context: Context, *, classifier: Mapping[str, Classes]) -> Result:
        """Draw the bars from the top in the order of the flows."""
        from matplotlib.patches import Patch

        from flowlab.api.plotting import COLOURS, DOUBLE, new_figure

        several = len(classifier) > 1
        bars = [
            (f"{label}: {flow}" if several else flow, classes.counts(flow))
            for label, classes in classifier.items()
            for flow in classes.flows
        ]
        figure, axes = new_figure(DOUBLE, 0.75 + 0.32 * len(bars))
        panel = axes[0, 0]
        for row, (_, counts) in enumerate(bars):
            total, left = sum(counts.values()), 0.0
            for name in CLASSES:
                share = counts[name] / total
                panel.barh(
                    row, share, left=left, height=0.72, color=COLOURS[name], edgecolor="white", linewidth=0.5
                )
                if share > 0.03:
                    panel.text(
                        left + share / 2, row, counts[name], ha="center", va="center", color="white", fontsize=7
                    )
                left += share
        panel.set_yticks(range(len(bars)), [name for name, _ in bars])
        panel.set(xlim=(0, 1), ylim=(len(bars) - 0.45, -0.55), xlabel="share of endpoints")
        figure.legend(
            handles=[Patch(color=COLOURS[name], label=name) for name in CLASSES], loc="outside upper center",
            ncols=5, frameon=False, fontsize=7, handlelength=1.2,
        )  # fmt: skip
        return Result(figure)
