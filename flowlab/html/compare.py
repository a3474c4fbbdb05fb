"""Several finished runs on one page: what was changed, numbers side by side, shares as curves, figures."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from attrs import frozen

from flowlab.api import ExperimentError, Problem
from flowlab.engine.value_diff import list_differences, side_by_side
from flowlab.html.curves import plot_curves
from flowlab.html.grid import Grid, round_cell
from flowlab.html.templating import render_page, to_data_url
from flowlab.output.answer import format_worst
from flowlab.output.claims import UNKNOWN
from flowlab.output.figures import find_figure_stems
from flowlab.output.jsonable import distinct_names
from flowlab.output.run_folder import former_files, write_file
from flowlab.output.tables import format_cell
from flowlab.provenance.lock_file import LockFile
from flowlab.provenance.settings import diff_settings
from flowlab.provenance.summary import RunSummary

_LOWER_IS_BETTER = {
    "slab_ratio": "cost / slabs",
    "cost_ratio": "cost / closed form",
    "gap_proved": "gap, proved",
    "gap_estimate": "gap, estimated",
    "violation_max": "violation",
}


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
            for label, one in summary.of_kind("denoiser").items():
                lists = one.lists
                figures = [format_worst(lists.get(key)) for key in _LOWER_IS_BETTER]
                if any(figure != "-" for figure in figures):
                    rows.append([label, name, one.status, *figures])
        rows.sort(key=lambda row: [row[2] != "done", *(math.inf if one == "-" else float(one) for one in row[3:])])
        return Grid.of(["denoiser", "run", "status", *_LOWER_IS_BETTER.values()], rows).without_empty

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
        found: dict[str, dict[str, str]] = {}
        for name, run in self.runs.items():
            folder = run.path.parent
            for label, stem in find_figure_stems(former_files(folder)).items():
                try:
                    svg, png = ((folder / f"{stem}.{form}").read_bytes() for form in ("svg", "png"))
                except OSError:
                    continue  # somebody took it away; the others are there
                found.setdefault(label, {})[name] = to_data_url(svg, png)
        return dict(sorted(found.items(), key=lambda item: -len(item[1])))

    def _side_by_side(self, head: str, values: Iterable[tuple[str, tuple[Any, ...]]]) -> Grid:
        rows = [[name, *("-" if one is None else format_cell(one) for one in each)] for name, each in values]
        return Grid.of([head, *self.runs], rows)


def load_comparison(folders: Sequence[Path]) -> Comparison:
    """Runs read from their folders. Raises ExperimentError with all that are none's."""
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
    found = {}
    for id, node in summary.built_nodes.items():
        for name, value in node.lists.items():
            numbers = [each for each in (value if isinstance(value, list) else [value]) if _is_number(each)]
            if numbers:
                largest = " (largest)" if isinstance(value, list) else ""
                found[f"{id}: {name}{largest}"] = round_cell(str(max(numbers)))
    return found


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
