"""The effect of an integrator's step on the classes of the endpoints."""

from __future__ import annotations

from flowlab.api.kinds.classifier import Classes

HALF_STEP = "changed_at_half_step"  # the key of the counts among the metrics of a classifier
_MOST = 0.01  # share of the endpoints that may change


def half_step_shortfall(classes: Classes) -> str | None:
    """The flows of which more than 1 % of the endpoints change at half the step, in words; None if none do."""
    parts = []
    for flow, changed in classes.changed.items():
        total = len(classes.labels[flow])
        if changed is not None and changed > _MOST * total:
            parts.append(f"{flow}: {changed} of {total} endpoints change at half the step")
    return "; ".join(parts) or None
