"""Several finished runs on one page: what was changed, numbers side by side, shares as curves, figures."""

from __future__ import annotations

import itertools
import math
from collections.abc import Hashable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from attrs import frozen

from flowlab.api import KINDS, ExperimentError, Problem
from flowlab.api.helpers.largest_number import largest_number
from flowlab.api.helpers.plotting import CLASS_COLOURS
from flowlab.engine.value_diff import list_differences, side_by_side
from flowlab.html.curves import plot_curves
from flowlab.html.grid import Grid
from flowlab.html.templating import render_page, to_data_url
from flowlab.output.claims import UNKNOWN
from flowlab.output.denoiser_quality import DenoiserQuality, quality_table
from flowlab.output.ends_table import EndsTable
from flowlab.output.figures import find_figure_stems
from flowlab.output.file_names import distinct_names
from flowlab.output.fractions import EndFractions, counts_classes
from flowlab.output.metrics_table import group_statistics
from flowlab.output.run_folder import former_files, write_file
from flowlab.output.seed_statistics import OVER_SEEDS
from flowlab.output.swept_columns import column_names, group_seeds, setting_cells, setting_key, union_paths
from flowlab.output.tables import format_cell
from flowlab.provenance.lock_file import LockFile
from flowlab.provenance.settings_diff import diff_settings
from flowlab.provenance.summary import RunSummary, named_nodes

MetricPlace = tuple[str, tuple[tuple[str, Any], ...], str]  # node, setting, metric

# Of each less is better; denoisers stand in the order of the first in which they differ.
_QUALITY_METRICS = ("slab_ratio", "cost_ratio", "gap_proved", "gap_estimate", "violation_max")


@frozen
class Comparison:
    """Runs by names that tell them apart, in the order in which they were given."""

    runs: Mapping[str, LockFile]
    summaries: Mapping[str, RunSummary]

    @property
    def settings(self) -> Grid:
        """The settings that are not the same in all of them."""
        return self._side_by_side("setting", diff_settings(*(run.experiment.data for run in self.runs.values())))

    @property
    def versions(self) -> Grid:
        """What ran them, where it was not the same."""
        return self._side_by_side(
            "setting", list_differences(*(run.environment.facts for run in self.runs.values()))
        )

    @property
    def denoisers(self) -> Grid:
        """The worst level of each denoiser in each run, seeds together.

        Those that interpolate come first, the cheapest of them before all others. Where that is not known they
        follow, and last come those that do not interpolate or fell short.
        """
        qualities: list[DenoiserQuality] = []
        leads: list[tuple[str, str]] = []  # run and status
        for name, summary in self.summaries.items():
            for label, setting, nodes in group_seeds(named_nodes(summary.of_kind("denoiser"))):
                quality = DenoiserQuality(label, setting, [node.metrics for node in nodes])
                if quality.reported:
                    qualities.append(quality)
                    leads.append((name, next((node.status for node in nodes if node.status != "done"), "done")))
        (header, *rows), _ = quality_table(qualities, _QUALITY_METRICS)
        order = sorted(range(len(rows)), key=lambda index: _rank(qualities[index], leads[index][1]))
        cells = [[rows[index][0], *leads[index], *rows[index][1:]] for index in order]
        return Grid.of([header[0], "run", "status", *header[1:]], cells)

    @property
    def ends(self) -> tuple[EndsTable, list[str]]:
        """Where the flows end, the runs of a flow and setting below each other, and the run of each row."""
        rows = [(name, ends) for name, summary in self.summaries.items() for ends in summary.ends]
        places: dict[Hashable, int] = {}
        for _, ends in rows:
            places.setdefault(_place(ends), len(places))
        rows.sort(key=lambda row: places[_place(row[1])])  # stable: runs stay in their order
        return EndsTable([ends for _, ends in rows]), [name for name, _ in rows]

    @property
    def metrics(self) -> Grid:
        """All numbers by node, setting and name, seeds together."""
        runs = [_metrics(summary) for summary in self.summaries.values()]
        places = sorted(dict.fromkeys(itertools.chain(*runs)), key=_sort_key)
        paths = union_paths(dict(setting) for _, setting, _ in places)
        cells = [
            [node, *setting_cells(dict(setting), paths), metric, *(run.get(place, "-") for run in runs)]
            for place in places
            for node, setting, metric in [place]
        ]
        return Grid.of(["node", *column_names(paths), "metric", *self.runs], cells)

    @property
    def claims(self) -> Grid:
        """What became of each claim."""
        verdicts = (
            {claim.claim: claim.verdict or UNKNOWN for claim in summary.claims}
            for summary in self.summaries.values()
        )
        return self._side_by_side("claim", side_by_side(*verdicts))

    @property
    def figures(self) -> dict[str, dict[str, str]]:
        """The pictures of each figure by run, those of most runs first."""
        pictures: dict[str, dict[str, str]] = {}
        for name, run in self.runs.items():
            folder = run.path.parent
            for label, stem in find_figure_stems(former_files(folder)).items():
                try:
                    svg, png = ((folder / f"{stem}.{form}").read_bytes() for form in ("svg", "png"))
                except OSError:
                    continue  # somebody took it away; the others are there
                pictures.setdefault(label, {})[name] = to_data_url(svg, png)
        return dict(sorted(pictures.items(), key=lambda item: -len(item[1])))

    def _side_by_side(self, head: str, values: Iterable[tuple[str, tuple[Any, ...]]]) -> Grid:
        rows = [[name, *("-" if value is None else format_cell(value) for value in row)] for name, row in values]
        return Grid.of([head, *self.runs], rows)


