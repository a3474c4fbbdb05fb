"""The answer, to stdout, and warnings, to stderr."""

from __future__ import annotations

import os
import sys

from flowlab.api import OutputError


def say(text: str) -> None:
    """Print and flush. Raises OutputError where stdout can't take it; a reader gone early is no error."""
    try:
        print(text, flush=True)
    except BrokenPipeError:
        _discard()
    except OSError as error:
        _discard()
        raise OutputError(f"standard output: can't be written: {error.strerror}") from error


def warn(text: str) -> None:
    """One warning."""
    print(f"warning: {text}", file=sys.stderr, flush=True)


def _discard() -> None:
    """Send what is still buffered nowhere, or the interpreter complains of it on its way out."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
