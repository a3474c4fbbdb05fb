"""Where a long work keeps its state, for a later run of the same node to go on from."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Protocol

from attrs import frozen

if TYPE_CHECKING:
    from torch import Tensor


class Checkpoint(Protocol):
    """Keeps a node's state, as tensors by name, now and then.

    A work in parts gives each part a `name`: letters, digits, "_", "-" and ".", 60 at most. Only the same node
    of the same experiment, down to versions and source code, finds what was kept. A component that reads files
    names them in `reads() -> tuple[str, ...]`, so that their content counts as well.
    """

    def load(self, name: str) -> Mapping[str, Tensor] | None:
        """What was kept last, on the CPU; None where there is nothing to go on from."""

    def save(self, name: str, done: int, total: int, state: Callable[[], Mapping[str, Tensor]]) -> None:
        """Called after each of `total` steps: asks for the state and saves it if the last save is long ago."""


@frozen
class NullCheckpoint:
    """Keeps nothing."""

    def load(self, name: str) -> Mapping[str, Tensor] | None:
        """Find nothing."""
        return None

    def save(self, name: str, done: int, total: int, state: Callable[[], Mapping[str, Tensor]]) -> None:
        """Let it pass."""
