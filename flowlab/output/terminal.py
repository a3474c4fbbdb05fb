"""The answer, to stdout; warnings and errors, to stderr."""

from __future__ import annotations

import os
import shutil
import sys
import traceback

from flowlab.api import FlowlabError, OutputError
from flowlab.engine.format_error import format_error

DEFECT = 3  # the exit code of an internal error


def terminal_width() -> int:
    """The columns of the terminal, or of $COLUMNS; 80 where stdout is no terminal."""
    return max(20, shutil.get_terminal_size((80, 24)).columns)


def echo(text: str) -> None:
    """Print and flush. Raises OutputError where stdout can't take it; a reader gone early is no error."""
    try:
        print(text, flush=True)
    except BrokenPipeError:
        _discard()
    except OSError as error:
        _discard()
        raise OutputError(f"standard output: can't be written: {error.strerror}") from error


def warn(text: str) -> None:
    """Print one warning."""
    print(f"warning: {text}", file=sys.stderr, flush=True)


def print_error(message: str, debug: bool = False) -> None:
    """Print a line on stderr, under the traceback of the current error if that is asked for."""
    if debug:
        traceback.print_exc()
    print(message, file=sys.stderr)


def report_error(error: Exception, debug: bool = False) -> int:
    """Print an error in one line, and return the exit code that it leads to."""
    if isinstance(error, FlowlabError):
        print_error(str(error), debug)
        return error.exit_code
    print_error(f"internal error: {format_error(error)} (--debug shows where)", debug)
    return DEFECT


def _discard() -> None:
    """Send what is still buffered nowhere, or the interpreter complains of it on its way out."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
