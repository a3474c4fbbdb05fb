"""The probability flow of a bank as a path that any integrator follows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flowlab.api.errors import NodeError
from flowlab.api.work import Bank, Path

if TYPE_CHECKING:
    from torch import Tensor


def probability_path(bank: Bank) -> Path:
    """dy/dsigma = (y - h(y, sigma)) / sigma through the bank's levels down to sigma = 0.

    The path knows its exact states where theory does: a closed form on separable points whose radii are
    proportional to sigma. Raises NodeError at a level without a solution.
    """
    import torch

    from flowlab.theory.separable_flow import exact_probability_flow

    if not bool(bank.usable.all()):
        lost = bank.sigma[~bank.usable]
        raise NodeError(
            f"the denoiser has no solution at {len(lost)} levels, sigma {lost.min():.4g} to "
            f"{lost.max():.4g}; a final_time below {lost.min() ** 2:.4g} avoids them"
        )
    sigma = torch.cat([bank.sigma, bank.sigma.new_zeros(1)])
    top = bank.network.at(0)

    def exact(y: Tensor) -> Tensor:
        return exact_probability_flow(top, y, sigma / sigma[0])  # type: ignore[arg-type]

    time = sigma.square()
    known = bank.exact_map and _proportional(bank)
    return Path(sigma.log(), time, 0.5 / time, bank.denoise, exact if known else None)


def _proportional(bank: Bank) -> bool:
    """Whether rho = alpha * sigma at every level, without which the exact map does not hold."""
    import torch

    if bank.rho is None:
        return False
    ratio = bank.rho / bank.sigma
    # the tolerance admits single precision
    return bool(torch.isclose(ratio, ratio[0], rtol=1e-6, atol=0).all())
