"""`flowlab rerun`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from flowlab.cli.errors import handle_errors
from flowlab.cli.options import Debug, Past


def rerun(
    lock: Past,
    out: Annotated[
        Path | None, typer.Option(help="folder for the results [default: a new one beside the run's]")
    ] = None,
    device: Annotated[str | None, typer.Option(help="cpu, cuda or auto [default: the lock's]")] = None,
    executor: Annotated[
        str | None, typer.Option(help="component that does the work [default: the lock's]; none: this process")
    ] = None,
    quiet: Annotated[bool, typer.Option("--quiet", help="show no progress")] = False,
    no_store: Annotated[
        bool, typer.Option("--no-store", help="compute all anew, and keep no results for later runs")
    ] = False,
    debug: Debug = False,
) -> None:
    """Run the experiment of a lock again, and warn of what is not as it was."""
    with handle_errors(debug):
        from flowlab.runner.rerun import rerun_lock as again

        sys.exit(again(lock, out, device, executor, not no_store, quiet, debug))
