"""`flowlab figure`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from flowlab.cli.errors import handle_errors
from flowlab.cli.options import Debug
from flowlab.output.echo import echo


def figure(
    folder: Annotated[Path, typer.Argument(metavar="RUN", help="folder of a finished run", show_default=False)],
    name: Annotated[str, typer.Argument(help="the figure, as the experiment names it", show_default=False)],
    form: Annotated[Literal["pdf", "svg", "png"], typer.Option("--format", help="of the file")] = "pdf",
    width: Annotated[
        Literal["single", "double"] | None,
        typer.Option(help="printed column that it fills [default: as the run drew it]"),
    ] = None,
    out: Annotated[Path | None, typer.Option(help="file to write [default: NAME.FORMAT]")] = None,
    recompute: Annotated[
        bool, typer.Option("--recompute", help="compute again what is no longer stored, however long it takes")
    ] = False,
    debug: Debug = False,
) -> None:
    """Draw one figure of a finished run again, from its stored results."""
    with handle_errors(debug):
        from flowlab.runner.redraw_figure import redraw_figure

        echo(str(redraw_figure(folder, name, form, width, out, recompute)))
