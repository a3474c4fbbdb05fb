"""How a command ends: errors as one line on stderr and an exit code, interrupts as 128 + signal."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from flowlab.engine.interrupt import handle_signals, signal_of
from flowlab.output.echo import print_error, report_error


@contextmanager
def handle_errors(debug: bool = False) -> Iterator[None]:
    """Turn errors and interrupts into SystemExit; a defect's traceback is shown on request only."""
    try:
        with handle_signals():
            yield
    except KeyboardInterrupt as interrupt:
        print_error("interrupted", False)
        raise SystemExit(128 + signal_of(interrupt)) from interrupt
    except Exception as error:
        raise SystemExit(report_error(error, debug)) from error
