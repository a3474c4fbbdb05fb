"""`flowlab check`."""

from __future__ import annotations

from flowlab.cli.errors import handle_errors
from flowlab.cli.options import Debug, Files, Settings
from flowlab.output.terminal import echo
from flowlab.registry.registry import Registry


def check(files: Files, settings: Settings = None, debug: Debug = False) -> None:
    """Check experiments without running them: every mistake, with its place."""
    with handle_errors(debug):
        from flowlab.graph.graph import load_graphs

        for graph in load_graphs(files, settings or (), Registry.installed()):
            echo(f"{graph.path}: ok, {len(graph.nodes)} nodes")
