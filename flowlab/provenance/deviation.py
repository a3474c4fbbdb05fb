"""Where a run that is computed anew leaves what was recorded of it."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping
from typing import Any

from attrs import frozen

from flowlab.engine.value_diff import format_value, side_by_side
from flowlab.output.run_folder import SUMMARY
from flowlab.output.text_table import align_columns
from flowlab.provenance.lock_file import LockedNode, LockFile
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
    found = []
    for node, was in former.items():
        now = current.get(node)
        if now is None or now.status != was.status:
            found.append(Deviation(node, "status", was.status, now.status if now else "-", math.inf))
        elif furthest := [one for one in _furthest(node, was, now) if one.times > 1]:
            found += furthest
    return sorted(found, key=lambda one: -one.times)


def digest_deviations(
    locked: LockFile,
    lock: Mapping[str, Any],
    former: Mapping[str, NodeSummary],
    current: Mapping[str, NodeSummary],
) -> list[Deviation]:
    """The nodes of another digest, each with the metric that is furthest off, worst first; then files."""
    found: list[list[Deviation]] = []
    for node, trace in locked.nodes.items():
        now = lock["nodes"].get(node, {"status": "-"})
        if trace.status == "skipped":
            continue
        if trace.status != now["status"]:
            found.append([Deviation(node, "status", trace.status, now["status"], math.inf)])
        elif trace.digest != now.get("digest"):
            metrics = list(_furthest(node, former[node], current[node])) if node in former else []
            found.append([_digest(node, _cause(trace, now), trace.digest, now.get("digest")), *metrics])
    found.sort(key=lambda rows: -max(one.times for one in rows))
    return [*itertools.chain(*found), *_files(locked, lock["files"])]


def deviations_table(deviations: list[Deviation]) -> list[str]:
    """Lines of text."""
    rows = [
        (one.where, one.what, one.former, one.current, f"{one.times:.3g}" if 0 < one.times < math.inf else "-")
        for one in deviations
    ]
    return align_columns([_HEADER, *rows])


def _files(locked: LockFile, current: Mapping[str, str]) -> Iterator[Deviation]:
    """The tables and figures of another digest; a summary tells of time, and a table may lack what was skipped."""
    if all(trace.status != "skipped" for trace in locked.nodes.values()):
        for name, digest in locked.files.items():
            if name != SUMMARY and digest != current.get(name):
                yield _digest(name, FILE, digest, current.get(name))


def _furthest(node: str, former: NodeSummary, current: NodeSummary) -> Iterator[Deviation]:
    """The metric that is furthest off, and how many more there are; nothing where all are the same."""
    off = {
        name: (old, new, tolerance_excess(old, new))
        for name, (old, new) in side_by_side(former.metrics, current.metrics)
        if format_value(old) != format_value(new)
    }
    if off:
        name = max(off, key=lambda name: off[name][2])
        more = f" and {len(off) - 1} more" if len(off) > 1 else ""
        old, new, times = off[name]
        yield Deviation(node, name + more, format_value(old), format_value(new), times)


def _cause(trace: LockedNode, now: Mapping[str, Any]) -> str:
    return "digest" if dict(trace.inputs) == now.get("inputs", {}) else "digest, and those of its inputs"


def _digest(where: str, what: str, former: str | None, current: str | None) -> Deviation:
    return Deviation(where, what, (former or "-")[:_SHORT], (current or "-")[:_SHORT], 0.0)
