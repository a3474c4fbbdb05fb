"""A run as one HTML page that needs nothing else: no network, no other file."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping

import tomli_w
from attrs import frozen

from flowlab.api import CLASSES
from flowlab.api.helpers.plotting import CLASS_COLOURS, WIDTHS
from flowlab.api.metric_labels import metric_label
from flowlab.engine.outcome import Outcome, Record
from flowlab.graph.graph import Graph
from flowlab.html.dag_layout import columns
from flowlab.html.explorer import build_explorer
from flowlab.html.grid import Grid
from flowlab.html.templating import render_page, to_data_url
from flowlab.output.answer import format_ending, format_shortfalls, format_worst
from flowlab.output.claims import HEADER, claim_row, claims_title, collect_claims
from flowlab.output.figures import figure_stems
from flowlab.output.fractions import end_fractions
from flowlab.provenance.lock_content import LockContent

_STATUSES = ("done", "skipped", "short", "failed")
_QUALITY_METRICS = ("violation_max", "cost_ratio", "slab_ratio", "gap_proved", "gap_estimate")


@frozen
class ShownFigure:
    """A figure: the node it is of, its files' path without ending, and the picture as a URL that holds it."""

    record: Record
    stem: str
    source: str

    @property
    def summary(self) -> str:
        """What it shows: the first line of its component's docstring."""
        return (inspect.getdoc(self.record.node.component) or "").partition("\n")[0]

    @property
    def wide(self) -> bool:
        """Whether it is drawn for more than one printed column."""
        return bool(self.record.value.get_figwidth() > WIDTHS["single"])


def render_report(graph: Graph, outcome: Outcome, lock: LockContent, files: Mapping[str, bytes]) -> bytes:
    """The page of a run whose tables and figures are `files`, by relative path.

    Equal runs give equal pages, apart from dates and times.
    """
    explorer = build_explorer(graph, outcome)
    claims = collect_claims(graph, outcome)
    return render_page(
        "page.html",
        *(("view.js", "explore.js") if explorer and explorer.data["flows"] else ()),
        graph=graph,
        outcome=outcome,
        lock=lock,
        date=lock.date,
        colours=CLASS_COLOURS,
        classes=CLASSES,
        ending=format_ending(outcome),
        complaints=format_shortfalls(outcome),
        conjectures=list(_conjectures(outcome)),
        claims_title=claims_title(claims),
        claims=Grid.of(HEADER, [claim_row(claim) for claim in claims]),
        ends=end_fractions(outcome),
        denoisers=_denoisers(outcome),
        view=explorer,
        figures=list(_figures(graph, outcome, files)),
        tables={name: Grid.of_csv(text.decode()) for name, text in files.items() if name.endswith(".csv")},
        drawing=columns(graph),
        status=_status(outcome),
        nodes=_nodes(outcome),
        resolved=tomli_w.dumps(lock.experiment),
    )


def _conjectures(outcome: Outcome) -> Iterator[str]:
    for record in outcome.records:
        if record.metrics.get("conjecture"):
            yield f"{record.node.id}: {record.metrics['conjecture']}"


def _denoisers(outcome: Outcome) -> Grid:
    """How well each interpolates and how near its cost is to the least: the worst level of each."""
    rows = []
    for record in outcome.of("denoiser"):
        usable = record.metrics.get("usable")
        levels = f"{sum(map(bool, usable))} of {len(usable)}" if isinstance(usable, list) else "-"
        figures = [format_worst(record.metrics.get(name)) for name in _QUALITY_METRICS]
        rows.append([record.node.label, record.node.use, record.status, levels, *figures])
    header = ["denoiser", "component", "status", "levels usable", *map(metric_label, _QUALITY_METRICS)]
    return Grid.of(header, rows).without_empty


def _figures(graph: Graph, outcome: Outcome, files: Mapping[str, bytes]) -> Iterator[ShownFigure]:
    """The finished figures in the order of the file."""
    order = {name: index for index, name in enumerate(graph.resolved.get("figure", ()))}
    records = {record.node: record for record in outcome.of("figure")}
    for node, stem in sorted(figure_stems(outcome).items(), key=lambda item: order.get(item[0].name, len(order))):
        yield ShownFigure(records[node], stem, to_data_url(files[f"{stem}.svg"], files[f"{stem}.png"]))


def _status(outcome: Outcome) -> dict[str, str]:
    """The worst status among the variants of each node."""
    worst: dict[str, str] = {}
    for record in outcome.records:
        name = record.node.declared
        worst[name] = max(worst.get(name, "done"), record.status, key=_STATUSES.index)
    return worst


def _nodes(outcome: Outcome) -> Grid:
    rows = []
    for record in outcome.records:
        node = record.node
        inputs = "; ".join(
            f"{field} = {', '.join(dict.fromkeys(end.name for end in group))}"
            for field, group in node.inputs.items()
            if group
        )
        seconds = f"{record.seconds:.3f}" if node.kind.built else "-"
        rows.append([node.kind.name, node.label, node.use, inputs or "-", record.status, seconds])
    return Grid.of(["kind", "name", "component", "inputs", "status", "seconds"], rows)
