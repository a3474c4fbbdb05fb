"""The lines that tell of a node, the same in a log and beside the live table."""

from __future__ import annotations

from collections.abc import Mapping

from flowlab.engine.format_error import format_error
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


def format_headline(record: Record) -> str:
    """The few figures of a result, as its component's `headline(result)` or its kind's says; empty without one."""
    if record.result is None:
        return ""
    component = record.node.component
    headline = component.headline if callable(getattr(component, "headline", None)) else record.node.kind.headline
    try:
        return str(headline(record.result))
    except Exception as error:  # a defect of the component must not end the run
        return f"no headline: {format_error(error)}"
