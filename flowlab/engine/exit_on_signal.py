"""The end of a command that is interrupted before its work begins: one line, 128 + signal, at once."""

from __future__ import annotations

import os
import signal
from contextlib import suppress
from types import FrameType
from typing import NoReturn

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def exit_on_signals() -> None:
    """End the process on SIGINT, SIGTERM and SIGHUP, without a word to the code that they find at work.

    An exception, raised while packages are imported, becomes another one, or aborts the process.
    """
    for number in SIGNALS:
        if signal.getsignal(number) is not signal.SIG_IGN:  # as of nohup, or a shell's background job
            signal.signal(number, _exit)


def ignore_signals() -> None:
    """Let the interpreter end in peace: its exit code says what came of the command."""
    for number in SIGNALS:
        signal.signal(number, signal.SIG_IGN)


def _exit(number: int, frame: FrameType | None) -> NoReturn:
    with suppress(OSError):  # stderr may be closed, or its terminal gone
        os.write(2, b"interrupted\n")
    os._exit(128 + number)
