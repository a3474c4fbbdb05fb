"""Slab networks as the start of a training."""

from __future__ import annotations

import torch
from torch import Tensor

from flowlab.theory.convex_programs.slab_solution import slab_solution
from flowlab.theory.networks.interpolation import Interpolation
from flowlab.theory.networks.relu_network import ReluNetwork, from_slabs

_SPARE = 0.05  # rows of the neurons that the slabs leave over, as a share of their random start


def from_slab_solution(problem: Interpolation, pattern: Tensor | None, start: ReluNetwork) -> ReluNetwork:
    """Networks of the start's width K that begin as max-margin slabs, where there are any.

    The 2R neurons of the slabs come first; the others keep their random directions, shortened to 1/20, so
    that their joint output is small but they can grow if useful. Levels without slabs keep the random start.
    Raises ValueError where K < 2R.
    """
    slabs, usable = slab_solution(problem.samples, problem.points, pattern)
    network = from_slabs(slabs).to(start.inner.dtype)
    taken, width = network.inner.shape[1], start.inner.shape[1]
    if width < taken:
        raise ValueError(f"the slabs need {taken} neurons, the network has {width}")
    embedded = ReluNetwork(
        outer=torch.cat([network.outer, _SPARE * start.outer[:, taken:]], dim=1),
        inner=torch.cat([network.inner, _SPARE * start.inner[:, taken:]], dim=1),
        biases=torch.cat([network.biases, _SPARE * start.biases[:, taken:]], dim=1),
        skip=network.skip,
        offset=network.offset,
    )

    def where(slab: Tensor, random: Tensor) -> Tensor:
        return torch.where(usable.view(-1, *[1] * (random.dim() - 1)), slab, random)

    names = ("outer", "inner", "biases", "skip", "offset")
    return ReluNetwork(**{name: where(getattr(embedded, name), getattr(start, name)) for name in names})
