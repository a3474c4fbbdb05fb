"""`flowlab plan`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from flowlab.cli.errors import handle_errors
from flowlab.cli.options import Debug, File, Json, Only, Settings
from flowlab.output.jsonable import to_json
from flowlab.output.terminal import echo
from flowlab.registry.registry import Registry


def plan(
    file: File,
    only: Only = None,
    out: Annotated[Path | None, typer.Option(help="folder of the run [default: runs/<name>]")] = None,
    settings: Settings = None,
    device: Annotated[str, typer.Option(help="cpu, cuda or auto")] = "auto",
    json: Json = False,
    debug: Debug = False,
) -> None:
    """Tell what a run would compute and what it would reuse, why, and about how long it would take."""
    with handle_errors(debug):
        from flowlab.engine.cache.store import Store
        from flowlab.graph.graph import load_graph
        from flowlab.graph.restrict import restrict_graph
        from flowlab.runner.plan_run import plan_run
        from flowlab.runner.run_experiment import default_folder, runs_folder

        graph = restrict_graph(load_graph(file, settings or (), Registry.installed()), only or ())
        folder = out or runs_folder(None) / default_folder(graph, ())
        planned = plan_run(graph, Store.beside(runs_folder(out)), folder, device)
        echo(to_json(planned.data) if json else planned.text)
