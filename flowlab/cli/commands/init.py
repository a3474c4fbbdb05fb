"""`flowlab init`."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated

import typer

from flowlab.cli.errors import handle_errors
from flowlab.cli.options import Debug
from flowlab.output.terminal import echo


def init(
    file: Annotated[Path, typer.Argument(help="file to write")] = Path("experiment.toml"),
    debug: Debug = False,
) -> None:
    """Write a commented experiment that runs in seconds, to start from."""
    with handle_errors(debug):
        from flowlab.scaffold.init import write_first_experiment

        path = file if file.suffix else file.with_name(f"{file.name}.toml")
        write_first_experiment(path)
        echo(f"flowlab run {shlex.quote(str(path))}")
