"""Trajectories over the denoiser's field, in the plane of three training points."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from attrs import frozen

from flowlab.api import CLASSES, Classes, Context, Result, Trajectories, parameter, reference

if TYPE_CHECKING:
    from torch import Tensor


@frozen
class Plane:
    """Trajectories over the field |h(y) - y| of the last level, with training and virtual points and the cell.

    One panel a flow, in the plane through three training points; in more dimensions trajectories are
    projected on it, and the field is that of the plane itself.
    """

    classifier: str = reference("classifier", help="classified flows, a panel each")
    points: tuple[int, int, int] = parameter((0, 1, 2), help="training points that span the plane", ge=0)
    paths: int = parameter(120, help="trajectories drawn in each panel", ge=0)
    resolution: int = parameter(160, help="grid points along a side of the field", ge=10)

    def build(self, context: Context, *, classifier: Classes) -> Result:
        """Draw one panel a flow, at most four in a row."""
        from flowlab.api.plotting import DOUBLE, class_handles, new_figure

        count = len(classifier.flows)
        columns = min(count, 4)
        rows = math.ceil(count / columns)
        height = DOUBLE / max(columns, 2) * rows * 1.12 + 0.45
        figure, axes = new_figure(
            DOUBLE * max(columns, 2) / 4 if columns < 3 else DOUBLE, height, rows, columns,
            sharex=True, sharey=True,
        )  # fmt: skip
        panels = list(axes.flat)
        for panel, (name, flow) in zip(panels, classifier.flows.items(), strict=False):
            self._panel(panel, name, flow, classifier.labels[name])
        for panel in panels[count:]:
            panel.set_axis_off()
        seen = {int(k) for labels in classifier.labels.values() for k in labels.unique()}
        shown = tuple(name for k, name in enumerate(CLASSES) if k in seen)
        figure.legend(
            handles=[*class_handles(shown), *_point_handles()], loc="outside lower center", ncols=7, frameon=False,
            fontsize=7, handlelength=1.4, columnspacing=1.2,
        )  # fmt: skip
        return Result(figure)

    def _panel(self, panel: Any, name: str, flow: Trajectories, labels: Tensor) -> None:
        from matplotlib.collections import LineCollection

        from flowlab.api.plotting import COLOURS, MARKERS

        geometry = flow.bank.training.geometry
        origin, axes = _frame(geometry.points[list(self.points)])
        corners, virtual = _flat(geometry.points, origin, axes), _virtual(geometry, origin, axes)
        limits = _limits(corners, virtual)
        self._field(panel, flow, origin, axes, limits)
        shown = range(0, flow.states.shape[1], max(1, flow.states.shape[1] // max(self.paths, 1)))
        flat = ((flow.states[:, list(shown)] - origin) @ axes.mT).movedim(0, 1).cpu().numpy()
        names = [CLASSES[int(labels[i])] for i in shown]
        lines = LineCollection(
            list(flat), colors=[COLOURS[each] for each in names], linewidths=0.45, alpha=0.65, zorder=2
        )
        panel.add_collection(lines)
        ends = _flat(flow.ends, origin, axes)
        for k, each in enumerate(CLASSES):
            chosen = (labels == k).cpu().numpy()
            if chosen.any():
                edge = {} if each == "elsewhere" else {"edgecolors": "white", "linewidths": 0.25}
                panel.scatter(
                    *ends[chosen].T, s=9, c=COLOURS[each], marker=MARKERS[each], zorder=4, **edge
                )  # fmt: skip
        outline = _outline(geometry, self.points, origin, axes)
        panel.plot(*outline.T, color="black", linewidth=0.7, linestyle=(0, (4, 2)), zorder=3)
        if len(virtual):
            panel.scatter(
                *virtual.T, s=34, marker="D", facecolors="none", edgecolors="black", linewidths=0.8, zorder=5
            )
        chosen_corners = corners[list(self.points)]
        panel.scatter(*chosen_corners.T, s=30, facecolors="none", edgecolors="black", linewidths=0.8, zorder=5)
        middle = chosen_corners.mean(0)
        for index, corner in zip(self.points, chosen_corners, strict=True):
            away = corner - middle
            offset = 9 * away / max(float((away**2).sum() ** 0.5), 1e-12)
            panel.annotate(
                f"$x_{{{index}}}$", corner, offset, textcoords="offset points", ha="center", va="center",
                fontsize=8, zorder=6,
            )  # fmt: skip
        panel.set(xlim=limits[:2], ylim=limits[2:], aspect="equal", xticks=[], yticks=[])
        for spine in panel.spines.values():
            spine.set_visible(True)
        kind = {"probability": "probability flow", "score": "score flow"}[flow.name]
        noise = "" if flow.name == "probability" else rf", $\sigma$ = {flow.bank.sigma[flow.level]:.3g}"
        panel.set_title(f"{name}: {kind}{noise}", fontsize=7.5)
        if geometry.points.shape[1] > 2:
            panel.set_xlabel("projection on the plane of the points", fontsize=7)

    def _field(self, panel: Any, flow: Trajectories, origin: Tensor, axes: Tensor, limits: Any) -> None:
        import torch

        x = torch.linspace(limits[0], limits[1], self.resolution).to(origin)
        y = torch.linspace(limits[2], limits[3], self.resolution).to(origin)
        grid = torch.stack(torch.meshgrid(x, y, indexing="xy"), dim=-1)
        places = origin + grid.flatten(0, 1) @ axes
        pull = ((flow.bank.denoise(places, flow.level) - places) @ axes.mT).reshape(grid.shape).cpu().numpy()
        strength = (pull**2).sum(-1) ** 0.5
        panel.imshow(
            strength, extent=limits, origin="lower", cmap="Greys", vmin=0, vmax=1.6 * strength.max(),
            interpolation="bilinear", zorder=0, aspect="auto",
        )  # fmt: skip
        panel.streamplot(
            x.cpu().numpy(), y.cpu().numpy(), pull[..., 0], pull[..., 1], color="#9a9a9a", linewidth=0.3,
            arrowsize=0.4, density=0.7, zorder=1,
        )  # fmt: skip


def _point_handles() -> list[Any]:
    from matplotlib.lines import Line2D

    style = {"markerfacecolor": "none", "markeredgecolor": "black", "linestyle": "none", "markersize": 5}
    return [
        Line2D([], [], marker="o", label="training point", **style),  # type: ignore[arg-type]
        Line2D([], [], marker="D", label="sum of training points", **style),  # type: ignore[arg-type]
    ]


def _frame(points: Tensor) -> tuple[Tensor, Tensor]:
    """Origin (d,) and orthonormal axes (2, d) of the plane through three points, first edge to the right."""
    import torch

    basis, triangle = torch.linalg.qr((points[1:] - points[0]).mT)
    return points[0], (basis * triangle.diagonal().sign()).mT


def _flat(y: Tensor, origin: Tensor, axes: Tensor) -> Any:
    return ((y - origin) @ axes.mT).cpu().numpy()


def _virtual(geometry: Any, origin: Tensor, axes: Tensor) -> Any:
    """The sums of two edges or more that lie in the plane, for few edges."""
    from flowlab.theory.subset_sums import patterns

    edges = geometry.edges[:8]
    subsets = patterns(len(edges))
    sums = geometry.anchor + subsets[subsets.sum(-1) >= 2].to(edges) @ edges
    off = (sums - origin) - (sums - origin) @ axes.mT @ axes
    size = geometry.points.norm(dim=-1).max()
    inside = sums[off.norm(dim=-1) <= 1e-9 * size]
    # the sum of all edges about a centroid is the centroid itself: no virtual point
    return _flat(inside[(inside - geometry.anchor).norm(dim=-1) > 1e-9 * size], origin, axes)


def _limits(corners: Any, virtual: Any) -> tuple[float, float, float, float]:
    import numpy as np

    marks = np.concatenate([corners, virtual]) if len(virtual) else corners
    low, high = marks.min(0), marks.max(0)
    margin = 0.35 * float((high - low).max())
    middle, half = (low + high) / 2, float((high - low).max()) / 2 + margin
    return middle[0] - half, middle[0] + half, middle[1] - half, middle[1] + half


def _outline(geometry: Any, chosen: tuple[int, int, int], origin: Tensor, axes: Tensor) -> Any:
    """The box of two edges where sums start in the first point, else the triangle; closed."""
    import torch

    first, second, third = geometry.points[list(chosen)]
    box = bool(torch.allclose(geometry.anchor, first)) and len(geometry.edges) > 0
    ring = [first, second, second + third - first, third, first] if box else [first, second, third, first]
    return _flat(torch.stack(ring), origin, axes)
