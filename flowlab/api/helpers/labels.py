"""The parts of the labels of nodes that a sweep repeats, `name[key=value,key=value]`."""

from __future__ import annotations

import re
from collections.abc import Iterable

from flowlab.api.errors import NodeError


def without_setting(label: str) -> str:
    """The name of the node in a label, without the swept values."""
    return label.partition("[")[0]


def setting(label: str) -> str:
    """The text in the brackets of a label, empty for a node that no sweep repeats."""
    return label.partition("[")[2].removesuffix("]")


def without_seed(label: str) -> tuple[str, int | None]:
    """A label without its seed, and the seed; None where there is no sweep over seeds."""
    match = re.search(r"(?:^|,)seed=(\d+)", setting(label))
    return (label, None) if match is None else (_remove(label, match[0]), int(match[1]))


def swept_number(label: str, key: str) -> tuple[str, float]:
    """A label without one swept key, and the number that the key has in it.

    Raises NodeError where the label has no such key, or its value is no number.
    """
    pattern = rf"(?:^|,){re.escape(key)}=([^,]*)"
    match = re.search(pattern, setting(label))
    if match is None:
        raise NodeError(f"{label!r} is not repeated by a sweep of {key!r}")
    try:
        value = float(match[1])
    except ValueError:
        raise NodeError(f"{key} = {match[1]} in {label!r} is no number") from None
    return _remove(label, match[0]), value


def _remove(label: str, part: str) -> str:
    rest = setting(label).replace(part, "", 1).lstrip(",")
    return without_setting(label) + (f"[{rest}]" if rest else "")


def distinguishing(labels: Iterable[str]) -> dict[str, str]:
    """The shortest text that distinguishes each label: the setting if all are of one node, else the label."""
    labels = list(labels)
    same_node = len({without_setting(label) for label in labels}) == 1 and len(labels) > 1
    return {label: setting(label) if same_node else label for label in labels}
