"""The exact flow map."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from attrs import frozen

from flowlab.api import Context, NodeError, Path

if TYPE_CHECKING:
    from torch import Tensor


@frozen
class Exact:
    """The exact flow map, for the closed form of an orthogonal set with the origin or of a line.

    No discretisation. Probability flow: y(sigma) = h(y_T) + (sigma/sigma_T)(y_T - h(y_T)); score flow: each
    coordinate in closed form. Source: arXiv 2506.19031, Theorems 4.2 to 4.4.
    """

    needs_exact_map: ClassVar[bool] = True

    def integrate(self, path: Path, starts: Tensor, context: Context) -> Tensor:
        """States (P, S, d) on the path's grid. Raises NodeError where the flow has no exact map."""
        if path.exact is None:
            raise NodeError(
                "this flow has no exact map: it takes a closed-form denoiser of an orthogonal set with the "
                "origin, or of a line"
            )
        return path.exact(starts)
