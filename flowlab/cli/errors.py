"""How a command ends: errors as one line on stderr and an exit code, interrupts as 128 + signal."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from flowlab.engine.interrupt import handle_signals, interrupt_behind, signal_of
from flowlab.output.terminal import print_error, report_error


@contextmanager
def handle_errors(debug: bool = False) -> Iterator[None]:
    """Turn errors and interrupts into SystemExit; a defect's traceback is shown on request only."""
    try:
        with handle_signals():
            yield
    except KeyboardInterrupt as interrupt:
        raise _interrupted(interrupt) from interrupt
    except Exception as error:
        behind = interrupt_behind(error)
        if behind is not None:
            raise _interrupted(behind) from error
        raise SystemExit(report_error(error, debug)) from error


def _interrupted(interrupt: KeyboardInterrupt) -> SystemExit:
    print_error("interrupted")
    return SystemExit(128 + signal_of(interrupt))
