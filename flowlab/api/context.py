"""What the engine passes to a component's `build`: randomness, dtype, device, progress, and a checkpoint."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from attrs import evolve, field, frozen

from flowlab.api.checkpoint import Checkpoint, NullCheckpoint

if TYPE_CHECKING:
    import torch
    from torch import Tensor

Progress = Callable[[int, int, Mapping[str, float]], None]

_SIGNIFICANT_BITS = 24  # those of float32, so that a level has one text in both precisions


def no_progress(done: int, total: int, figures: Mapping[str, float]) -> None:
    """Ignore a progress report."""


@frozen
class Context:
    """The environment in which one node is computed.

    `dtype` and `device` are those of the theory (float64 unless the experiment says otherwise).
    `progress(done, total, figures)` may be called at any rate. `checkpoint` saves the state of a long computation,
    so that an interrupted run can go on from there. `pinned_kind` is the kind of a node whose own table gives its
    seed, and None for any other node: a pinned node draws by its kind in place of its name.
    """

    seed: int
    node: str
    dtype: torch.dtype
    device: torch.device
    progress: Progress = field(default=no_progress)
    checkpoint: Checkpoint = field(default=NullCheckpoint())
    pinned_kind: str | None = None

    def generator(self, stream: str = "") -> torch.Generator:
        """A CPU generator of this node alone, seeded by the experiment's seed, the node's name and `stream`.

        Of a pinned node it is seeded by the node's own seed, its kind and `stream`: nodes of one kind and one
        pinned seed draw the same numbers.
        """
        if self.pinned_kind is not None:
            return _generator(f"pinned/{self.seed}/{self.pinned_kind}/{stream}")
        return _generator(f"{self.seed}/{self.node}/{stream}")

    def common_generator(self, stream: str) -> torch.Generator:
        """A CPU generator with the same numbers in every node of one seed, for paired comparisons."""
        return _generator(f"{self.seed}//{stream}")

    def level_generator(self, stream: str, level: int | str, sigma: float) -> torch.Generator:
        """A CPU generator for one noise level alone, seeded by `level` too; of a pinned node by sigma instead.

        So the numbers of a level of a pinned node do not depend on which other levels there are.
        """
        return self.generator(f"{stream}{level if self.pinned_kind is None else _sigma_text(sigma)}")

    def level_generators(self, stream: str, sigma: Tensor) -> list[tuple[slice, torch.Generator]]:
        """The noise levels sigma (L,) in parts that draw together, with the CPU generator of each part.

        All levels draw together, from `generator(stream)`. Of a pinned node each level is a part by itself.
        """
        if self.pinned_kind is None:
            return [(slice(0, len(sigma)), self.generator(stream))]
        return [
            (slice(level, level + 1), self.level_generator(f"{stream} ", level, value))
            for level, value in enumerate(sigma.tolist())
        ]

    def without_progress(self) -> Context:
        """The same environment without progress reports and checkpoints, for a computation inside another."""
        return evolve(self, progress=no_progress, checkpoint=NullCheckpoint())


def _generator(label: str) -> torch.Generator:
    import torch

    digest = hashlib.sha256(label.encode()).digest()
    return torch.Generator().manual_seed(int.from_bytes(digest[:8], "big") >> 1)


def _sigma_text(sigma: float) -> str:
    """A noise level to the precision of float32, and of any size."""
    mantissa, exponent = math.frexp(sigma)
    return f"sigma {round(math.ldexp(mantissa, _SIGNIFICANT_BITS)):x}p{exponent}"
