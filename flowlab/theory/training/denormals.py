"""Denormal numbers, which cost a processor a hundred ordinary ones."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch


@contextmanager
def denormals_flushed() -> Iterator[None]:
    """Take denormal numbers for zero within, in this thread; as `@denormals_flushed()` or in a `with`.

    The weights of dead neurons decay to such numbers. The setting is the processor's, for all code of the thread,
    so it is taken back.
    """
    torch.set_flush_denormal(True)
    try:
        yield
    finally:
        torch.set_flush_denormal(False)
