"""`flowlab list-components`."""

from __future__ import annotations

from typing import Annotated

import typer

from flowlab.cli import completion
from flowlab.cli.errors import handle_errors
from flowlab.cli.options import Debug, Json
from flowlab.output.jsonable import to_json
from flowlab.output.terminal import echo
from flowlab.registry.registry import Registry


def list_components(
    kind: Annotated[str | None, typer.Option(help="only this kind", autocompletion=completion.kinds)] = None,
    json: Json = False,
    debug: Debug = False,
) -> None:
    """List the installed components."""
    with handle_errors(debug):
        from flowlab.introspection.list_components import component_rows, format_components

        registry = Registry.installed()
        echo(to_json(component_rows(registry, kind)) if json else format_components(registry, kind))
