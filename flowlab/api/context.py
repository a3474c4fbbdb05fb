"""What the engine passes to a component's `build`: randomness, dtype, device, progress, and a checkpoint."""

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
    """Ignore a progress report."""


@frozen
class Context:
    """The environment in which one node is computed.

    `dtype` and `device` are those of the theory (float64 unless the experiment says otherwise).
    `progress(done, total, figures)` may be called at any rate. `checkpoint` saves the state of a long computation,
    so that an interrupted run can go on from there.
    """

    seed: int
    node: str
    dtype: torch.dtype
    device: torch.device
    progress: Progress = field(default=no_progress)
    checkpoint: Checkpoint = field(default=NullCheckpoint())

    def generator(self, stream: str = "") -> torch.Generator:
        """A CPU generator of this node alone, seeded by the experiment's seed, the node's name and `stream`."""
        return labelled_generator(self.stream_label(stream))

    def stream_label(self, stream: str) -> str:
        """The text that seeds `generator(stream)`."""
        return f"{self.seed}/{self.node}/{stream}"

    def common_generator(self, stream: str) -> torch.Generator:
        """A CPU generator with the same numbers in every node of the experiment, for paired comparisons."""
        return labelled_generator(f"{self.seed}//{stream}")


def labelled_generator(label: str) -> torch.Generator:
    """A CPU generator that a text seeds."""
    import torch

    digest = hashlib.sha256(label.encode()).digest()
    return torch.Generator().manual_seed(int.from_bytes(digest[:8], "big") >> 1)
