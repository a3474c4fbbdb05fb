"""Slab denoisers: sums of clipped ridge functions, the shape of every known min-norm solution."""

from __future__ import annotations

import torch
from attrs import frozen
from torch import Tensor


@frozen
class Slabs:
    """A bank of denoisers h(y) = c + sum_r g_r clip(w_r . y + b_r, 0, 1), one a noise level.

    offset c (L, d), jumps g (L, R, d), weights w (L, R, d), biases b (L, R). As clip(s, 0, 1) =
    relu(s) - relu(s - 1), it is a shallow ReLU network of 2R neurons, of representation cost
    sum_r 2 |g_r| |w_r|. Source: arXiv 2506.19031, Section 3 (orthogonal, obtuse, equilateral).
    """

    offset: Tensor
    jumps: Tensor
    weights: Tensor
    biases: Tensor

    def values(self, y: Tensor) -> Tensor:
        """The clipped slab values in [0, 1] at y (L, S, d): (L, S, R)."""
        heights: Tensor = y @ self.weights.mT + self.biases[:, None]
        return heights.clamp(0, 1)

    def __call__(self, y: Tensor) -> Tensor:
        """Denoise y (L, S, d), level by level; L = 1 broadcasts."""
        denoised: Tensor = self.offset[:, None] + self.values(y) @ self.jumps
        return denoised

    def at(self, level: int) -> Slabs:
        """The denoiser of one level, as a bank of one."""
        one = slice(level, level + 1) if level != -1 else slice(level, None)
        return Slabs(self.offset[one], self.jumps[one], self.weights[one], self.biases[one])

    @property
    def cost(self) -> Tensor:
        """Representation cost sum_r 2 |g_r| |w_r| of each level: (L,)."""
        return 2 * (self.jumps.norm(dim=-1) * self.weights.norm(dim=-1)).sum(-1)

    @property
    def widths(self) -> Tensor:
        """Width 1 / |w_r| of each slope region, in data units: (L, R)."""
        return 1 / self.weights.norm(dim=-1)


def padded(banks: list[Slabs | None], points: Tensor) -> Slabs:
    """Join banks along the levels, with idle slabs where one has fewer than another, nan where there is none.

    In the dtype and on the device of points (N, d).
    """
    width = max((bank.biases.shape[1] for bank in banks if bank is not None), default=1)
    dimension = points.shape[-1]
    lost = points.new_full((1, width, dimension), torch.nan)

    def level(bank: Slabs | None) -> Slabs:
        if bank is None:
            return Slabs(lost[:, 0], lost, lost, lost[..., 0])
        idle = bank.jumps.new_zeros(1, width - bank.biases.shape[1], dimension)
        parts = (bank.jumps, idle), (bank.weights, idle), (bank.biases, idle[..., 0])
        return Slabs(bank.offset.to(points), *(torch.cat(part, dim=1).to(points) for part in parts))

    return stack([level(bank) for bank in banks])


def stack(banks: list[Slabs]) -> Slabs:
    """Join banks of the same R along the levels."""
    parts = ("offset", "jumps", "weights", "biases")
    return Slabs(*(torch.cat([getattr(bank, part) for bank in banks]) for part in parts))
