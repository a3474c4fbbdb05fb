"""The exact flow."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from attrs import frozen

from flowlab.api import Context, FlowODE, NodeError

if TYPE_CHECKING:
    from torch import Tensor


@frozen
class Exact:
    """The exact flow of piecewise affine denoisers: no step, no error but rounding.

    Region by region for trained networks, slabs and closed forms; for the probability flow of the closed form of
    an orthogonal set with the origin, or of a line, y(sigma) = h(y_T) + (sigma/sigma_T)(y_T - h(y_T)). Source:
    arXiv 2506.19031, Theorems 4.2 to 4.4.
    """

    exact: ClassVar[bool] = True

    def integrate(self, path: FlowODE, starts: Tensor, context: Context) -> Tensor:
        """States (P, S, d) on the path's grid.

        Raises NodeError where the flow is not known exactly.
        """
        if path.exact is None:
            raise NodeError("this flow is not known exactly: that takes denoisers that are piecewise affine")
        return path.exact(starts, lambda done, total: context.progress(done, total, {})).states
