"""SIGTERM and SIGHUP are handled like Ctrl-C: finished nodes are kept. A second signal kills the run."""

from __future__ import annotations

import os
import signal
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from flowlab.engine.exit_on_signal import SIGNALS

_RETRY_SECONDS = 0.02
_IMPORT_FILES = ("<frozen importlib._bootstrap>", "<frozen importlib._bootstrap_external>")


class Terminated(KeyboardInterrupt):
    """SIGTERM was received."""


class HungUp(KeyboardInterrupt):
    """SIGHUP was received: the terminal is gone."""


_INTERRUPTS = {signal.SIGINT: KeyboardInterrupt, signal.SIGTERM: Terminated, signal.SIGHUP: HungUp}


def signal_of(interrupt: KeyboardInterrupt) -> int:
    """The number of the signal behind an interrupt."""
    if isinstance(interrupt, HungUp):
        return int(signal.SIGHUP)
    return int(signal.SIGTERM if isinstance(interrupt, Terminated) else signal.SIGINT)


def interrupt_behind(error: BaseException | None) -> KeyboardInterrupt | None:
    """The interrupt that an error was made of: a package may catch it and raise an error of its own."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        if isinstance(error, KeyboardInterrupt):
            return error
        seen.add(id(error))
        error = error.__cause__ or error.__context__
    return None


def raise_interrupt_behind(error: BaseException) -> None:
    """Raise the interrupt that an error was made of, if any."""
    interrupt = interrupt_behind(error)
    if interrupt is not None:
        raise interrupt


@contextmanager
def handle_signals() -> Iterator[None]:
    """Raise KeyboardInterrupt, Terminated or HungUp on a signal, within; a second one kills at once.

    An import is not cut short, as packages turn that into other errors or abort: the interrupt comes after it.
    Where Python drops an interrupt, in a finalizer or a weak reference's callback, it is raised once more.
    """
    former = {number: signal.getsignal(number) for number in SIGNALS}
    former_alarm, former_hook = signal.getsignal(signal.SIGALRM), sys.unraisablehook

    def retry(dropped: sys.UnraisableHookArgs) -> None:
        if isinstance(dropped.exc_value, KeyboardInterrupt):
            _raise_later(type(dropped.exc_value))
        else:
            former_hook(dropped)

    try:
        sys.unraisablehook = retry
        for number, handler in former.items():
            if handler is not signal.SIG_IGN:  # as of nohup, or a shell's background job
                signal.signal(number, _interrupt)
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        sys.unraisablehook = former_hook
        signal.signal(signal.SIGALRM, former_alarm)
        for number, handler in former.items():
            signal.signal(number, handler)


def leave_terminal() -> None:
    """Send what is still printed to a terminal nowhere: once it is gone, each write is an error."""
    for descriptor in (1, 2):
        try:
            is_terminal = stat.S_ISCHR(os.fstat(descriptor).st_mode)
        except OSError:  # closed
            continue
        if is_terminal:
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, descriptor)
            os.close(nowhere)


def _interrupt(number: int, frame: FrameType | None) -> None:
    for other in SIGNALS:
        if signal.getsignal(other) is not signal.SIG_IGN:
            signal.signal(other, signal.SIG_DFL)
    if number == signal.SIGHUP:
        leave_terminal()
    _raise_when_safe(_INTERRUPTS[signal.Signals(number)], frame)


def _raise_when_safe(interrupt: type[KeyboardInterrupt], frame: FrameType | None) -> None:
    """Raise an interrupt, or try again soon where it would break an import."""
    if not _is_importing(frame):
        raise interrupt
    _raise_later(interrupt)


def _raise_later(interrupt: type[KeyboardInterrupt]) -> None:
    signal.signal(signal.SIGALRM, lambda _, frame: _raise_when_safe(interrupt, frame))
    signal.setitimer(signal.ITIMER_REAL, _RETRY_SECONDS)


def _is_importing(frame: FrameType | None) -> bool:
    while frame is not None:
        if frame.f_code.co_filename in _IMPORT_FILES:
            return True
        frame = frame.f_back
    return False
