"""The lines that tell of a node, the same in a log and beside the live table."""

from __future__ import annotations

from collections.abc import Mapping

from flowlab.engine.outcome import Record


def format_resume(name: str, done: int, total: int) -> str:
    """A node that goes on where an interrupted run left it, in one line."""
    return f"{name} resumes from step {done} of {total}"


def format_end(record: Record) -> str:
    """A finished node in one line."""
    reason = record.message or (record.result and record.result.shortfall) or ""
    timing = "" if record.status == "skipped" else f" in {record.seconds:.1f} s"
    origin = ", reused," if record.reused else ""
    return f"{record.node.id}: {record.status}{origin}{timing}" + (f": {reason}" if reason else "")


def format_figures(figures: Mapping[str, float]) -> str:
    """Figures of progress, each led by a comma."""
    return "".join(f", {name} {value:.3g}" for name, value in figures.items())
