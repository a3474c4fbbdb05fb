"""`flowlab figure`."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Literal

import typer

from flowlab.api.helpers.plotting import WIDTHS, Size
from flowlab.api.kinds.figure import FigureLook, Scale
from flowlab.cli.errors import handle_errors
from flowlab.cli.options import Debug
from flowlab.output.terminal import echo


def figure(
    folder: Annotated[Path, typer.Argument(metavar="RUN", help="folder of a finished run", show_default=False)],
    name: Annotated[str, typer.Argument(help="the figure, as the experiment names it", show_default=False)],
    form: Annotated[Literal["pdf", "svg", "png"], typer.Option("--format", help="of the file")] = "pdf",
    size: Annotated[
        str | None,
        typer.Option(
            "--size",
            "--width",
            metavar="single|double|WxH",
            help="a printed column or both, or width and height in inches, 5x3.2 [default: as the run drew it]",
        ),
    ] = None,
    title: Annotated[str | None, typer.Option(help="title above the whole figure")] = None,
    xlabel: Annotated[str | None, typer.Option(help="name of the horizontal axis")] = None,
    ylabel: Annotated[str | None, typer.Option(help="name of the vertical axis")] = None,
    xscale: Annotated[Scale | None, typer.Option(help="scale of the horizontal axis")] = None,
    yscale: Annotated[Scale | None, typer.Option(help="scale of the vertical axis")] = None,
    style: Annotated[
        str | None,
        typer.Option(help="paper, slides, a style of matplotlib's, or a file *.mplstyle"),
    ] = None,
    out: Annotated[Path | None, typer.Option(help="file to write [default: NAME.FORMAT]")] = None,
    recompute: Annotated[
        bool, typer.Option("--recompute", help="compute again what is no longer stored, however long it takes")
    ] = False,
    debug: Debug = False,
) -> None:
    """Draw one figure of a finished run again, from its stored results."""
    look = FigureLook(title, xlabel, ylabel, xscale, yscale, _parse_size(size), style)
    with handle_errors(debug):
        from flowlab.runner.redraw_figure import redraw_figure

        echo(str(redraw_figure(folder, name, form, look, out, recompute)))


def _parse_size(text: str | None) -> Size | None:
    """The size that an option gives. Raises typer.BadParameter."""
    if text is None:
        return None
    for name in WIDTHS:
        if text == name:
            return name
    inches = re.fullmatch(r"(\d+(?:\.\d+)?)x(\d+(?:\.\d+)?)", text)
    if inches is None or not all(0 < float(side) <= 100 for side in inches.groups()):
        rule = "must be single, double, or width and height in inches such as 5x3.2, at most 100"
        raise typer.BadParameter(f"{rule}, found {text!r}", param_hint="--size")
    return float(inches[1]), float(inches[2])
