"""The exact flow."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from attrs import frozen

from flowlab.api import Context, FlowODE, NodeError

if TYPE_CHECKING:
    from torch import Tensor


@frozen
class Exact:
    """The exact flow of piecewise affine denoisers, without steps and with no error but rounding.

    It goes region by region for trained networks, slabs and closed forms. For the probability flow of the closed
    form of an orthogonal set with the origin, or of a line, it is y(sigma) = h(y_T) + (sigma/sigma_T) (y_T -
    h(y_T)). Source: arXiv 2506.19031, Theorems 4.2 to 4.4.
    """

    exact: ClassVar[bool] = True

    def integrate(self, path: FlowODE, starts: Tensor, context: Context) -> Tensor:
        """The states (P, S, d) on the grid of the flow, from starts (S, d).

        Raises NodeError where the flow is not known exactly.
        """
        if path.exact is None:
            raise NodeError("this flow is not known exactly: its denoisers are not piecewise affine")
        return path.exact(starts, lambda done, total: context.progress(done, total, {})).states
