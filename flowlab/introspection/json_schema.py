"""The language as JSON Schema, for editors: what the installed components are and what their tables hold.

A schema sees a table's keys, types, choices and ranges. It can't follow a name to another table, so references
to nodes that aren't there, circles and misfits are left to `flowlab check`; and as a sweep, or a file that is
extended, can give a key that a table lacks, keys are required only in experiments without the two.
"""

from __future__ import annotations

import hashlib
import inspect
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from attrs import frozen

from flowlab.api import KINDS, PluginError
from flowlab.api.node_label import SEED
from flowlab.api.value_types import type_words, yielded_types
from flowlab.output.jsonable import to_json
from flowlab.output.run_folder import write_file
from flowlab.output.terminal import echo
from flowlab.registry.entry_points import Entry
from flowlab.registry.registry import Registry
from flowlab.registry.source import find_source
from flowlab.spec.experiment_settings import NAME, ExperimentSettings
from flowlab.spec.extends import EXTENDS, FileSettings
from flowlab.spec.node_settings import NodeSettings, can_be_pinned
from flowlab.spec.value_schema import Schema, required, table_schema, whole_pattern

DIALECT = "https://json-schema.org/draft/2020-12/schema"
# To an editor (tombi) a part of a schema that names keys is closed unless it says otherwise.
_OPEN = {"additionalProperties": True}
_NAMES_COMPONENT = {"additionalProperties": {"required": ["use"], **_OPEN}}
_CHANGES_BASE = {
    "description": "keys that change a table of the file that this one extends",
    "type": "object",
    "not": {"required": ["use"], **_OPEN},
    **_OPEN,
}


@frozen
class _Definition:
    """One component, under its key in `$defs`, with all the names that mean it."""

    kind: str
    key: str
    uses: tuple[str, ...]
    summary: str
    table: Mapping[str, Schema]
    required: tuple[str, ...]

    @property
    def schema(self) -> Schema:
        """The component's table."""
        use = {"description": "the component", "enum": list(self.uses)}
        return {
            "type": "object",
            "title": f"{self.kind} {self.uses[0]}",
            "description": self.summary,
            "properties": {"use": use, **self.table},
            "required": ["use"],
            "additionalProperties": False,
        }


def write_schema(registry: Registry, out: Path | None) -> None:
    """Write the schema to a file, or say it; warn of components that it leaves out. Raises OutputError."""
    content, faults = language_schema(registry)
    for fault in faults:
        print(f"warning: {fault}", file=sys.stderr)
    if out is None:
        echo(to_json(content))
    else:
        write_file(out.absolute(), f"{to_json(content)}\n".encode())


def language_schema(registry: Registry) -> tuple[Schema, list[str]]:
    """The schema of an experiment, and what is wrong with the components that it leaves out."""
    definitions: list[_Definition] = []
    faults: list[str] = []
    for entry in registry.entries:
        try:
            definitions.append(_definition(registry, entry))
        except PluginError as error:
            faults.append(str(error))
    by_kind = {kind: [definition for definition in definitions if definition.kind == kind] for kind in KINDS}
    extends = {"properties": {"experiment": {"required": [EXTENDS], **_OPEN}}, **_OPEN}
    content = {
        "$schema": DIALECT,
        "$comment": _plugins(registry),
        "title": "a flowlab experiment",
        "type": "object",
        "properties": {
            "experiment": _experiment(),
            **{kind: _nodes(kind, of_kind) for kind, of_kind in by_kind.items()},
            "sweep": _tables("parameters that vary together", _sweep(by_kind), None),
        },
        "required": ["experiment"],
        "additionalProperties": False,
        "allOf": [
            {
                "if": {"anyOf": [{"required": ["sweep"], **_OPEN}, extends]},
                "else": {"properties": {kind: _complete(of_kind) for kind, of_kind in by_kind.items()}, **_OPEN},
            },
            {"if": extends, "else": {"properties": dict.fromkeys(by_kind, _NAMES_COMPONENT), **_OPEN}},
        ],
        "$defs": {definition.key: definition.schema for definition in definitions},
    }
    return content, faults


