"""What an integrator's own step does to the classes of the endpoints."""

from __future__ import annotations

from flowlab.api.kinds.classifier import Classes

HALF_STEP = "changed_at_half_step"  # the place of the counts among a classifier's metrics
_MOST = 0.01  # share of the endpoints that may change


def half_step_shortfall(classes: Classes) -> str | None:
    """Say which flows' endpoints change at half the step, more than 1 % of them; None where no flow's do."""
    found = []
    for flow, changed in classes.changed.items():
        total = len(classes.labels[flow])
        if changed is not None and changed > _MOST * total:
            found.append(f"{flow}: {changed} of {total} endpoints change at half the step")
    return "; ".join(found) or None
