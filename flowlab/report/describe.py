"""One component, with all its keys."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from typing import Any

import attrs

from flowlab.api import KINDS, ExperimentError, Parameter, PluginError, Problem, Reference, about
from flowlab.api.nearest import nearest
from flowlab.registry.entry_points import Entry
from flowlab.registry.registry import Registry
from flowlab.registry.source import source
from flowlab.registry.stand_in import stand_in
from flowlab.report.aligned import aligned
from flowlab.report.catalogue import origin
from flowlab.spec.structure import spoken, types_of


def find(registry: Registry, text: str) -> Entry:
    """The entry of `name`, `kind:name` or `distribution:name`. Raises ExperimentError."""
    name = text.rpartition(":")[2]
    named = [entry for entry in registry.entries if entry.name == name]
    matches = [entry for entry in named if text == f"{entry.kind}:{name}" or entry.means(text)]
    if len(matches) == 1:
        return matches[0]
    if not matches:
        absence = next(filter(None, (registry.absence(kind, text.removeprefix(f"{kind}:")) for kind in KINDS)), "")
        hint = f"{named[0].kind}:{name}" if named else nearest(name, [e.name for e in registry.entries])
        said = f"there is no such component{absence and f'; {absence}'}"
        raise ExperimentError([Problem(text, said, None if absence else hint)])
    # A qualifier that tells them apart: the kind, or where two share it, the distribution.
    kinds = {entry.kind for entry in matches}
    full = [f"{e.kind if len(kinds) == len(matches) else e.distribution}:{name}" for e in matches]
    raise ExperimentError([Problem(text, f"several components have this name: {', '.join(full)}")])


def describe(entry: Entry) -> str:
    """The component's docstring, its keys, whom it is from, and where it is written.

    Of one that can't be loaded, what its source tells, and why it can't.
    """
    place = source(entry)
    component: type[Any] | None
    try:
        component, fault = entry.load(), ""
        hints = types_of(component)
    except PluginError as error:
        component, fault = stand_in(place), f"can't be used: {error}"
        hints = getattr(component, "__annotations__", {})
    parts = [
        [f"{entry.kind} {entry.name} ({entry.distribution} {entry.version})"],
        (inspect.getdoc(component) or "").splitlines() if component else [],
        _section("references", (_reference(*pair) for pair in _fields(component, Reference))),
        _section("parameters", (_parameter(*pair, hints) for pair in _fields(component, Parameter))),
        [fault],
        [f"{origin(entry)}, {entry.root}", *([place.place] if place.file else [])],
    ]
    return "\n\n".join("\n".join(part) for part in parts if any(part))


def _fields(component: type | None, form: type) -> Iterator[tuple[attrs.Attribute[Any], Any]]:
    for attribute in attrs.fields(component) if component else ():
        if attribute.init and isinstance(about(attribute), form):
            yield attribute, about(attribute)


def _section(title: str, rows: Iterator[tuple[str, ...]]) -> list[str]:
    lines = aligned(list(rows), indent=2)
    return [title, *lines] if lines else []


def _parameter(attribute: attrs.Attribute[Any], item: Parameter, hints: dict[str, Any]) -> tuple[str, ...]:
    unit = f" [{item.unit}]" if item.unit else ""
    return attribute.name, spoken(hints[attribute.name]), _default(attribute), item.range, f"{item.help}{unit}"


def _reference(attribute: attrs.Attribute[Any], item: Reference) -> tuple[str, ...]:
    return attribute.name, f"{item.kind}{' (several)' if item.many else ''}", _default(attribute), item.help


def _default(attribute: attrs.Attribute[Any]) -> str:
    """The default as written in TOML."""
    default: Any = attribute.default
    if default is attrs.NOTHING:
        return "required"
    if isinstance(default, attrs.Factory):  # type: ignore[arg-type]
        return "computed" if default.takes_self else f"= {_toml(default.factory())}"
    return "optional" if default is None else f"= {_toml(default)}"


def _toml(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return f'"{value}"'
    if isinstance(value, tuple | list):
        return f"[{', '.join(map(_toml, value))}]"
    return str(value)
