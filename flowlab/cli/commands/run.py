"""`flowlab run`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from flowlab.cli.errors import handle_errors
from flowlab.cli.options import Debug, Files, Json, Settings
from flowlab.output.echo import echo
from flowlab.output.plain import as_json


def run(
    files: Files,
    out: Annotated[
        Path | None,
        typer.Option(help="folder for the results; of several, that of their folders [default: runs/<name>]"),
    ] = None,
    settings: Settings = None,
    device: Annotated[str, typer.Option(help="cpu, cuda or auto")] = "auto",
    executor: Annotated[
        str | None,
        typer.Option(help="component that does the work, like --set executor=NAME; none: this process"),
    ] = None,
    scheduler_file: Annotated[
        Path | None,
        typer.Option(help="file that names a running scheduler, like --set executor.scheduler_file=FILE"),
    ] = None,
    quiet: Annotated[bool, typer.Option("--quiet", help="show no progress")] = False,
    no_store: Annotated[
        bool, typer.Option("--no-store", help="compute all anew, and keep no results for later runs")
    ] = False,
    debug: Debug = False,
    json: Json = False,
) -> None:
    """Run experiments and write their figures, tables, summaries and claims."""
    with handle_errors(debug):
        from flowlab.runner.run_all import in_turn
        from flowlab.runner.run_experiment import Report, prepare
        from flowlab.spec.overrides import carried_out_by

        def show(report: Report) -> None:
            if debug:
                print(*report.traces, sep="\n", end="", file=sys.stderr)
            if not json:
                echo(report.answer)

        chosen = carried_out_by(executor, scheduler_file)
        plans = prepare(files, out, [*chosen, *(settings or ())], device, not no_store)
        series = in_turn(plans, device, quiet, debug, show)
        table = series.close(plans[0].folder.parent) if len(plans) > 1 else ""
        if json or table:
            echo(as_json(series.summary) if json else table)
        sys.exit(series.exit_code)
