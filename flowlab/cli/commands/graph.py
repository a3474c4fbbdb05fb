"""`flowlab graph`."""

from __future__ import annotations

from flowlab.cli.errors import handle_errors
from flowlab.cli.options import Debug, File, Settings
from flowlab.output.terminal import echo
from flowlab.registry.registry import Registry


def graph(file: File, settings: Settings = None, debug: Debug = False) -> None:
    """Print an experiment's graph as Mermaid."""
    with handle_errors(debug):
        from flowlab.graph.graph import load_graph
        from flowlab.graph.mermaid import to_mermaid

        echo(to_mermaid(load_graph(file, settings or (), Registry.installed())))
