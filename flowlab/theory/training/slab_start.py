"""Slab networks as the start of a training."""

from __future__ import annotations

import torch
from torch import Tensor

from flowlab.theory.convex_programs.slab_solution import slab_solution
from flowlab.theory.networks.interpolation import Interpolation
from flowlab.theory.networks.relu_network import ReluNetwork, from_slabs

_SPARE = 0.05  # size of the neurons that the slabs do not use, as a share of their random start


def from_slab_solution(problem: Interpolation, pattern: Tensor | None, start: ReluNetwork) -> ReluNetwork:
    """Networks of the width K of `start` that begin as max-margin slabs, where slabs exist.

    pattern (R, N) is the geometry's. The 2R neurons of the slabs come first. The others keep their random
    directions at 1/20 of their size, so that their output is small but they can grow. Levels without slabs keep
    the random start. Raises ValueError where K < 2R.
    """
    slabs, usable = slab_solution(problem.samples, problem.points, pattern)
    network = from_slabs(slabs).to(start.inner.dtype)
    used, width = network.inner.shape[1], start.inner.shape[1]
    if width < used:
        raise ValueError(f"the slabs need {used} neurons, the network has {width}")
    embedded = ReluNetwork(
        outer=torch.cat([network.outer, _SPARE * start.outer[:, used:]], dim=1),
        inner=torch.cat([network.inner, _SPARE * start.inner[:, used:]], dim=1),
        biases=torch.cat([network.biases, _SPARE * start.biases[:, used:]], dim=1),
        skip=network.skip,
        offset=network.offset,
    )

    def select(slab: Tensor, random: Tensor) -> Tensor:
        return torch.where(usable.view(-1, *[1] * (random.dim() - 1)), slab, random)

    names = ("outer", "inner", "biases", "skip", "offset")
    return ReluNetwork(**{name: select(getattr(embedded, name), getattr(start, name)) for name in names})
