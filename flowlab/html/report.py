"""A run as one HTML page that needs nothing else: no network, no other file."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping

import tomli_w
from attrs import frozen

from flowlab.api.helpers.plotting import CLASS_COLOURS, WIDTHS
from flowlab.engine.outcome import Outcome, Record
from flowlab.graph.graph import Graph
from flowlab.html.dag_layout import columns
from flowlab.html.explorer import build_explorer
from flowlab.html.grid import Grid
from flowlab.html.templating import render_page, to_data_url
from flowlab.output.answer import format_ending, format_shortfalls
from flowlab.output.claims import HEADER, claim_row, claims_title, collect_claims
from flowlab.output.denoiser_quality import QUALITY_METRICS, group_qualities, quality_table
from flowlab.output.ends_table import EndsTable
from flowlab.output.figures import figure_stems
from flowlab.output.fractions import end_fractions
from flowlab.output.seed_statistics import OVER_SEEDS
from flowlab.output.swept_columns import column_names, setting_cells, setting_text, union_paths
from flowlab.output.writing_time import WritingTime
from flowlab.provenance.lock_content import LockContent

_STATUSES = ("done", "skipped", "short", "failed")


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
    def setting(self) -> str:
        """Its place in the sweeps, in words."""
        return setting_text(self.record.node.variant)

    @property
    def wide(self) -> bool:
        """Whether it is drawn for more than one printed column."""
        return bool(self.record.value.get_figwidth() > WIDTHS["single"])


def render_report(
    graph: Graph,
    outcome: Outcome,
    lock: LockContent,
    files: Mapping[str, bytes],
    written: WritingTime | None = None,
) -> bytes:
    """The page of a run whose tables and figures are `files`, by relative path, and took so long to write.

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
        ending=format_ending(outcome, slowest=False),
        seeds=_seeds(graph),
        written=written,
        complaints=format_shortfalls(outcome),
        conjectures=list(_conjectures(outcome)),
        claims_title=claims_title(claims),
        claims=Grid.of(HEADER, [claim_row(claim) for claim in claims]),
        ends=EndsTable(end_fractions(outcome)),
        denoisers=_denoisers(outcome),
        over_seeds=OVER_SEEDS,
        view=explorer,
        figures=_figures(graph, outcome, files),
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


def _seeds(graph: Graph) -> str:
    """The seeds of the run, in words."""
    seeds = sorted({node.seed for node in graph.nodes if node.seed is not None}) or [graph.seed]
    if len(seeds) == 1:
        return f"seed {seeds[0]}"
    if seeds == list(range(seeds[0], seeds[-1] + 1)):
        return f"{len(seeds)} seeds, {seeds[0]} to {seeds[-1]}"
    return f"{len(seeds)} seeds: {', '.join(map(str, seeds))}"


def _denoisers(outcome: Outcome) -> Grid:
    """How well each interpolates, and its cost: the worst level, seeds together."""
    records = outcome.of("denoiser")
    (header, *rows), _ = quality_table(
        list(group_qualities((record.node.name, record.node.variant, record.metrics) for record in records)),
        QUALITY_METRICS,
    )
    return Grid.of(header, rows)


def _figures(graph: Graph, outcome: Outcome, files: Mapping[str, bytes]) -> dict[str, list[ShownFigure]]:
    """The finished figures by name in the order of the file, those of all settings together."""
    order = {name: index for index, name in enumerate(graph.resolved.get("figure", ()))}
    records = {record.node: record for record in outcome.of("figure")}
    figures: dict[str, list[ShownFigure]] = {}
    for node, stem in sorted(figure_stems(outcome).items(), key=lambda item: order.get(item[0].name, len(order))):
        source = to_data_url(files[f"{stem}.svg"], files[f"{stem}.png"])
        figures.setdefault(node.name, []).append(ShownFigure(records[node], stem, source))
    return figures


def _status(outcome: Outcome) -> dict[str, str]:
    """The worst status among the variants of each node."""
    worst: dict[str, str] = {}
    for record in outcome.records:
        name = record.node.declared
        worst[name] = max(worst.get(name, "done"), record.status, key=_STATUSES.index)
    return worst


def _nodes(outcome: Outcome) -> Grid:
    paths = union_paths(record.node.variant for record in outcome.records)
    rows = []
    for record in outcome.records:
        node = record.node
        inputs = "; ".join(
            f"{field} = {', '.join(dict.fromkeys(end.name for end in group))}"
            for field, group in node.inputs.items()
            if group
        )
        seconds = f"{record.seconds:.3f}" if node.kind.built else "-"
        settings = setting_cells(node.variant, paths)
        rows.append([node.kind.name, node.name, *settings, node.use, inputs or "-", record.status, seconds])
    header = ["kind", "name", *column_names(paths), "component", "inputs", "status", "seconds"]
    return Grid.of(header, rows)
