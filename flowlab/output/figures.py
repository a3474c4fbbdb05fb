"""The figures of a run as PNG, PDF and SVG."""

from __future__ import annotations

import io
import traceback
from collections.abc import Iterable
from typing import Any

from attrs import evolve

from flowlab.engine.format_error import format_error
from flowlab.engine.outcome import Outcome, Record
from flowlab.graph.graph import Graph
from flowlab.graph.node import Node
from flowlab.output.file_names import distinct_names, to_file_name

# Without these dates and versions, equal pictures are equal files.
_METADATA: dict[str, dict[str, Any]] = {
    "png": {"Software": None},
    "pdf": {"CreationDate": None, "Producer": None},
    "svg": {"Date": None, "Creator": None},
}


def render_figures(outcome: Outcome) -> tuple[Outcome, dict[str, bytes]]:
    """The figure files by relative path, and the outcome with those failed that can't be drawn."""
    records = {record.node: record for record in outcome.records}
    files: dict[str, bytes] = {}
    for node, stem in figure_stems(outcome).items():
        try:
            files |= {f"{stem}.{form}": draw_figure(records[node], form) for form in _METADATA}
        except Exception as error:
            # Text is laid out at drawing, so a component's mistake can surface as late as here.
            records[node] = evolve(
                records[node],
                status="failed",
                result=None,
                message=f"can't be drawn: {format_error(error)}",
                trace=traceback.format_exc(),
                digest="",
            )
    return evolve(outcome, records=tuple(records.values())), files


def figure_stems(outcome: Outcome) -> dict[Node, str]:
    """The path of each finished figure, without its ending."""
    nodes = [record.node for record in outcome.of("figure") if record.result]
    names = distinct_names(to_file_name(node.label) for node in nodes)
    return {node: f"figures/{name}" for node, name in zip(nodes, names, strict=True)}


def find_figure_stems(files: Iterable[str]) -> dict[str, str]:
    """The paths of figures among a run's files, without their endings, by name."""
    stems = (name.removesuffix(".svg") for name in files if name.startswith("figures/") and name.endswith(".svg"))
    return {stem.removeprefix("figures/"): stem for stem in stems}


def draw_figure(record: Record, form: str) -> bytes:
    """A matplotlib figure as the bytes of a file."""
    assert record.result is not None
    return figure_bytes(record.result.value, form)


def figure_bytes(figure: Any, form: str) -> bytes:
    """The bytes of a figure's file."""
    from matplotlib import rc_context

    stream = io.BytesIO()
    with rc_context({"svg.hashsalt": "flowlab"}):  # its ids are random without
        figure.savefig(stream, format=form, bbox_inches="tight", metadata=_METADATA[form])
    return stream.getvalue()


def use_headless_backend(graph: Graph) -> None:
    """For a figure that draws through pyplot: no window, wherever it runs."""
    if any(node.kind.name == "figure" for node in graph.nodes):
        import matplotlib

        matplotlib.use("Agg")
