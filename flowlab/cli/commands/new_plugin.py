"""`flowlab new-plugin`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from flowlab.cli.errors import handle_errors
from flowlab.cli.options import Debug
from flowlab.output.terminal import echo
from flowlab.registry.registry import Registry


def new_plugin(
    name: Annotated[str, typer.Argument(help="name of the distribution, such as flowlab-star")],
    kind: Annotated[str, typer.Option(help="what its component is: a dataset, flow, analysis, figure, ...")],
    out: Annotated[Path, typer.Option(help="folder in which its own is made")] = Path(),
    debug: Debug = False,
) -> None:
    """Write a package of one component that installs, passes its suite and runs."""
    with handle_errors(debug):
        from flowlab.scaffold.new_plugin import Plugin, write_plugin

        plugin = Plugin(name, kind)
        folder = write_plugin(plugin, out, Registry.installed())
        echo(
            f"{folder}: the {kind} {plugin.component!r}. Next:\n"
            f"  pip install -e '{folder}[test]'\n"
            f"  pytest {folder}\n"
            f"  flowlab run {folder / plugin.component}.toml"
        )
