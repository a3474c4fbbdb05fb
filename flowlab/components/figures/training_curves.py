"""Training curves of a bank."""

from __future__ import annotations

from attrs import frozen

from flowlab.api import Bank, Context, NodeError, Result, reference


@frozen
class TrainingCurves:
    """Violation, representation cost and penalty against the training step, one line a noise level."""

    denoiser: str = reference("denoiser", help="a bank trained by an iterative optimizer")

    def build(self, context: Context, *, denoiser: Bank) -> Result:
        """Draw three panels. Raises NodeError for a bank that was not trained."""
        import matplotlib as mpl
        import numpy as np
        from matplotlib.cm import ScalarMappable
        from matplotlib.colors import LogNorm

        from flowlab.api.plotting import SINGLE, new_figure

        if denoiser.history is None:
            raise NodeError(
                "this denoiser has no training history: only iterative optimizers such as augmented-lagrangian leave one"
            )
        table = {name: np.asarray(column, dtype=float) for name, column in denoiser.history.columns.items()}
        sigma = denoiser.sigma.cpu().numpy()
        colours = mpl.colormaps["viridis"]
        scale = LogNorm(sigma.min(), sigma.max())
        figure, axes = new_figure(SINGLE, 4.2, 3, 1, sharex=True)
        names = (
            ("violation_max", "largest violation"),
            ("cost", "representation cost"),
            ("penalty", r"penalty $\mu$"),
        )
        for panel, (name, label) in zip(axes[:, 0], names, strict=True):
            for level, noise in enumerate(sigma):
                chosen = table["level"] == level
                panel.plot(table["step"][chosen], table[name][chosen], color=colours(scale(noise)), linewidth=0.8)
            if (table[name] > 0).all() and table[name].max() > table[name].min():
                panel.set_yscale("log")
            panel.set_ylabel(label)
        axes[-1, 0].set_xlabel("step")
        figure.colorbar(
            ScalarMappable(scale, colours), ax=list(axes[:, 0]), label=r"noise level $\sigma$", shrink=0.6
        )
        return Result(figure)
