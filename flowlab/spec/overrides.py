"""Values set on the command line: `--set kind.name.key=value`."""

from __future__ import annotations

import copy
from collections.abc import Iterable
from typing import Any

import attrs
import tomli

from flowlab.api import ExperimentError, Problem
from flowlab.api.nearest import nearest
from flowlab.spec.document import Document


def override(document: Document, settings: Iterable[str]) -> Document:
    """The document with values replaced; each is TOML, or a bare string. Raises ExperimentError."""
    data = copy.deepcopy(document.data)
    places = dict(document.overridden)
    problems = []
    for setting in settings:
        dotted, equals, text = setting.partition("=")
        path = _path(dotted)
        where = f"--set {dotted.strip()}"
        if not equals or len(path) != (2 if path[0] == "experiment" else 3) or not all(path):
            problems.append(Problem(f"--set {setting}", "expected kind.name.key=value"))
            continue
        table: Any = data
        for depth, part in enumerate(path[:-1]):
            if not isinstance(table.get(part), dict):
                names = [name for name, value in table.items() if isinstance(value, dict)]
                missing = ".".join(path[: depth + 1])
                problems.append(Problem(where, f"there is no [{missing}]", nearest(part, names)))
                break
            table = table[part]
        else:
            table[path[-1]] = _value(text.strip())
            places[path] = where
    if problems:
        raise ExperimentError(problems)
    return attrs.evolve(document, data=data, overridden=places)


def _path(dotted: str) -> tuple[str, ...]:
    """Kind, name and key; a node's name may itself hold dots."""
    kind, _, rest = dotted.strip().partition(".")
    name, _, key = rest.rpartition(".")
    return (kind, name, key) if name else (kind, key)


def _value(text: str) -> Any:
    try:
        parsed = tomli.loads(f"value = {text}")
    except (tomli.TOMLDecodeError, RecursionError, ValueError):
        return text
    return parsed["value"] if len(parsed) == 1 else text
