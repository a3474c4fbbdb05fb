"""The samples that a stage of training looks at: few of many, the same number at each level and point."""

from __future__ import annotations

from collections.abc import Iterator

import torch
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


def minibatches(samples: Tensor, count: int, generator: torch.Generator) -> Iterator[Tensor]:
    """For ever, inputs (L, N * count, d) from samples (L, N, M, d), each used once before any twice."""
    total = samples.shape[2]
    while True:
        shuffled = samples[:, :, torch.randperm(total, generator=generator).to(samples.device)]
        for first in range(0, total - count + 1, count):
            yield shuffled[:, :, first : first + count].flatten(1, 2)
