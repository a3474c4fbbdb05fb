"""`flowlab gc`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from flowlab.cli.errors import handle_errors
from flowlab.cli.options import Debug
from flowlab.output.terminal import echo


def gc(
    runs: Annotated[Path, typer.Argument(help="folder of the runs whose store it is")] = Path("runs"),
    keep_days: Annotated[
        float, typer.Option(help="keep what was used in so many days: less could be a run's at work", min=1)
    ] = 30.0,
    delete: Annotated[bool, typer.Option("--delete", help="remove them [default: only tell]")] = False,
    debug: Debug = False,
) -> None:
    """Find stored results that no run beside the store needs, and remove them if asked to."""
    with handle_errors(debug):
        from flowlab.api import ExperimentError, Problem
        from flowlab.engine.cache.store import Store
        from flowlab.provenance.gc import collect_garbage

        if not runs.is_dir():
            raise ExperimentError([Problem(str(runs), "there is no such folder: expected a folder of runs")])
        echo(collect_garbage(Store.beside(runs), runs, keep_days, delete))
