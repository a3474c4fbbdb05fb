"""How fast linear maps grow."""

from __future__ import annotations

import torch
from torch import Tensor


def worst_growth(jacobians: Tensor) -> Tensor:
    """The largest real part of the eigenvalues of matrices (P, d, d): (P,), or a bound on it that is below 1.

    No eigenvalue is larger than the Frobenius norm: where that is below 1 it is returned, which spares most of
    them. Of the rest equal matrices are solved once.
    """
    bound = torch.linalg.matrix_norm(jacobians)
    steep = bound >= 1
    if bool(steep.any()):
        different, owner = jacobians[steep].unique(dim=0, return_inverse=True)
        # eigenvalues of many small matrices are found faster on the processor
        bound[steep] = torch.linalg.eigvals(different.cpu()).real.amax(-1).to(bound)[owner]
    return bound
