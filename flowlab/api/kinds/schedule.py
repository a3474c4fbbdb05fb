"""What a schedule is: falling noise levels."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import torch
    from torch import Tensor


class Schedule(Protocol):
    """Gives the noise levels of a bank."""

    def sigma(self, dtype: torch.dtype) -> Tensor:
        """The falling noise levels (L,), in data units."""
