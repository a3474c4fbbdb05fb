"""Slab denoisers: sums of clipped ridge functions."""

from __future__ import annotations

import torch
from attrs import frozen
from torch import Tensor


@frozen
class Slabs:
    """A bank of denoisers h(y) = c + sum_r g_r clip(w_r . y + b_r, 0, 1), one per noise level.

    offset c (L, d), jumps g (L, R, d), weights w (L, R, d), biases b (L, R). Since clip(s, 0, 1) =
    relu(s) - relu(s - 1), it is a shallow ReLU network of 2R neurons with representation cost
    sum_r 2 |g_r| |w_r|. The minimum-norm denoisers of orthogonal, obtuse and equilateral sets have this form:
    arXiv 2506.19031, Section 3 and Appendices B, C.
    """

    offset: Tensor
    jumps: Tensor
    weights: Tensor
    biases: Tensor

    def values(self, y: Tensor) -> Tensor:
        """The values of the slabs, in [0, 1], at y (L, S, d): (L, S, R)."""
        heights: Tensor = y @ self.weights.mT + self.biases[:, None]
        return heights.clamp(0, 1)

    def __call__(self, y: Tensor) -> Tensor:
        """Denoise y (L, S, d), level by level; L = 1 broadcasts."""
        denoised: Tensor = self.offset[:, None] + self.values(y) @ self.jumps
        return denoised

    def at(self, level: int) -> Slabs:
        """The denoiser of one level, as a bank of one."""
        index = slice(level, level + 1) if level != -1 else slice(level, None)
        return Slabs(self.offset[index], self.jumps[index], self.weights[index], self.biases[index])

    @property
    def cost(self) -> Tensor:
        """The representation cost sum_r 2 |g_r| |w_r| of each level: (L,)."""
        return 2 * (self.jumps.norm(dim=-1) * self.weights.norm(dim=-1)).sum(-1)

    @property
    def widths(self) -> Tensor:
        """The width 1 / |w_r| of each slope region, in data units: (L, R)."""
        return 1 / self.weights.norm(dim=-1)


def concat_slabs(banks: list[Slabs | None], points: Tensor) -> Slabs:
    """One bank of the levels of several banks, padded with zero slabs; nan where a bank is None.

    In the dtype and on the device of points (N, d).
    """
    width = max((bank.biases.shape[1] for bank in banks if bank is not None), default=1)
    dimension = points.shape[-1]
    missing = points.new_full((1, width, dimension), torch.nan)

    def level(bank: Slabs | None) -> Slabs:
        if bank is None:
            return Slabs(missing[:, 0], missing, missing, missing[..., 0])
        padding = bank.jumps.new_zeros(1, width - bank.biases.shape[1], dimension)
        parts = (bank.jumps, padding), (bank.weights, padding), (bank.biases, padding[..., 0])
        return Slabs(bank.offset.to(points), *(torch.cat(part, dim=1).to(points) for part in parts))

    return _concat_levels([level(bank) for bank in banks])


def _concat_levels(banks: list[Slabs]) -> Slabs:
    """One bank of the levels of several banks with the same number of slabs R."""
    parts = ("offset", "jumps", "weights", "biases")
    return Slabs(*(torch.cat([getattr(bank, part) for bank in banks]) for part in parts))
