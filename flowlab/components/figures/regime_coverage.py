"""The low-noise regime of a bank."""

from __future__ import annotations

from typing import Any

from attrs import frozen

from flowlab.api import Context, NodeError, Result, reference


@frozen
class RegimeCoverage:
    """Noise level and smallest gap between clusters of each denoiser; the low-noise ones are filled."""

    analysis: str = reference("analysis", help="a low-noise-coverage analysis")

    def build(self, context: Context, *, analysis: Any) -> Result:
        """Draw two panels over the levels. Raises NodeError for another kind of analysis."""
        import numpy as np

        from flowlab.api.plotting import SERIES, SINGLE, new_figure

        if not isinstance(analysis, dict) or "low_noise" not in analysis:
            raise NodeError("the analysis holds no regime: it takes one of low-noise-coverage")
        low = np.asarray(analysis["low_noise"])
        level = np.arange(len(low))
        figure, axes = new_figure(SINGLE, 3.2, 2, 1, sharex=True)
        series = (("sigma", r"noise level $\sigma$"), ("gap", "smallest gap"))
        for panel, (name, label) in zip(axes[:, 0], series, strict=True):
            values = np.asarray(analysis[name])
            panel.plot(level, values, color="#b0b0b0", linewidth=0.8, zorder=1)
            panel.scatter(level[low], values[low], s=14, color=SERIES[0], label="low noise", zorder=2)
            panel.scatter(
                level[~low],
                values[~low],
                s=14,
                facecolors="white",
                edgecolors=SERIES[1],
                label="outside",
                zorder=2,
            )
            panel.set_ylabel(label)
        axes[0, 0].legend(title=f"{int(low.sum())} of {len(low)} levels", title_fontsize=7)
        axes[1, 0].axhline(0, color="black", linewidth=0.6, linestyle=(0, (4, 2)))
        axes[1, 0].set_xlabel("level")
        return Result(figure)
