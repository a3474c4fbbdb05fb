"""A named stream of random numbers, the same each time that it is opened."""

from __future__ import annotations

import hashlib
import math
from typing import TYPE_CHECKING

from attrs import frozen

if TYPE_CHECKING:
    import torch
    from torch import Tensor

_SIGNIFICANT_BITS = 24  # those of float32, so that a level has one text in both precisions


@frozen
class RandomStream:
    """Random numbers that a text seeds; unlike a generator, it can be stored.

    With `by_level` the numbers of a noise level depend on its sigma alone, not on which other levels there are.
    """

    label: str
    by_level: bool = False

    def generator(self) -> torch.Generator:
        """A CPU generator at the beginning of the stream."""
        import torch

        digest = hashlib.sha256(self.label.encode()).digest()
        return torch.Generator().manual_seed(int.from_bytes(digest[:8], "big") >> 1)

    def level_generators(self, sigma: Tensor) -> list[tuple[slice, torch.Generator]]:
        """The noise levels sigma (L,) in parts that draw together, with the CPU generator of each part.

        All levels draw together, from `generator()`; with `by_level` each level is a part by itself.
        """
        if not self.by_level:
            return [(slice(0, len(sigma)), self.generator())]
        return [
            (slice(level, level + 1), RandomStream(f"{self.label} {sigma_text(value)}").generator())
            for level, value in enumerate(sigma.tolist())
        ]


def sigma_text(sigma: float) -> str:
    """A noise level to the precision of float32, and of any size."""
    mantissa, exponent = math.frexp(sigma)
    return f"sigma {round(math.ldexp(mantissa, _SIGNIFICANT_BITS)):x}p{exponent}"
