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
        bound[steep] = torch.linalg.eigvals(without_specks(different.cpu())).real.amax(-1).to(bound)[owner]
    return bound


def distance_growth(jacobians: Tensor) -> Tensor:
    """The largest eigenvalue of the symmetric part of J (P, d, d): below 1, dy/dr = (J - I) y shrinks |y|."""
    return torch.linalg.eigvalsh((jacobians + jacobians.mT) / 2)[..., -1]


def largest_eigenvalue(matrices: Tensor) -> Tensor:
    """The largest real part of the eigenvalues of matrices (P, d, d): (P,)."""
    size = torch.linalg.matrix_norm(matrices)
    largest = torch.zeros_like(size)
    # a matrix of no size, as the Jacobian about a vertex, needs no decomposition
    some = size > torch.finfo(size.dtype).eps * matrices.shape[-1]
    largest[some] = torch.linalg.eigvals(without_specks(matrices[some])).real.amax(-1)
    return largest


def without_specks(matrices: Tensor) -> Tensor:
    """Matrices (P, d, d) with 0 for entries far below their rounding, at which LAPACK may not converge."""
    size = matrices.abs()
    least = torch.finfo(matrices.dtype).eps ** 2 * size.amax((-2, -1), keepdim=True)
    return torch.where(size < least, 0.0, matrices)
