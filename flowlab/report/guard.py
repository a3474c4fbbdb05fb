"""How an error leaves the program: one line on stderr and an exit code."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager

from flowlab.api import FlowlabError
from flowlab.engine.defect import one_line
from flowlab.engine.interrupt import interrupts, signal_of

DEFECT = 3


@contextmanager
def guarded(debug: bool = False) -> Iterator[None]:
    """Turn errors and interrupts into SystemExit; a defect's traceback is shown on request only."""
    try:
        with interrupts():
            yield
    except KeyboardInterrupt as interrupt:
        tell("interrupted", False)
        raise SystemExit(128 + signal_of(interrupt)) from interrupt
    except Exception as error:
        raise SystemExit(told(error, debug)) from error


def told(error: Exception, debug: bool = False) -> int:
    """Tell of an error in one line, and return the exit code that it leads to."""
    if isinstance(error, FlowlabError):
        tell(str(error), debug)
        return error.exit_code
    tell(f"internal error: {one_line(error)} (--debug shows where)", debug)
    return DEFECT


def tell(message: str, debug: bool = False) -> None:
    """A line on stderr, under the traceback of the error at hand if that is asked for."""
    if debug:
        traceback.print_exc()
    print(message, file=sys.stderr)
