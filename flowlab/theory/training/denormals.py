"""Denormal numbers, with which a processor computes a hundred times more slowly."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch


@contextmanager
def denormals_flushed() -> Iterator[None]:
    """Treat denormal numbers as zero in this thread, as a decorator `@denormals_flushed()` or in a `with`.

    The weights of dead neurons decay to such numbers. The setting belongs to the processor and holds for all code
    of the thread, so it is reset at the end.
    """
    torch.set_flush_denormal(True)
    try:
        yield
    finally:
        torch.set_flush_denormal(False)
