"""Where a run that is computed anew leaves what was recorded of it."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping

from attrs import frozen

from flowlab.engine.value_diff import format_value, side_by_side
from flowlab.output.run_folder import SUMMARY
from flowlab.output.text_table import align_columns, fit_columns
from flowlab.provenance.lock_content import LockContent, LockedNode
from flowlab.provenance.summary import NodeSummary
from flowlab.provenance.tolerance import tolerance_excess

_HEADER = ("node", "what", "was", "is", "of tolerance")
FILE = "file"
_SHORT = 12  # digits that tell two digests apart at a glance


@frozen
class Deviation:
    """One value of a node, or the digest of a node or file; `times` its tolerance off, 0 for digests."""

    where: str
    what: str
    former: str
    current: str
    times: float


def deviations_beyond_tolerance(
    former: Mapping[str, NodeSummary], current: Mapping[str, NodeSummary]
) -> list[Deviation]:
    """The nodes of other status, or with a metric beyond its tolerance: the furthest one of each, worst first."""
    deviations = []
    for node, was in former.items():
        now = current.get(node)
        if now is None or now.status != was.status:
            deviations.append(Deviation(node, "status", was.status, now.status if now else "-", math.inf))
        else:
            deviations += [deviation for deviation in _furthest(node, was, now) if deviation.times > 1]
    return sorted(deviations, key=lambda deviation: -deviation.times)


def digest_deviations(
    former: LockContent,
    current: LockContent,
    former_summaries: Mapping[str, NodeSummary],
    current_summaries: Mapping[str, NodeSummary],
) -> list[Deviation]:
    """The nodes of another digest, each with the metric that is furthest off, worst first; then files."""
    groups: list[list[Deviation]] = []
    for node, was in former.nodes.items():
        now = current.nodes.get(node, LockedNode("-"))
        if was.status == "skipped":
            continue
        if was.status != now.status:
            groups.append([Deviation(node, "status", was.status, now.status, math.inf)])
        elif was.digest != now.digest:
            summary = former_summaries.get(node)
            metrics = _furthest(node, summary, current_summaries[node]) if summary else ()
            groups.append([_digest(node, _cause(was, now), was.digest, now.digest), *metrics])
    groups.sort(key=lambda group: -max(deviation.times for deviation in group))
    return [*itertools.chain(*groups), *_files(former, current)]


def deviations_table(deviations: list[Deviation], width: int | None = None) -> list[str]:
    """Lines of text; a table wider than `width` in blocks of columns."""
    rows = [
        (row.where, row.what, row.former, row.current, f"{row.times:.3g}" if 0 < row.times < math.inf else "-")
        for row in deviations
    ]
    table = [_HEADER, *rows]
    return align_columns(table) if width is None else fit_columns(table, width, 2, indent=0)


def _files(former: LockContent, current: LockContent) -> Iterator[Deviation]:
    """The tables and figures of another digest; a summary has times, and a table may lack what was skipped."""
    if all(node.status != "skipped" for node in former.nodes.values()):
        for name, digest in former.files.items():
            if name != SUMMARY and digest != current.files.get(name):
                yield _digest(name, FILE, digest, current.files.get(name))


def _furthest(node: str, former: NodeSummary, current: NodeSummary) -> Iterator[Deviation]:
    """The metric that is furthest off, and how many more there are; nothing where all are the same."""
    off = {
        name: (old, new, tolerance_excess(old, new))
        for name, (old, new) in side_by_side(former.cells, current.cells)
        if format_value(old) != format_value(new)
    }
    if off:
        name = max(off, key=lambda name: off[name][2])
        more = f" and {len(off) - 1} more" if len(off) > 1 else ""
        old, new, times = off[name]
        yield Deviation(node, name + more, format_value(old), format_value(new), times)


def _cause(was: LockedNode, now: LockedNode) -> str:
    return "digest" if dict(was.inputs) == dict(now.inputs) else "digest, and those of its inputs"


def _digest(where: str, what: str, former: str | None, current: str | None) -> Deviation:
    return Deviation(where, what, (former or "-")[:_SHORT], (current or "-")[:_SHORT], 0.0)
