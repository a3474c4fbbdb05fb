"""Several finished runs on one page: what was changed, numbers side by side, shares as curves, figures."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from attrs import frozen

from flowlab.api import ExperimentError, Problem
from flowlab.api.metric_labels import metric_label
from flowlab.engine.value_diff import list_differences, side_by_side
from flowlab.html.curves import plot_curves
from flowlab.html.grid import Grid, round_cell
from flowlab.html.templating import render_page, to_data_url
from flowlab.output.answer import format_worst
from flowlab.output.claims import UNKNOWN
from flowlab.output.figures import find_figure_stems
from flowlab.output.file_names import distinct_names
from flowlab.output.run_folder import former_files, write_file
from flowlab.output.tables import format_cell
from flowlab.provenance.lock_file import LockFile
from flowlab.provenance.settings_diff import diff_settings
from flowlab.provenance.summary import RunSummary

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
        """The worst level of each denoiser: those that fell short last, of the others the cheapest first."""
        rows = []
        for name, summary in self.summaries.items():
            for label, node in summary.of_kind("denoiser").items():
                lists = node.lists
                cells = [format_worst(lists.get(metric)) for metric in _QUALITY_METRICS]
                if any(cell != "-" for cell in cells):
                    rows.append([label, name, node.status, *cells])
        rows.sort(
            key=lambda row: [row[2] != "done", *(math.inf if cell == "-" else float(cell) for cell in row[3:])]
        )
        return Grid.of(["denoiser", "run", "status", *map(metric_label, _QUALITY_METRICS)], rows).without_empty

    @property
    def metrics(self) -> Grid:
        """All numbers by node and name."""
        return self._side_by_side("metric", sorted(side_by_side(*map(_metrics, self.summaries.values()))))

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
    write_file(out, render_page("compare.html", runs=runs, curves=plot_curves(runs.summaries)))
    return out


def _metrics(summary: RunSummary) -> dict[str, str]:
    """Every number of every node, of a list the largest; wherever a metric is none, nothing."""
    rows = {}
    for id, node in summary.built_nodes.items():
        for name, value in node.lists.items():
            numbers = [item for item in (value if isinstance(value, list) else [value]) if _is_number(item)]
            if numbers:
                largest = " (largest)" if isinstance(value, list) else ""
                rows[f"{id}: {name}{largest}"] = round_cell(str(max(numbers)))
    return rows


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
