"""`flowlab compare`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from flowlab.cli.errors import handle_errors
from flowlab.cli.options import Debug
from flowlab.output.terminal import echo


def compare(
    runs: Annotated[list[Path], typer.Argument(help="folders of finished runs", show_default=False)],
    out: Annotated[Path, typer.Option(help="page to write")] = Path("compare.html"),
    debug: Debug = False,
) -> None:
    """Write one page of several finished runs: what was changed, and what came of it."""
    with handle_errors(debug):
        from flowlab.html.compare import write_comparison as page

        echo(str(page(runs, out)))
