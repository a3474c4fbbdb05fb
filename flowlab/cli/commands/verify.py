"""`flowlab verify`."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from flowlab.cli.errors import handle_errors
from flowlab.cli.options import Debug, Past
from flowlab.output.terminal import echo


def verify(
    run: Past,
    exact: Annotated[
        bool, typer.Option("--exact", help="to the bit, as the same machine and versions promise")
    ] = False,
    device: Annotated[str | None, typer.Option(help="cpu, cuda or auto [default: the lock's]")] = None,
    quiet: Annotated[bool, typer.Option("--quiet", help="show no progress")] = False,
    debug: Debug = False,
) -> None:
    """Compute a run anew, without the store, and tell whether it comes out the same."""
    with handle_errors(debug):
        from flowlab.runner.verify import verify_run as verdict

        verification = verdict(run, exact, device, quiet)
        echo(verification.text)
        sys.exit(verification.exit_code)
