"""The starts of flows, which are the same points in every flow of an experiment."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from flowlab.api.context import Context
from flowlab.api.kinds.denoiser import DenoiserBank
from flowlab.api.kinds.flow import StartLaw

if TYPE_CHECKING:
    from torch import Tensor

Center = Literal["anchor", "centroid", "cell"]


def start_law(bank: DenoiserBank, center: Center, spread: float | None) -> StartLaw:
    """The law N(m, s^2 I) of starts, where s is `spread` or else the largest sigma of the bank.

    m is the anchor of the subset sums, the mean of the training points, or the middle of the cell. Without a cell
    it is the mean.
    """
    geometry = bank.training.geometry
    middle = geometry.points.mean(0)
    if center == "anchor":
        middle = geometry.anchor
    elif center == "cell" and geometry.cell is not None:
        middle = geometry.cell.center
    return StartLaw(middle, float(bank.sigma.max()) if spread is None else spread)


def gaussian_starts(
    bank: DenoiserBank, count: int, center: Center, spread: float | None, context: Context
) -> Tensor:
    """Starts (count, d) from the law of `start_law`.

    The normal numbers are the same in all nodes of an experiment, so that flows of different denoisers can be
    compared start by start.
    """
    import torch

    law = start_law(bank, center, spread)
    shape = (count, len(law.mean))
    normal = torch.randn(shape, generator=context.common_generator("starts"), dtype=torch.float64)
    return law.mean + law.spread * normal.to(law.mean)


def nearest_level(bank: DenoiserBank, sigma: float | None) -> int:
    """The index of the usable level nearest to a sigma, or of the least noisy one if sigma is None."""
    import torch

    if sigma is None:
        return int(bank.usable.nonzero()[-1, 0])
    gap = torch.where(bank.usable, (bank.sigma - sigma).abs(), torch.inf)
    return int(gap.argmin())
