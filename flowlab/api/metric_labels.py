"""What metrics are called where people read them: on the terminal, on pages, in comparisons, in figures."""

from __future__ import annotations

METRIC_LABELS = {
    "violation_max": "largest violation",
    "violation_rms": "rms violation",
    "mse": "training MSE",
    "cost": "cost",
    "cost_balanced": "balanced cost",
    "cost_ratio": "cost / closed form",
    "slab_ratio": "cost / slabs",
    "balanced_ratio": "balanced cost / slabs",
    "gap_proved": "proved gap",
    "gap_estimate": "estimated gap",
}
"""By the metric's name. Of all of them, less is better."""


def metric_label(metric: str) -> str:
    """What a metric is called; one without a label by its name, its words apart."""
    return METRIC_LABELS.get(metric, metric.replace("_", " "))
