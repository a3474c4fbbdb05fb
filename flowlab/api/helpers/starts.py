"""Where flows start: the same points in every flow of an experiment."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from flowlab.api.context import Context
from flowlab.api.kinds.denoiser import DenoiserBank
from flowlab.api.kinds.flow import StartLaw

if TYPE_CHECKING:
    from torch import Tensor

Center = Literal["anchor", "centroid", "cell"]


def start_law(bank: DenoiserBank, center: Center, spread: float | None) -> StartLaw:
    """N(m, s^2 I): s is the bank's largest sigma unless given.

    m is the anchor of the subset sums, the mean of the training points, or the middle of the cell (the
    mean where there is none).
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
    """Starts (count, d) of the law that `start_law` describes.

    The normal draws are common to all nodes of an experiment, so that flows from different denoisers can be
    compared start by start.
    """
    import torch

    law = start_law(bank, center, spread)
    shape = (count, len(law.mean))
    normal = torch.randn(shape, generator=context.common_generator("starts"), dtype=torch.float64)
    return law.mean + law.spread * normal.to(law.mean)


def nearest_level(bank: DenoiserBank, sigma: float | None) -> int:
    """The usable level nearest to a sigma; the least noisy one where none is given."""
    import torch

    if sigma is None:
        return int(bank.usable.nonzero()[-1, 0])
    gap = torch.where(bank.usable, (bank.sigma - sigma).abs(), torch.inf)
    return int(gap.argmin())
