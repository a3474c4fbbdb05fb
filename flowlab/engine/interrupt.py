"""SIGTERM heard like Ctrl-C, so that both keep what is finished."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import NoReturn


class Terminated(KeyboardInterrupt):
    """SIGTERM was received."""


def signal_of(interrupt: KeyboardInterrupt) -> int:
    """The number of the signal behind an interrupt."""
    return int(signal.SIGTERM if isinstance(interrupt, Terminated) else signal.SIGINT)


@contextmanager
def termination_as_interrupt() -> Iterator[None]:
    """Raise Terminated on SIGTERM, within."""
    former = signal.signal(signal.SIGTERM, _terminate)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, former)


def _terminate(number: int, frame: FrameType | None) -> NoReturn:
    raise Terminated
