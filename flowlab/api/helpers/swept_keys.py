"""Which swept key a figure shows along an axis, which as line styles, and which are left for its panels."""

from __future__ import annotations

import textwrap
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from attrs import frozen

from flowlab.api.errors import NodeError, ValidationIssue
from flowlab.api.nearest_name import nearest
from flowlab.api.node_label import SEED, NodeLabel, short_keys
from flowlab.api.node_spec import NodeSpec

MOST_PANELS = 24


@frozen
class Shown:
    """What a figure shows of a label: the values of the keys that it names, and the rest as a label.

    `rest` has no seed, and no key whose value those of the shown keys determine, such as the partner in a zip.
    """

    values: tuple[Any, ...]
    rest: NodeLabel


def swept_path(label: NodeLabel, key: str) -> str:
    """The path of a swept key, given by its last part or as a whole.

    Raises NodeError where the label has no such key, or several that end alike.
    """
    paths = [path for path in label.settings if path != SEED]
    found = [path for path in paths if path == key] or [path for path in paths if path.rpartition(".")[2] == key]
    if len(found) > 1:
        raise NodeError(f"{key!r} is the last part of {' and '.join(found)}: write the whole path")
    if not found:
        known = [path.rpartition(".")[2] for path in paths]
        near = nearest(key, known)
        hint = f"did you mean {near!r}?" if near else f"swept are: {', '.join(known) or 'no keys'}"
        raise NodeError(f"{label.name!r} is not repeated by a sweep of {key!r} ({hint})")
    return found[0]


def arrange_labels(labels: Iterable[NodeLabel], keys: Sequence[str]) -> dict[NodeLabel, Shown]:
    """What a figure that names some swept keys shows of each label.

    Raises NodeError as `swept_path` does.
    """
    shown = {}
    for label in labels:
        paths = [swept_path(label, key) for key in keys]
        shown[label] = tuple(label.settings[path] for path in paths), label.without(*paths)
    free = remaining_labels({label: values for label, (values, _) in shown.items()})
    return {
        label: Shown(values, rest.without(*(path for path in rest.settings if path not in free[label].settings)))
        for label, (values, rest) in shown.items()
    }


def remaining_labels(shown: Mapping[NodeLabel, Any]) -> dict[NodeLabel, NodeLabel]:
    """Each label without its seed and without the keys whose values are determined by what is shown of it."""
    determined = {name: _determined(name, shown) for name in {label.name for label in shown}}
    return {label: label.without(SEED, *determined[label.name]) for label in shown}


def _determined(name: str, shown: Mapping[NodeLabel, Any]) -> list[str]:
    """The paths of which every label of a name with equal values shown has the same value."""
    labels = [label for label in shown if label.name == name]
    paths = dict.fromkeys(path for label in labels for path in label.settings)
    values: dict[tuple[str, Hashable], set[str]] = {}
    for label in labels:
        for path in paths:
            values.setdefault((path, repr(shown[label])), set()).add(repr(label.settings.get(path)))
    return [path for path in paths if all(len(found) == 1 for (of, _), found in values.items() if of == path)]


def labels_of(nodes: Iterable[NodeSpec]) -> list[NodeLabel]:
    """The labels under which a component will get nodes that it gathers."""
    return [NodeLabel(node.name, node.variant) for node in nodes]


def check_keys(labels: Sequence[NodeLabel], keys: Mapping[str, str]) -> Iterator[ValidationIssue]:
    """What is wrong with the swept keys that the fields of a figure name; `keys` are by field."""
    for field, key in keys.items():
        for label in labels:
            try:
                swept_path(label, key)
            except NodeError as error:
                yield ValidationIssue(field, str(error))
                break
    owners: dict[str, str] = {}
    for field, key in keys.items():
        if owners.setdefault(key, field) != field:
            yield ValidationIssue(field, f"{key!r} is shown by `{owners[key]}` already: name another key")


