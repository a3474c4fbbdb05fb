"""SIGTERM is handled like Ctrl-C: finished nodes are kept. A second signal of either kind kills the run."""

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
def handle_signals() -> Iterator[None]:
    """Raise KeyboardInterrupt on SIGINT and Terminated on SIGTERM, within; a second one kills at once."""
    former = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        for number, handler in former.items():
            if handler is not signal.SIG_IGN:  # as of nohup, or a shell's background job
                signal.signal(number, _interrupt)
        yield
    finally:
        for number, handler in former.items():
            signal.signal(number, handler)


def _interrupt(number: int, frame: FrameType | None) -> NoReturn:
    for other in (signal.SIGINT, signal.SIGTERM):
        signal.signal(other, signal.SIG_DFL)
    raise Terminated if number == signal.SIGTERM else KeyboardInterrupt
