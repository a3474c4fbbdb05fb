"""Labels in a run's summary, where they are text: `name[key=value,key=value]`."""

from __future__ import annotations


def without_setting(label: str) -> str:
    """The name of the node in a label, without the swept values."""
    return label.partition("[")[0]
