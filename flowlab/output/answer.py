"""What a run says at its end: fractions, worst violations, claims, what fell short, where the files are."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from flowlab.api import CLASSES, ClaimResult
from flowlab.api.helpers.largest_number import largest_number
from flowlab.api.kinds.denoiser import HEADLINE_METRICS
from flowlab.api.metric_labels import metric_label
from flowlab.engine.outcome import Outcome
from flowlab.output.claims import claims_table
from flowlab.output.figures import figure_stems
from flowlab.output.fractions import end_fractions
from flowlab.output.jsonable import to_jsonable
from flowlab.output.run_folder import PAGE
from flowlab.output.text_table import align_columns


def format_answer(
    outcome: Outcome, folder: Path | None, figures: Sequence[str] = (), claims: Sequence[ClaimResult] = ()
) -> str:
    """The lines of the answer; where there is a folder, the last are the paths of its page and its first figure.

    `figures` are the figures' names in the order of the file; the outcome has them in the graph's.
    """
    parts = [
        format_fractions(outcome),
        format_interpolation(outcome),
        format_shortfalls(outcome),
        claims_table({"": claims}),
        [
            *format_ending(outcome, folder),
            *([str(folder / PAGE), *first_figure_path(outcome, folder, figures)] if folder else []),
        ],
    ]
    return "\n\n".join("\n".join(part) for part in parts if part)


def format_fractions(outcome: Outcome) -> list[str]:
    """Where each flow's points end, a row a classifier and flow."""
    rows = [
        (ends.classifier, ends.flow, str(ends.total), *ends.shares.values(), ends.step_error)
        for ends in end_fractions(outcome)
    ]
    if not rows:
        return []
    title = "Where the flows end, % [95 % interval: over starts, or over seeds]; how many change at half the step"
    return [title, *align_columns([("classifier", "flow", "points", *CLASSES, "half step"), *rows], indent=2)]


def format_interpolation(outcome: Outcome) -> list[str]:
    """The worst violation, cost ratio and optimality gaps of each denoiser that reports them, sweeps as one."""
    denoisers: dict[str, list[list[Any]]] = {}
    for record in outcome.of("denoiser"):
        if "violation_max" in record.metrics and "slab_ratio" in record.metrics:
            group = denoisers.setdefault(record.node.name, [[] for _ in HEADLINE_METRICS])
            for values, metric in zip(group, HEADLINE_METRICS, strict=True):
                values.append(record.metrics.get(metric))
    if not denoisers:
        return []
    header = ("denoiser", *map(metric_label, HEADLINE_METRICS))
    rows = [(name, *map(format_worst, group)) for name, group in denoisers.items()]
    filled = [column for column in range(len(header)) if any(row[column] != "-" for row in rows)]
    table = [tuple(row[column] for column in filled) for row in (header, *rows)]
    return ["How well the denoisers interpolate, worst level", *align_columns(table, indent=2)]


def format_worst(metric: Any) -> str:
    """The largest number of a metric that is a number or lists of them; a dash where there is none."""
    number = largest_number(to_jsonable(metric))
    return "-" if number is None else f"{number:.4g}"


def format_shortfalls(outcome: Outcome) -> list[str]:
    """Every node that fell short or failed, and, a line a reason, those that were left out.

    Claims that don't hold have a table of their own.
    """
    reasons: dict[tuple[str, ...], list[str]] = {}
    for record in outcome.records:
        reason = record.message or (record.result and record.result.shortfall) or ""
        if record.status != "done" and not (record.finished and isinstance(record.value, ClaimResult)):
            alone = () if record.status == "skipped" else (record.node.id,)
            reasons.setdefault((record.status, reason, *alone), []).append(record.node.id)
    return [f"{status}: {_several(ids)}: {reason}" for (status, reason, *_), ids in reasons.items()]


def _several(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{names[0]} and {len(names) - 1} more"


def format_ending(outcome: Outcome, folder: Path | None = None) -> list[str]:
    """How it ended and how long it took; with a folder, there is something to go on from."""
    built = [record for record in outcome.records if record.node.kind.built]
    finished = sum(record.finished for record in built)
    slowest = max(built, key=lambda record: record.seconds, default=None)
    reused = sum(record.reused for record in built)
    saved = " saved" if outcome.interrupted else ""
    timing = f"{finished} of {len(built)} nodes{saved} in {outcome.seconds:.1f} s"
    if reused:
        timing += f", {reused} reused"
    if slowest is not None:
        timing += f", {slowest.seconds:.1f} s of it for {slowest.node.id}"
    if outcome.lost:
        return [f"stopped: {outcome.lost}", timing]
    if outcome.interrupted:
        return ["interrupted; run again to resume" if folder else "interrupted", timing]
    return [timing]


def first_figure_path(outcome: Outcome, folder: Path, names: Sequence[str]) -> list[str]:
    """The path of the first finished figure, in the order of `names`."""
    order = {name: index for index, name in enumerate(names)}
    paths = figure_stems(outcome)
    first = min(paths, key=lambda node: order.get(node.name, len(order)), default=None)
    return [] if first is None else [f"{folder / paths[first]}.png"]
