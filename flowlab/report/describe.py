"""One component, with all its keys."""

from __future__ import annotations

import inspect
import typing
from collections.abc import Iterator
from typing import Any

import attrs

from flowlab.api import ExperimentError, Parameter, Problem, Reference, about
from flowlab.api.nearest import nearest
from flowlab.registry.entry_points import Entry
from flowlab.registry.registry import Registry
from flowlab.registry.source import source
from flowlab.report.aligned import aligned
from flowlab.spec.structure import spoken


def find(registry: Registry, text: str) -> Entry:
    """The entry of `name`, `kind:name` or `distribution:name`. Raises ExperimentError."""
    qualifier, _, name = text.rpartition(":")
    named = [entry for entry in registry.entries if entry.name == name]
    matches = [entry for entry in named if qualifier in ("", entry.kind, entry.distribution)]
    if len(matches) == 1:
        return matches[0]
    if not matches:
        hint = f"{named[0].kind}:{name}" if named else nearest(name, [e.name for e in registry.entries])
        raise ExperimentError([Problem(text, "there is no such component", hint)])
    # A qualifier that tells them apart: the kind, or where two share it, the distribution.
    kinds = {entry.kind for entry in matches}
    full = [f"{e.kind if len(kinds) == len(matches) else e.distribution}:{name}" for e in matches]
    raise ExperimentError([Problem(text, f"several components have this name: {', '.join(full)}")])


def describe(entry: Entry) -> str:
    """The component's docstring, its keys, and where it is written."""
    component = entry.load()
    place = source(entry)
    hints = typing.get_type_hints(component)
    parts = [
        [f"{entry.kind} {entry.name} ({entry.distribution} {entry.version})"],
        (inspect.getdoc(component) or "").splitlines(),
        _section("references", (_reference(*pair) for pair in _fields(component, Reference))),
        _section("parameters", (_parameter(*pair, hints) for pair in _fields(component, Parameter))),
        [":".join(str(part) for part in (place.file, place.line) if part is not None)],
    ]
    return "\n\n".join("\n".join(part) for part in parts if any(part))


def _fields(component: type, form: type) -> Iterator[tuple[attrs.Attribute[Any], Any]]:
    for attribute in attrs.fields(component):
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
