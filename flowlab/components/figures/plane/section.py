"""The plane through three training points, and the parts of a geometry in it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from attrs import frozen

from flowlab.api import NodeError

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

    from flowlab.theory.geometry.geometry import Geometry

    Array = NDArray[Any]

# A point within this share of the size of the data from the plane is in it.
_FLAT = 1e-6
# 2^10 sums are as many as a reader can see.
_SUMMED = 10


def numbers(values: Tensor) -> Array:
    """A tensor, values (...), as a float64 array (...) on the CPU."""
    return values.detach().cpu().double().numpy()


@frozen
class Section:
    """A plane with in-plane coordinates (y - origin) . axes, for origin (d,) and orthonormal axes (2, d)."""

    origin: Tensor
    axes: Tensor
    geometry: Geometry
    chosen: tuple[int, ...]
    flat: bool  # the plane is the whole space

    def project(self, y: Tensor) -> Array:
        """The in-plane coordinates (..., 2) of points y (..., d)."""
        return numbers((y - self.origin) @ self.axes.mT)

    def arrows(self, vectors: Tensor) -> Array:
        """The in-plane components (..., 2) of vectors (..., d)."""
        return numbers(vectors @ self.axes.mT)

    def lift(self, coordinates: Array) -> Tensor:
        """The points (S, d) with the in-plane coordinates (S, 2)."""
        import torch

        return self.origin + torch.from_numpy(coordinates).to(self.axes) @ self.axes

    @property
    def training(self) -> dict[int, Array]:
        """The in-plane coordinates (2,) of the training points in the plane, by index."""
        points = self.geometry.points
        inside = self._within(points - self.origin).tolist()
        return {n: place for n, place in enumerate(self.project(points)) if inside[n]}

    @property
    def virtual(self) -> Array:
        """The sums of two edges or more that are in the plane and are no training points: (V, 2)."""
        import numpy as np
        import torch

        from flowlab.theory.geometry.subset_sums import subset_masks

        geometry = self.geometry
        if not self._within((geometry.anchor - self.origin)[None])[0]:
            return np.empty((0, 2))
        flat = self._within(geometry.edges).nonzero()[:_SUMMED, 0]
        edges, rays = geometry.edges[flat], None if geometry.rays is None else geometry.rays[flat]
        subsets = subset_masks(len(edges), rays)
        sums = geometry.anchor + subsets[subsets.sum(-1) > 1].to(edges) @ edges
        if not len(sums):
            return np.empty((0, 2))
        known = torch.cat([geometry.points, geometry.anchor[None]])
        new = torch.cdist(sums, known).amin(-1) > _FLAT * self._scale
        return self.project(sums[new])

    @property
    def outline(self) -> Array | None:
        """The corners of the cell: (4, 2) if the anchor is a chosen point, else a triangle (3, 2)."""
        import numpy as np

        if self.geometry.cell is None:
            return None
        first, *others = self._anchor_first()
        corners = self.project(self.geometry.points[[first, *others]])
        if not self._at_anchor(first):
            return corners
        return np.stack([corners[0], corners[1], corners[1] + corners[2] - corners[0], corners[2]])

    @property
    def _scale(self) -> Tensor:
        return (self.geometry.points - self.origin).norm(dim=-1).max()

    def _within(self, vectors: Tensor) -> Tensor:
        off = vectors - vectors @ self.axes.mT @ self.axes
        return off.norm(dim=-1) <= _FLAT * self._scale

    def _at_anchor(self, index: int) -> bool:
        return bool((self.geometry.points[index] - self.geometry.anchor).norm() <= _FLAT * self._scale)

    def _anchor_first(self) -> list[int]:
        """The chosen points, the anchor first if it is one of them."""
        return sorted(self.chosen, key=lambda n: not self._at_anchor(n))


def section(geometry: Geometry, chosen: tuple[int, ...]) -> Section:
    """The plane through the chosen training points; in two dimensions, the plane of the data.

    Raises NodeError where the data have one dimension, or there is no training point with a chosen index.
    """
    import torch

    count, dimension = geometry.points.shape
    if dimension < 2:
        raise NodeError("a plane needs data of two dimensions or more")
    if max(chosen) >= count:
        raise NodeError(f"there is no training point {max(chosen)}: they are numbered 0 to {count - 1}")
    if dimension == 2:
        return Section(
            torch.zeros_like(geometry.points[0]), torch.eye(2).to(geometry.points), geometry, chosen, True
        )
    origin = geometry.points[chosen[0]]
    # QR completes the frame even where the three points are on one line
    basis, triangle = torch.linalg.qr((geometry.points[list(chosen[1:])] - origin).mT)
    signs = torch.where(triangle.diagonal() < 0, -1.0, 1.0)
    return Section(origin, (basis * signs).mT, geometry, chosen, False)
