"""Checkpoints: the saved state of a long computation, from which a later run of the same node goes on."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Protocol

from attrs import frozen

if TYPE_CHECKING:
    from torch import Tensor


class Checkpoint(Protocol):
    """Saves the state of a node, as tensors by name, from time to time.

    A computation in parts gives each part a `name` of at most 60 letters, digits, "_", "-" and ".". Only the same
    node of the same experiment, with the same versions and source code, can load a saved state. A component that
    reads files names them in `reads() -> tuple[str, ...]`, so that their content counts as well.
    """

    def load(self, name: str) -> Mapping[str, Tensor] | None:
        """The state that was saved last, tensors (...) as they were saved, on the CPU; None if there is none."""

    def save(self, name: str, done: int, total: int, state: Callable[[], Mapping[str, Tensor]]) -> None:
        """Save the state if the last save was long ago; to be called after each of `total` steps."""


@frozen
class NullCheckpoint:
    """A checkpoint that saves nothing."""

    def load(self, name: str) -> Mapping[str, Tensor] | None:
        """Load nothing: there is never a saved state."""
        return None

    def save(self, name: str, done: int, total: int, state: Callable[[], Mapping[str, Tensor]]) -> None:
        """Ignore the state, and do not even ask for it."""
