"""`flowlab graph`."""

from __future__ import annotations

from flowlab.cli.errors import handle_errors
from flowlab.cli.options import Debug, File, Settings
from flowlab.output.echo import echo
from flowlab.registry.registry import Registry


def graph(file: File, settings: Settings = None, debug: Debug = False) -> None:
    """Print an experiment's graph as Mermaid."""
    with handle_errors(debug):
        from flowlab.graph.graph import load
        from flowlab.graph.mermaid import mermaid

        echo(mermaid(load(file, settings or (), Registry.installed())))