def load_comparison(folders: Sequence[Path]) -> Comparison:
    """Runs read from their folders. Raises ExperimentError that names all folders without a run."""
    runs: list[LockFile] = []
    summaries: list[RunSummary] = []
    problems: list[Problem] = []
    for folder in folders:
        try:
            runs.append(LockFile.read(folder))
            summaries.append(runs[-1].require_summary())
        except ExperimentError as error:
            problems += error.problems
    if len(folders) < 2:
        problems.append(Problem(str(folders[0]), "one run alone: name two or more"))
    if problems:
        raise ExperimentError(problems)
    names = distinct_names(run.path.resolve().parent.name for run in runs)
    return Comparison(dict(zip(names, runs, strict=True)), dict(zip(names, summaries, strict=True)))


def write_comparison(folders: Sequence[Path], out: Path) -> Path:
    """Write the page of several runs; its path. Raises ExperimentError, OutputError."""
    runs = load_comparison(folders)
    ends, ends_runs = runs.ends
    page = render_page(
        "compare.html",
        runs=runs,
        ends=ends,
        ends_runs=ends_runs,
        colours=CLASS_COLOURS,
        over_seeds=OVER_SEEDS,
        curves=plot_curves(runs.summaries),
    )
    write_file(out, page)
    return out


def _rank(quality: DenoiserQuality, status: str) -> tuple[int, list[float]]:
    """A sort key: first who interpolates at all seeds, of them the cheapest; of the rest the least violation."""
    tier = {"yes": 0, "-": 1 if status == "done" else 2}.get(quality.interpolating, 2)
    metrics = ("violation_max", *_QUALITY_METRICS) if tier == 2 else _QUALITY_METRICS
    means = map(quality.statistics, metrics)
    numbers = [math.inf if statistics is None else statistics.mean for statistics in means]
    return tier, numbers


def _place(ends: EndFractions) -> Hashable:
    return ends.classifier, setting_key(ends.setting), ends.flow


def _sort_key(place: MetricPlace) -> tuple[str, list[tuple[str, float, str]], str]:
    node, setting, metric = place
    numbers = [
        (path, float(value) if isinstance(value, int | float) else math.inf, str(value)) for path, value in setting
    ]
    return node, numbers, metric


def _metrics(summary: RunSummary) -> dict[MetricPlace, str]:
    """Every number of every node over its seeds, of a list the largest; wherever a metric is none, nothing."""
    cells: dict[MetricPlace, str] = {}
    for kind, nodes in summary.nodes.items():
        if kind in KINDS and not KINDS[kind].built:
            continue
        for name, setting, members in group_seeds(named_nodes(nodes)):
            swept = tuple(
                (path, value if isinstance(value, Hashable) else str(value)) for path, value in setting.items()
            )
            by_seed = [_largest_items(node.metrics) for node in members]
            for metric, statistics in group_statistics(by_seed, summary.pinned_flows).items():
                cells[f"{kind}.{name}", swept, metric[0]] = str(statistics)
    return cells


def _largest_items(metrics: Mapping[str, Any]) -> dict[str, Any]:
    """The metrics with the largest number of each list in place of the list."""
    items: dict[str, Any] = {}
    for name, value in metrics.items():
        if isinstance(value, list):
            items[f"{name} (largest)"] = largest_number(value)
        elif isinstance(value, Mapping) and not counts_classes(value):
            items |= {f"{name}.{key}": part for key, part in _largest_items(value).items()}
        else:
            items[name] = value
    return items
