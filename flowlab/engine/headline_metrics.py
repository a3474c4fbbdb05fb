"""The few figures of a result that are shown when its node ends."""

from __future__ import annotations

from flowlab.engine.format_error import format_error
from flowlab.engine.outcome import Record


def headline_metrics(record: Record) -> str:
    """What the component's own `headline(result)` says, else its kind's. Empty without a result."""
    if record.result is None:
        return ""
    component = record.node.component
    headline = component.headline if callable(getattr(component, "headline", None)) else record.node.kind.headline
    try:
        return str(headline(record.result))
    except Exception as error:  # a defect of the component must not end the run
        return f"no headline: {format_error(error)}"
