"""Which listener suits: bars in a notebook, a live table on a terminal, else plain lines, or warnings alone."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from flowlab.engine.progress.listener import Listener
from flowlab.engine.progress.log import LogListener
from flowlab.engine.progress.notebook import NotebookListener
from flowlab.engine.progress.quiet import QuietListener


@contextmanager
def open_listener(quiet: bool) -> Iterator[Listener]:
    """The listener that suits the notebook that is at work, or else stderr."""
    if quiet:
        yield QuietListener()
    elif _in_notebook():
        yield NotebookListener(_open_display())
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


def _in_notebook() -> bool:
    """Whether a kernel runs this process, which shows HTML where a terminal would show text."""
    ipython = sys.modules.get("IPython")
    return ipython is not None and getattr(ipython.get_ipython(), "kernel", None) is not None


def _open_display() -> Callable[[str], None]:
    """Shows HTML in the output of the cell, in the same place each time."""
    from IPython.display import display

    show: Any = display  # it has no types
    handle: Any = None

    def publish(html: str) -> None:
        nonlocal handle
        content = {"text/html": html, "text/plain": "progress of a run"}
        if handle is None:
            handle = show(content, raw=True, display_id=True)
        else:
            handle.update(content, raw=True)

    return publish