def check_free_keys(
    field: str, nodes: Iterable[NodeSpec], most: int, purpose: str, known: Sequence[str] = ()
) -> Iterator[ValidationIssue]:
    """Refuse nodes that more swept keys repeat than there is a purpose for; keys that move together count as one.

    Seeds don't count, and neither do keys whose last part is among the `known`.
    """
    labels = labels_of(nodes)
    for name in dict.fromkeys(label.name for label in labels):
        own = [label for label in labels if label.name == name]
        paths = [path for path in own[0].settings if path != SEED and path.rpartition(".")[2] not in known]
        free: list[str] = []
        for path in paths:
            values = {label: [label.settings[other] for other in free] for label in own}
            if any(path in rest.settings for rest in remaining_labels(values).values()):
                free.append(path)
        if len(free) > most:
            keys = " and ".join(map(repr, free))
            yield ValidationIssue(
                field,
                f"{name!r} is repeated by sweeps of {keys}: {purpose}; write a table for each value of the others",
            )


def check_panels(
    field: str, nodes: Sequence[NodeSpec], keys: Sequence[str], advice: str, each: int = 1
) -> Iterator[ValidationIssue]:
    """Refuse more panels than a page holds: `each` per flow and combination of the swept keys not shown.

    Raises NodeError where the keys are not swept.
    """
    rest = {shown.rest for shown in arrange_labels(labels_of(nodes), keys).values()}
    yield from _panel_issues(field, nodes, rest, advice, each)


def check_free_panels(
    field: str, nodes: Sequence[NodeSpec], number: str, advice: str
) -> Iterator[ValidationIssue]:
    """Refuse more panels than a page holds, in a figure over a number that swept keys of that name decide."""
    shown = {
        label: [value for path, value in label.settings.items() if path.rpartition(".")[2] == number]
        for label in labels_of(nodes)
    }
    yield from _panel_issues(field, nodes, set(remaining_labels(shown).values()), advice, 1)


def _panel_issues(
    field: str, nodes: Sequence[NodeSpec], rest: set[NodeLabel], advice: str, each: int
) -> Iterator[ValidationIssue]:
    flows = {node.name: max(1, len(_flows(node))) for node in nodes}
    panels = each * sum(flows[label.name] for label in rest)
    if panels > MOST_PANELS:
        paths = dict.fromkeys(path for label in rest for path in label.settings)
        free = " and ".join(repr(key) for key in short_keys(paths).values())
        cause = f"the values of {free} make" if free else "there would be"
        yield ValidationIssue(field, f"{cause} {panels} panels, at most {MOST_PANELS} fit on a page: {advice}")


def _flows(node: NodeSpec) -> tuple[NodeSpec, ...]:
    """The flows that are classified for an analysis."""
    return tuple(
        flow for classifier in node.inputs.get("classifier", ()) for flow in classifier.inputs.get("flow", ())
    )


def panel_title(name: str, rest: NodeLabel) -> str:
    """The title of a panel: what it shows, and under it the swept values that other panels have otherwise."""
    return "\n".join(text for text in (name, textwrap.fill(setting_text(rest), 34)) if text)


def swept_value(value: Any) -> str:
    """A swept value as a reader of the figure sees it."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list | tuple):
        return ", ".join(map(swept_value, value))
    return f"{value:g}" if isinstance(value, float) else str(value)


def setting_text(label: NodeLabel) -> str:
    """The swept values of a label as a panel or a legend shows them, `width = 50, optimizer = al`."""
    keys = short_keys(label.settings)
    return ", ".join(f"{keys[path]} = {swept_value(value)}" for path, value in label.settings.items())


def distinguish_labels(labels: Iterable[NodeLabel]) -> dict[NodeLabel, str]:
    """The shortest text that distinguishes each label: the setting if all are of one node, else with the name."""
    labels = list(labels)
    same_node = len({label.name for label in labels}) == 1 and len(labels) > 1
    return {
        label: ": ".join(text for text in ("" if same_node else label.name, setting_text(label)) if text)
        or label.name
        for label in labels
    }
