"""`flowlab diff`."""

from __future__ import annotations

from typing import Annotated

import typer

from flowlab.cli.errors import handle_errors
from flowlab.cli.options import Debug, Json, Past
from flowlab.output.jsonable import to_json
from flowlab.output.terminal import echo, terminal_width


def diff(
    a: Past,
    b: Past,
    every: Annotated[bool, typer.Option("--all", help="list all results even if the seed alone differs")] = False,
    debug: Debug = False,
    json: Json = False,
) -> None:
    """Tell what two runs do not share: settings, versions, source code, results."""
    with handle_errors(debug):
        from flowlab.provenance.diff import diff_runs

        difference = diff_runs(a, b)
        echo(to_json(difference.data) if json else difference.format_text(terminal_width(), every))
