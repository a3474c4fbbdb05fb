"""The growth rates of linear flows dy/dr = (J - I) y, by eigenvalues."""

from __future__ import annotations

import torch
from torch import Tensor


def worst_growth(jacobians: Tensor) -> Tensor:
    """The largest real part of the eigenvalues of jacobians (P, d, d), or a bound on it below 1: (P,).

    No eigenvalue is larger than the Frobenius norm. Where the norm is below 1 it is returned as the bound, which
    saves most decompositions. Of equal matrices among the others only one is decomposed.
    """
    bound = torch.linalg.matrix_norm(jacobians)
    steep = bound >= 1
    if bool(steep.any()):
        different, owner = jacobians[steep].unique(dim=0, return_inverse=True)
        # eigenvalues of many small matrices are faster on the CPU
        bound[steep] = torch.linalg.eigvals(flush_tiny_entries(different.cpu())).real.amax(-1).to(bound)[owner]
    return bound


def distance_growth(jacobians: Tensor) -> Tensor:
    """The largest eigenvalue of the symmetric part of jacobians J (P, d, d): (P,).

    Where it is below 1, |y| decreases under dy/dr = (J - I) y. It is the logarithmic norm of J - I, plus 1.
    """
    return torch.linalg.eigvalsh((jacobians + jacobians.mT) / 2)[..., -1]


def largest_eigenvalue(matrices: Tensor) -> Tensor:
    """The largest real part of the eigenvalues of matrices (P, d, d): (P,)."""
    size = torch.linalg.matrix_norm(matrices)
    largest = torch.zeros_like(size)
    # a zero matrix, such as the Jacobian about a vertex, needs no decomposition
    nonzero = size > torch.finfo(size.dtype).eps * matrices.shape[-1]
    largest[nonzero] = torch.linalg.eigvals(flush_tiny_entries(matrices[nonzero])).real.amax(-1)
    return largest


def flush_tiny_entries(matrices: Tensor) -> Tensor:
    """The matrices (P, d, d) with 0 for entries far below their rounding, on which LAPACK may not converge."""
    size = matrices.abs()
    least = torch.finfo(matrices.dtype).eps ** 2 * size.amax((-2, -1), keepdim=True)
    return torch.where(size < least, 0.0, matrices)
