"""Which listener suits stderr: a live table on a terminal, else plain lines, or warnings alone."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from flowlab.engine.progress.listener import Listener
from flowlab.engine.progress.log import LogListener
from flowlab.engine.progress.quiet import QuietListener


@contextmanager
def open_listener(quiet: bool) -> Iterator[Listener]:
    """The listener that suits stderr."""
    if quiet:
        yield QuietListener()
    elif sys.stderr.isatty() and os.environ.get("TERM") != "dumb":
        from rich import live
        from rich.console import Console

        from flowlab.engine.progress.live import LiveListener

        console = Console(stderr=True)
        table = LiveListener(console)
        with live.Live(table, console=console, transient=True, redirect_stdout=False):
            yield table
    else:
        yield LogListener(sys.stderr)
