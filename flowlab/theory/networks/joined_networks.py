"""Denoisers of different kinds as one bank."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from attrs import frozen
from torch import Tensor


@frozen
class JoinedNetworks:
    """A bank of denoisers h_l; each level may have a network of another type."""

    parts: tuple[Callable[[Tensor], Tensor], ...]

    def __call__(self, y: Tensor) -> Tensor:
        """Denoise y (L, S, d), level by level; L = 1 broadcasts."""
        levels = y.expand(len(self.parts), -1, -1).split(1)
        return torch.cat([part(states) for part, states in zip(self.parts, levels, strict=True)])

    def at(self, level: int) -> Any:
        """The denoiser of one level, as a bank of one."""
        return self.parts[level]
