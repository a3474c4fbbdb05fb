"""The command line: `flowlab run experiments/simplex.toml`."""

from __future__ import annotations

import os
from typing import Annotated

import typer

from flowlab import __version__
from flowlab.cli.commands.check import check
from flowlab.cli.commands.compare import compare
from flowlab.cli.commands.describe import describe
from flowlab.cli.commands.diff import diff
from flowlab.cli.commands.docs import docs
from flowlab.cli.commands.doctor import doctor
from flowlab.cli.commands.examples import examples
from flowlab.cli.commands.explain import explain
from flowlab.cli.commands.export import export
from flowlab.cli.commands.figure import figure
from flowlab.cli.commands.gc import gc
from flowlab.cli.commands.graph import graph
from flowlab.cli.commands.init import init
from flowlab.cli.commands.list_components import list_components
from flowlab.cli.commands.new_plugin import new_plugin
from flowlab.cli.commands.plan import plan
from flowlab.cli.commands.rerun import rerun
from flowlab.cli.commands.run import run
from flowlab.cli.commands.schema import schema
from flowlab.cli.commands.verify import verify
from flowlab.registry.registry import DISABLE_VARIABLE

app = typer.Typer(
    help="Run declarative experiments on where diffusion flows end.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)

# in the order of the help
COMMANDS = (
    run,
    examples,
    init,
    check,
    plan,
    explain,
    rerun,
    verify,
    diff,
    gc,
    figure,
    export,
    compare,
    graph,
    list_components,
    describe,
    docs,
    schema,
    doctor,
    new_plugin,
)


def _version(wanted: bool) -> None:
    if wanted:
        print(f"flowlab {__version__}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="print the version")
    ] = False,
    no_plugins: Annotated[
        bool, typer.Option("--no-plugins", help=f"use built-in components only, like {DISABLE_VARIABLE}=1")
    ] = False,
) -> None:
    """Run declarative experiments on where diffusion flows end."""
    if no_plugins:
        os.environ[DISABLE_VARIABLE] = "1"  # so that worker processes know of it, too


for command in COMMANDS:
    app.command()(command)


def main() -> None:
    """Run the command line."""
    # torch would read everybody's entry points, and fail on broken ones, to find devices that we don't use
    os.environ.setdefault("TORCH_DEVICE_BACKEND_AUTOLOAD", "0")
    # figures are files: no window, and none of a backend that isn't there, in worker processes too
    os.environ["MPLBACKEND"] = "agg"
    app(prog_name="flowlab")
