"""`flowlab describe`."""

from __future__ import annotations

from typing import Annotated

import typer

from flowlab.cli import completion
from flowlab.cli.errors import handle_errors
from flowlab.cli.options import Debug
from flowlab.output.terminal import echo
from flowlab.registry.registry import Registry


def describe(
    component: Annotated[
        str,
        typer.Argument(
            help="name, kind:name or distribution:name, or experiment",
            autocompletion=completion.components,
        ),
    ],
    debug: Debug = False,
) -> None:
    """Describe a component, or the experiment table: its keys, their types, defaults and ranges."""
    with handle_errors(debug):
        from flowlab.introspection.describe_component import describe as text

        echo(text(Registry.installed(), component))
