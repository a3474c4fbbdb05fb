"""The samples that a stage of training uses: few of many, the same number at each level and point."""

from __future__ import annotations

import torch
from attrs import define, field
from torch import Tensor


def choose_working_set(residual_grad: Tensor, points: int, count: int) -> Tensor:
    """The `count` samples of each point with the largest gradient of the loss in their residual.

    residual_grad (L, points * M, d); returns their indices (L, points * count).
    """
    size = residual_grad.norm(dim=-1).unflatten(1, (points, -1))
    within = size.topk(count, dim=-1).indices
    first = size.shape[-1] * torch.arange(points, device=residual_grad.device)
    return (within + first[:, None]).flatten(1)


def take(rows: Tensor, chosen: Tensor) -> Tensor:
    """The rows (L or 1, Q, d) with the indices chosen (L, Q'): (L, Q', d)."""
    dimension = rows.shape[-1]
    return rows.expand(len(chosen), -1, -1).gather(1, chosen[..., None].expand(-1, -1, dimension))


def put(rows: Tensor, chosen: Tensor, total: int) -> Tensor:
    """The rows (L, Q', d) at the indices chosen (L, Q') of `total` rows, and zero elsewhere: (L, total, d)."""
    levels, _, dimension = rows.shape
    index = chosen[..., None].expand(-1, -1, dimension)
    return rows.new_zeros(levels, total, dimension).scatter_(1, index, rows)


@define
class Shuffle:
    """A pass through M samples in random order: each is used once before any is used twice."""

    order: Tensor = field(factory=lambda: torch.empty(0, dtype=torch.int64))  # order (M,), empty before a pass
    used: int = 0

    def batch(self, samples: Tensor, count: int, generator: torch.Generator) -> Tensor:
        """The next batch of inputs (L, N * count, d) from samples (L, N, M, d), with count <= M."""
        if self.used + count > len(self.order):
            self.order = torch.randperm(samples.shape[2], generator=generator).to(samples.device)
            self.used = 0
        indices = self.order[self.used : self.used + count]
        self.used += count
        return samples.index_select(2, indices).flatten(1, 2)
