"""What the engine hands to a component at work: randomness, dtype, device, progress, a checkpoint."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from attrs import field, frozen

from flowlab.api.checkpoint import Checkpoint, NullCheckpoint

if TYPE_CHECKING:
    import torch

Progress = Callable[[int, int, Mapping[str, float]], None]


def no_progress(done: int, total: int, figures: Mapping[str, float]) -> None:
    """Report progress to nobody."""


@frozen
class Context:
    """The surroundings of one node's work.

    `dtype` and `device` are those of the theory (float64 unless the experiment says otherwise).
    `progress(done, total, figures)` may be called as often as one likes. `checkpoint` keeps the state of a
    long work, so that an interrupted run can go on from there.
    """

    seed: int
    node: str
    dtype: torch.dtype
    device: torch.device
    progress: Progress = field(default=no_progress)
    checkpoint: Checkpoint = field(default=NullCheckpoint())

    def generator(self, stream: str = "") -> torch.Generator:
        """A private CPU generator, seeded by the experiment's seed, this node's name and `stream`."""
        return _generator(f"{self.seed}/{self.node}/{stream}")

    def common_generator(self, stream: str) -> torch.Generator:
        """A generator equal in every node of the experiment: common random numbers pair comparisons."""
        return _generator(f"{self.seed}//{stream}")


def _generator(label: str) -> torch.Generator:
    import torch

    digest = hashlib.sha256(label.encode()).digest()
    return torch.Generator().manual_seed(int.from_bytes(digest[:8], "big") >> 1)
