"""`flowlab run`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from flowlab.cli.errors import handle_errors
from flowlab.cli.options import Debug, Files, Json, Only, Settings
from flowlab.output.jsonable import to_json
from flowlab.output.terminal import echo


def run(
    files: Files,
    out: Annotated[
        Path | None,
        typer.Option(help="folder for the results; of several, that of their folders [default: runs/<name>]"),
    ] = None,
    settings: Settings = None,
    only: Only = None,
    device: Annotated[str, typer.Option(help="cpu, cuda or auto")] = "auto",
    executor: Annotated[
        str | None,
        typer.Option(
            help="component that does the work, like --set executor=NAME; its keys with --set executor.KEY=VALUE; "
            "none: this process"
        ),
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
        from flowlab.runner.run_all import run_all
        from flowlab.runner.run_experiment import FinishedRun, plan_runs
        from flowlab.spec.overrides import executor_overrides

        def show(report: FinishedRun) -> None:
            if debug:
                print(*report.traces, sep="\n", end="", file=sys.stderr)
            if not json:
                echo(report.answer)

        overrides = [*executor_overrides(executor), *(settings or ())]
        plans = plan_runs(files, out, overrides, device, not no_store, only or ())
        series = run_all(plans, device, quiet, debug, show)
        table = series.close(plans[0].folder.parent) if len(plans) > 1 else ""
        if json or table:
            echo(to_json(series.summary) if json else table)
        sys.exit(series.exit_code)
