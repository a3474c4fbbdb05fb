"""`flowlab schema`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from flowlab.cli.errors import handle_errors
from flowlab.cli.options import Debug
from flowlab.registry.registry import Registry


def schema(
    out: Annotated[Path | None, typer.Option(help="file to write [default: standard output]")] = None,
    debug: Debug = False,
) -> None:
    """Print the language with the installed components as JSON Schema, for editors."""
    with handle_errors(debug):
        from flowlab.introspection.json_schema import write_schema

        write_schema(Registry.installed(), out)
