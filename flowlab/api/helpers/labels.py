"""The labels of nodes that a sweep repeats, `name[key=value,key=value]`, taken apart."""

from __future__ import annotations

import re
from collections.abc import Iterable

from flowlab.api.errors import NodeError


def without_setting(label: str) -> str:
    """The node's name alone."""
    return label.partition("[")[0]


def setting(label: str) -> str:
    """What stands in a label's brackets, empty for a node that no sweep repeats."""
    return label.partition("[")[2].removesuffix("]")


def without_seed(label: str) -> tuple[str, int | None]:
    """A label without its seed, and the seed; None where no sweep goes over seeds."""
    found = re.search(r"(?:^|,)seed=(\d+)", setting(label))
    return (label, None) if found is None else (_without(label, found[0]), int(found[1]))


def swept_number(label: str, key: str) -> tuple[str, float]:
    """A label without one swept key, and the number that the key has there. Raises NodeError for none."""
    pattern = rf"(?:^|,){re.escape(key)}=([^,]*)"
    found = re.search(pattern, setting(label))
    if found is None:
        raise NodeError(f"{label!r} is not repeated by a sweep of {key!r}")
    try:
        value = float(found[1])
    except ValueError:
        raise NodeError(f"{key} = {found[1]} in {label!r} is no number") from None
    return _without(label, found[0]), value


def _without(label: str, part: str) -> str:
    rest = setting(label).replace(part, "", 1).lstrip(",")
    return without_setting(label) + (f"[{rest}]" if rest else "")


def distinguishing(labels: Iterable[str]) -> dict[str, str]:
    """What tells labels apart: the settings where all are repetitions of one node, else the labels."""
    labels = list(labels)
    alone = len({without_setting(label) for label in labels}) == 1 and len(labels) > 1
    return {label: setting(label) if alone else label for label in labels}
