"""What the engine passes to a component's `build`: randomness, dtype, device, progress, and a checkpoint."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from attrs import evolve, field, frozen

from flowlab.api.checkpoint import Checkpoint, NullCheckpoint
from flowlab.api.random_stream import RandomStream, sigma_text

if TYPE_CHECKING:
    import torch
    from torch import Tensor

Progress = Callable[[int, int, Mapping[str, float]], None]


def no_progress(done: int, total: int, figures: Mapping[str, float]) -> None:
    """Ignore a progress report."""


@frozen
class Context:
    """The environment in which one node is computed.

    `dtype` and `device` are those of the theory (float64 unless the experiment says otherwise).
    `progress(done, total, figures)` may be called at any rate. `checkpoint` saves the state of a long computation,
    so that an interrupted run can go on from there. `pinned_kind` is the kind of a node whose own table gives its
    seed, and None for any other node: a pinned node draws by its kind in place of its name. `seeds` is the number
    of seeds of which a figure shows the first.
    """

    seed: int
    node: str
    dtype: torch.dtype
    device: torch.device
    progress: Progress = field(default=no_progress)
    checkpoint: Checkpoint = field(default=NullCheckpoint())
    pinned_kind: str | None = None
    seeds: int = 1

    def stream(self, name: str = "") -> RandomStream:
        """A stream of this node alone, seeded by the experiment's seed, the node's name and the stream's.

        Of a pinned node it is seeded by the node's own seed, its kind and the stream's name: nodes of one kind and
        one pinned seed draw the same numbers, level by level.
        """
        if self.pinned_kind is not None:
            return RandomStream(f"pinned/{self.seed}/{self.pinned_kind}/{name}", by_level=True)
        return RandomStream(f"{self.seed}/{self.node}/{name}")

    def generator(self, stream: str = "") -> torch.Generator:
        """A CPU generator at the beginning of a stream of this node."""
        return self.stream(stream).generator()

    def common_generator(self, stream: str) -> torch.Generator:
        """A CPU generator with the same numbers in every node of one seed, for paired comparisons."""
        return RandomStream(f"{self.seed}//{stream}").generator()

    def level_generator(self, stream: str, level: int | str, sigma: float) -> torch.Generator:
        """A CPU generator for one noise level alone, seeded by `level` too; of a pinned node by sigma instead.

        So the numbers of a level of a pinned node do not depend on which other levels there are.
        """
        return self.generator(f"{stream}{level if self.pinned_kind is None else sigma_text(sigma)}")

    def level_generators(self, stream: str, sigma: Tensor) -> list[tuple[slice, torch.Generator]]:
        """The parts of noise levels sigma (L,) that draw together, each with its CPU generator."""
        return self.stream(stream).level_generators(sigma)

    def without_progress(self) -> Context:
        """The same environment without progress reports and checkpoints, for a computation inside another."""
        return evolve(self, progress=no_progress, checkpoint=NullCheckpoint())
