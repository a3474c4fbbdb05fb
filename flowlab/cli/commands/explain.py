"""`flowlab explain`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from flowlab.cli.errors import handle_errors
from flowlab.cli.options import Debug, File, Settings
from flowlab.output.terminal import echo
from flowlab.registry.registry import Registry


def explain(
    file: File,
    node: Annotated[
        str, typer.Argument(help="kind.name; in a sweep all of its settings, or kind.name[key=value]")
    ],
    out: Annotated[Path | None, typer.Option(help="folder of the run [default: runs/<name>]")] = None,
    settings: Settings = None,
    device: Annotated[str, typer.Option(help="cpu, cuda or auto")] = "auto",
    debug: Debug = False,
) -> None:
    """Tell whether a node would be computed or its stored result reused, and what changed since."""
    with handle_errors(debug):
        from flowlab.engine.cache.explain import explain_node as text
        from flowlab.engine.cache.store import Store
        from flowlab.graph.graph import load_graph
        from flowlab.runner.run_experiment import runs_folder

        loaded = load_graph(file, settings or (), Registry.installed())
        echo(text(loaded, node, device, Store.beside(runs_folder(out))))
