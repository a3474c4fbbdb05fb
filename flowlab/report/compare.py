"""Several finished runs on one page: what was changed, numbers side by side, shares as curves, figures."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from attrs import frozen

from flowlab.api import ExperimentError, Problem
from flowlab.report.answer import worst
from flowlab.report.curves import curves
from flowlab.report.figures import stems_among
from flowlab.report.finished import Finished, finished
from flowlab.report.folder import former, replace
from flowlab.report.grid import Grid, rounded
from flowlab.report.html import picture, render
from flowlab.report.plain import distinct, plain
from flowlab.report.tables import cell

_LOWER_IS_BETTER = {
    "slab_ratio": "cost / slabs",
    "cost_ratio": "cost / closed form",
    "gap": "optimality gap",
    "violation_max": "violation",
}


@frozen
class Compared:
    """Runs by names that tell them apart, in the order in which they were given."""

    runs: Mapping[str, Finished]

    @property
    def settings(self) -> Grid:
        """The settings that are not the same in all of them."""
        flat = {name: dict(_flat(run.lock["experiment"])) for name, run in self.runs.items()}
        return self._differing(flat, lambda value: "-" if value is None else cell(value))

    @property
    def versions(self) -> Grid:
        """What ran them, where it was not the same."""
        kept = ("seed", "dtype", "device", "threads", "platform", "python")
        facts = {
            name: {key: run.lock["run"].get(key) for key in kept} | dict(run.lock["versions"])
            for name, run in self.runs.items()
        }
        return self._differing(facts, lambda value: "-" if value is None else cell(value))

    @property
    def denoisers(self) -> Grid:
        """The worst level of each denoiser: those that fell short last, of the others the cheapest first."""
        rows = []
        for name, run in self.runs.items():
            for label, entry in run.summary["nodes"].get("denoiser", {}).items():
                figures = [worst(entry["metrics"].get(key)) for key in _LOWER_IS_BETTER]
                if any(figure != "-" for figure in figures):
                    rows.append([label, name, entry["status"], *figures])
        rows.sort(key=lambda row: [row[2] != "done", *(math.inf if one == "-" else float(one) for one in row[3:])])
        return Grid.of(["denoiser", "run", "status", *_LOWER_IS_BETTER.values()], rows)

    @property
    def metrics(self) -> Grid:
        """All numbers by node and name."""
        flat = {name: dict(_metrics(run)) for name, run in self.runs.items()}
        return self._side_by_side(flat, sorted({key for each in flat.values() for key in each}), "metric", _number)

    @property
    def claims(self) -> Grid:
        """What became of each claim."""
        verdicts = {True: "yes", False: "no", None: "not known"}
        flat = {
            name: {one["claim"]: verdicts[one["holds"]] for one in run.summary.get("claims", ())}
            for name, run in self.runs.items()
        }
        return self._side_by_side(flat, list({key: None for each in flat.values() for key in each}), "claim", str)

    @property
    def figures(self) -> dict[str, dict[str, str]]:
        """The pictures of each figure by run, those of most runs first."""
        found: dict[str, dict[str, str]] = {}
        for name, run in self.runs.items():
            for label, stem in stems_among(former(run.folder)).items():
                try:
                    svg, png = ((run.folder / f"{stem}.{form}").read_bytes() for form in ("svg", "png"))
                except OSError:
                    continue  # somebody took it away; the others are there
                found.setdefault(label, {})[name] = picture(svg, png)
        return dict(sorted(found.items(), key=lambda item: -len(item[1])))

    def _differing(self, values: Mapping[str, Mapping[str, Any]], text: Any) -> Grid:
        keys = dict.fromkeys(key for each in values.values() for key in each)
        differing = [key for key in keys if len({repr(each.get(key)) for each in values.values()}) > 1]
        return self._side_by_side(values, differing, "setting", text)

    def _side_by_side(
        self, values: Mapping[str, Mapping[str, Any]], keys: Sequence[str], head: str, text: Any
    ) -> Grid:
        rows = [[key, *(text(each[key]) if key in each else "-" for each in values.values())] for key in keys]
        return Grid.of([head, *self.runs], rows)


def compared(folders: Sequence[Path]) -> Compared:
    """Runs read from their folders. Raises ExperimentError with all that are none's."""
    runs: list[Finished] = []
    problems: list[Problem] = []
    for folder in folders:
        try:
            runs.append(finished(folder))
        except ExperimentError as error:
            problems += error.problems
    if len(folders) < 2:
        problems.append(Problem(str(folders[0]), "one run alone: name two or more"))
    if problems:
        raise ExperimentError(problems)
    return Compared(dict(zip(distinct(run.folder.resolve().name for run in runs), runs, strict=True)))


def compare(folders: Sequence[Path], out: Path) -> Path:
    """Write the page of several runs; its path. Raises ExperimentError, OutputError."""
    runs = compared(folders)
    replace(out, render("compare.html", runs=runs, curves=curves(runs.runs)))
    return out


def _flat(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Nested tables as dotted paths."""
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _flat(inner, f"{path}.{key}" if path else str(key))
    else:
        yield path, value


def _metrics(run: Finished) -> Iterator[tuple[str, float]]:
    """Every number of every node, of a list the largest; wherever a metric is none, nothing."""
    for kind, nodes in run.summary["nodes"].items():
        for label, entry in nodes.items():
            for path, value in _flat(entry["metrics"]):
                numbers = [each for each in (value if isinstance(value, list) else [value]) if _is_number(each)]
                if numbers:
                    largest = " (largest)" if isinstance(value, list) else ""
                    yield f"{kind}.{label}: {path}{largest}", max(numbers)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _number(value: float) -> str:
    return rounded(str(plain(value)))
