"""What a run says at its end: fractions, worst violations, claims, what fell short, where the files are."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from flowlab.api import ClaimResult
from flowlab.api.kinds.denoiser import HEADLINE_METRICS
from flowlab.engine.outcome import Outcome, Record
from flowlab.output.claims import claims_table
from flowlab.output.denoiser_quality import Metrics, group_qualities, quality_table
from flowlab.output.ends_table import EndsTable
from flowlab.output.figures import figure_stems
from flowlab.output.fractions import EndFractions, end_fractions
from flowlab.output.metrics_table import METRICS
from flowlab.output.run_folder import PAGE
from flowlab.output.seed_statistics import OVER_SEEDS
from flowlab.output.swept_columns import Setting
from flowlab.output.text_table import align_columns, fit_columns, wrap_line
from flowlab.output.writing_time import WritingTime

_MAX_ROWS = 40  # of a table on the terminal: the files hold the others
_NUMBER = re.compile(r"\d[\d.]*(e[+-]?\d+)?")


def format_answer(
    outcome: Outcome,
    folder: Path | None,
    figures: Sequence[str] = (),
    claims: Sequence[ClaimResult] = (),
    written: WritingTime | None = None,
    width: int = 80,
) -> str:
    """The lines of the answer; where there is a folder, the last are the paths of its page and its first figure.

    `figures` are the figures' names in the order of the file; the outcome has them in the graph's. Tables and
    sentences are at most `width` characters wide, unless a word is wider.
    """
    parts = [
        format_fractions(end_fractions(outcome), width),
        format_interpolation(_named_metrics(outcome.of("denoiser")), width),
        _wrap(format_shortfalls(outcome), width),
        claims_table({"": claims}, width),
        [
            *_wrap([*format_ending(outcome, folder), *([str(written)] if written else [])], width),
            *([str(folder / PAGE), *first_figure_path(outcome, folder, figures)] if folder else []),
        ],
    ]
    return "\n\n".join("\n".join(part) for part in parts if part)


def format_fractions(ends: Sequence[EndFractions], width: int = 80) -> list[str]:
    """Where each flow's points end, a row a flow and setting; where that is too wide, a row a class too."""
    if not ends:
        return []
    table = EndsTable(ends)
    caption, rows = table.caption, [table.header, *table.rows]
    if max(map(len, align_columns(rows, indent=2))) > width:
        caption, rows = table.long_caption, table.long_rows
    return [
        *wrap_line(table.title, width),
        *itertools.chain.from_iterable(wrap_line(line, width, indent=2) for line in caption),
        *_fit(rows, width, len(table.keys)),
    ]


def format_interpolation(denoisers: Iterable[tuple[str, Setting, Metrics]], width: int = 80) -> list[str]:
    """The worst violation, cost ratio and optimality gaps of each denoiser that reports them, seeds together.

    The denoisers are given as (name, variant, metrics).
    """
    reporting = (node for node in denoisers if {"violation_max", "slab_ratio"} <= node[2].keys())
    qualities = list(group_qualities(reporting))
    if not qualities:
        return []
    rows, keys = quality_table(qualities, HEADLINE_METRICS)
    several = any(len(quality.by_seed) > 1 for quality in qualities)
    return [
        *wrap_line("How well the denoisers interpolate, worst level", width),
        *(wrap_line(OVER_SEEDS, width, indent=2) if several else []),
        *_fit(rows, width, keys),
    ]


def _named_metrics(records: Iterable[Record]) -> Iterator[tuple[str, Setting, Metrics]]:
    return ((record.node.name, record.node.variant, record.metrics) for record in records)


def format_shortfalls(outcome: Outcome) -> list[str]:
    """What fell short or failed, a line a node and reason, and what was left out, a line a reason.

    Reasons that differ in their numbers alone are one reason: the first is given. Claims that don't hold have a
    table of their own.
    """
    groups: dict[tuple[str, ...], list[Record]] = {}
    for record in outcome.records:
        if record.status != "done" and not (record.finished and isinstance(record.value, ClaimResult)):
            groups.setdefault((record.status, *_reason_key(record)), []).append(record)
    return [_format_shortfall(group) for group in groups.values()]


def _reason(record: Record) -> str:
    return record.message or (record.result and record.result.shortfall) or ""


def _reason_key(record: Record) -> tuple[str, ...]:
    if record.status == "skipped":
        return (_reason(record),)
    return record.node.declared, _NUMBER.sub("#", _reason(record))


def _format_shortfall(records: Sequence[Record]) -> str:
    first, others = records[0], len(records) - 1
    if first.status == "skipped":
        return f"skipped: {first.node.id}{f' and {others} more' if others else ''}: {_reason(first)}"
    alike = f"; likewise {others} more of its settings" if others else ""
    return f"{first.status}: {first.node.id}: {_reason(first)}{alike}"


def format_ending(outcome: Outcome, folder: Path | None = None, slowest: bool = True) -> list[str]:
    """How it ended and how long it took; with a folder, there is something to go on from.

    With `slowest` it names the node that took longest.
    """
    built = [record for record in outcome.records if record.node.kind.built]
    finished = sum(record.finished for record in built)
    longest = max(built, key=lambda record: record.seconds, default=None)
    reused = sum(record.reused for record in built)
    saved = " saved" if outcome.interrupted else ""
    timing = f"{finished} of {len(built)} nodes{saved} in {outcome.seconds:.1f} s"
    if reused:
        timing += f", {reused} reused"
    if slowest and longest is not None:
        timing += f", {longest.seconds:.1f} s of it for {longest.node.id}"
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


def _fit(rows: list[list[str]], width: int, keys: int) -> list[str]:
    """The table within the width, without the last of many rows."""
    left_out = len(rows) - 1 - _MAX_ROWS
    lines = fit_columns(rows[: _MAX_ROWS + 1], width, keys)
    return [*lines, f"  and {left_out} more rows, see {METRICS}"] if left_out > 0 else lines


def _wrap(lines: Sequence[str], width: int) -> list[str]:
    return list(itertools.chain.from_iterable(wrap_line(line, width) for line in lines))
