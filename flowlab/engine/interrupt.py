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
    """Raise Terminated on SIGTERM, within; SIGINT raises KeyboardInterrupt even where the parent ignored it."""
    former = {
        signal.SIGTERM: signal.signal(signal.SIGTERM, _terminate),
        signal.SIGINT: signal.signal(signal.SIGINT, signal.default_int_handler),
    }
    try:
        yield
    finally:
        for number, handler in former.items():
            signal.signal(number, handler)


def _terminate(number: int, frame: FrameType | None) -> NoReturn:
    raise Terminated