def _definition(registry: Registry, entry: Entry) -> _Definition:
    use, full = registry.use(entry), f"{entry.distribution}:{entry.name}"
    component = entry.load()
    return _Definition(
        entry.kind,
        f"{entry.kind}.{use}",
        tuple(dict.fromkeys((use, full))),
        " ".join(filter(None, (find_source(entry).summary, _yields(component, entry.kind)))),
        {
            **(table_schema(NodeSettings) if can_be_pinned(KINDS[entry.kind], component) else {}),
            **table_schema(component),
        },
        tuple(required(component)),
    )


def _yields(component: type, kind: str) -> str:
    """The class of a component's value, as a sentence; empty where it is not declared."""
    yielded = yielded_types(component, kind)
    return f"Yields {type_words(yielded)}." if yielded else ""


def _plugins(registry: Registry) -> str:
    """The distributions that the schema is made of, and a digest that changes with any of them."""
    versions = sorted({f"{entry.distribution} {entry.version}" for entry in registry.entries})
    digest = hashlib.sha256("\n".join(versions).encode()).hexdigest()
    return f"components of {', '.join(versions)}; sha256 {digest}"


def _experiment() -> Schema:
    return {
        "description": inspect.getdoc(ExperimentSettings),
        "type": "object",
        "properties": {**table_schema(ExperimentSettings), **table_schema(FileSettings)},
        "required": required(ExperimentSettings),
        "additionalProperties": False,
    }


def _nodes(kind: str, definitions: Iterable[_Definition]) -> Schema:
    """The tables of a kind: each is what its `use` says, or without one changes a table of another file."""
    choices: list[Schema] = [{"$ref": f"#/$defs/{_pointer(definition.key)}"} for definition in definitions]
    return _tables(KINDS[kind].help, {"oneOf": [*choices, _CHANGES_BASE]} if choices else False, NAME.expression)


def _tables(text: str, table: Schema | bool, name: str | None) -> Schema:
    names = {"propertyNames": {"pattern": whole_pattern(name)}} if name else {}
    return {"description": text, "type": "object", **names, "additionalProperties": table}


def _complete(definitions: Iterable[_Definition]) -> Schema:
    """The keys that each component's table needs."""
    rules = [
        {
            "if": {"properties": {"use": {"enum": list(definition.uses)}}, "required": ["use"], **_OPEN},
            "then": {"required": list(definition.required), **_OPEN},
        }
        for definition in definitions
        if definition.required
    ]
    return {"additionalProperties": {"allOf": rules, **_OPEN} if rules else True}


def _sweep(by_kind: Mapping[str, Iterable[_Definition]]) -> Schema:
    """A sweep's table: values that a component of the kind admits, by `kind.name.key`."""
    return {
        "type": "object",
        "properties": {
            "use": {
                "description": "every combination, or the values of several keys in pairs",
                "enum": ["grid", "zip"],
                "default": "grid",
            }
        },
        "patternProperties": {
            rf"^{re.escape(SEED)}$": {
                "type": "array",
                "items": {"$ref": "#/properties/experiment/properties/seed"},
                "minItems": 1,
            }
        }
        | {
            rf"^{kind}\.[A-Za-z0-9][A-Za-z0-9_.-]*\.{re.escape(key)}$": {
                "type": "array",
                "items": {"anyOf": [{"$ref": place} for place in places]},
                "minItems": 1,
            }
            for kind, definitions in by_kind.items()
            for key, places in _places(definitions)
        },
        "additionalProperties": False,
        "not": {"propertyNames": {"const": "use"}},  # a sweep of nothing
    }


def _places(definitions: Iterable[_Definition]) -> Iterator[tuple[str, list[str]]]:
    """Each key of a kind, and where the definitions have it."""
    places: dict[str, list[str]] = {}
    for definition in definitions:
        for key in definition.table:
            places.setdefault(key, []).append(f"#/$defs/{_pointer(definition.key)}/properties/{_pointer(key)}")
    yield from places.items()


def _pointer(key: str) -> str:
    """A key as part of a JSON pointer in a URI fragment."""
    return key.replace("~", "~0").replace("/", "~1")
