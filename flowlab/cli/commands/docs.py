"""`flowlab docs`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from flowlab.cli.errors import handle_errors
from flowlab.cli.options import Debug
from flowlab.output.terminal import echo
from flowlab.registry.registry import Registry


def docs(
    out: Annotated[Path, typer.Option(help="folder for the pages")] = Path("docs"),
    debug: Debug = False,
) -> None:
    """Write the guide as HTML: a tour, the theory, and a page for each installed component."""
    with handle_errors(debug):
        from flowlab.docs.site import write_site

        echo(write_site(Registry.installed(), out))
