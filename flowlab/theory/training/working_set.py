"""The samples that a stage of training looks at: few of many, the same number at each level and point."""

from __future__ import annotations

import torch
from attrs import define, field
from torch import Tensor


def hardest(force: Tensor, points: int, count: int) -> Tensor:
    """Indices (L, points * count) of each point's samples with the largest force (L, points * M, d)."""
    size = force.norm(dim=-1).unflatten(1, (points, -1))
    within = size.topk(count, dim=-1).indices
    first = size.shape[-1] * torch.arange(points, device=force.device)
    return (within + first[:, None]).flatten(1)


def take(rows: Tensor, chosen: Tensor) -> Tensor:
    """The chosen rows (L, Q') of (L or 1, Q, d): (L, Q', d)."""
    dimension = rows.shape[-1]
    return rows.expand(len(chosen), -1, -1).gather(1, chosen[..., None].expand(-1, -1, dimension))


def put(rows: Tensor, chosen: Tensor, total: int) -> Tensor:
    """Rows (L, Q', d) back in their places among `total`, zero elsewhere: (L, total, d)."""
    levels, _, dimension = rows.shape
    index = chosen[..., None].expand(-1, -1, dimension)
    return rows.new_zeros(levels, total, dimension).scatter_(1, index, rows)


@define
class Shuffle:
    """A pass through M samples in random order: each is used once before any twice."""

    order: Tensor = field(factory=lambda: torch.empty(0, dtype=torch.int64))  # (M,), empty before the first pass
    used: int = 0

    def batch(self, samples: Tensor, count: int, generator: torch.Generator) -> Tensor:
        """The next inputs (L, N * count, d), from samples (L, N, M, d) with count <= M."""
        if self.used + count > len(self.order):
            self.order = torch.randperm(samples.shape[2], generator=generator).to(samples.device)
            self.used = 0
        chosen = self.order[self.used : self.used + count]
        self.used += count
        return samples.index_select(2, chosen).flatten(1, 2)
