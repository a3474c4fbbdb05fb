"""`flowlab export`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from flowlab.api import ExperimentError, Problem
from flowlab.cli.errors import handle_errors
from flowlab.cli.options import Debug
from flowlab.output.terminal import echo, warn


def export(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="folder of a finished run", show_default=False)],
    tables: Annotated[
        list[str] | None,
        typer.Option("--table", metavar="NAME", help="a table by name; repeatable [default: all of them]"),
    ] = None,
    form: Annotated[Literal["csv", "parquet", "latex"], typer.Option("--format", help="of the files")] = "csv",
    out: Annotated[Path, typer.Option(help="folder for the files")] = Path("export"),
    columns: Annotated[
        list[str] | None,
        typer.Option("--column", help="of the tables, besides the swept keys; repeatable [default: all of them]"),
    ] = None,
    each_seed: Annotated[
        bool, typer.Option("--each-seed", help="LaTeX with a row a seed [default: means over the seeds]")
    ] = False,
    names: Annotated[bool, typer.Option("--list", help="only print the names of the tables")] = False,
    debug: Debug = False,
) -> None:
    """Write the tables of a finished run for other programs: CSV, parquet, or LaTeX for a paper."""
    with handle_errors(debug):
        from flowlab.results.export_tables import TableFiles, export_all, export_named, list_tables
        from flowlab.results.open_run import read_run

        opened, problems = read_run(run)
        for problem in problems:
            warn(str(problem))
        if columns and not tables:
            raise ExperimentError([Problem("--column", "of which table? Name it with --table")])
        if names:
            lines = list_tables(opened)
        elif tables:
            lines = export_named(opened, tables, columns or (), TableFiles(form, out, each_seed))
        else:
            lines = export_all(opened, TableFiles(form, out, each_seed), warn)
        echo("\n".join(lines))
