"""Values set on the command line: `--set kind.name.key=value`; `executor=NAME` chooses the executor."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import attrs
import tomli

from flowlab.api import ExperimentError, Problem
from flowlab.api.nearest_name import nearest
from flowlab.spec.document import Document

EXECUTOR, TRACKER = "executor", "tracker"


def executor_overrides(executor: str | None) -> list[str]:
    """The setting that chooses an executor, none where no name is given."""
    return [] if executor is None else [f"{EXECUTOR}={executor}"]


def apply_overrides(document: Document, settings: Iterable[str]) -> Document:
    """The document with values replaced; each is TOML, or a bare string. Raises ExperimentError.

    As an experiment has one executor at most, its keys need no name: `executor.key=value`. `executor=NAME` puts
    the component of that name in its place, unless the document says so already; `executor=none` takes it away.
    A tracker, to which nothing refers, needs no table: `tracker.NAME.use=value` makes it.
    """
    data = copy.deepcopy(document.data)
    places = dict(document.overridden)
    starts = dict(document.starts)
    problems = []
    for setting in settings:
        dotted, equals, text = setting.partition("=")
        if equals and dotted.strip() == EXECUTOR:
            _choose(data, places, text.strip())
            continue
        path = _path(dotted, data)
        where = f"--set {dotted.strip()}"
        if not equals or len(path) != (2 if path[0] == "experiment" else 3) or not all(path):
            problems.append(Problem(f"--set {setting}", "expected kind.name.key=value"))
            continue
        if path[0] == TRACKER and path[2] == "use" and isinstance(data.setdefault(TRACKER, {}), dict):
            data[TRACKER].setdefault(path[1], {})
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
            starts[path] = Path()
    if problems:
        raise ExperimentError(problems)
    return attrs.evolve(document, data=data, overridden=places, starts=starts)


def _choose(data: dict[str, Any], places: dict[tuple[str, ...], str], name: str) -> None:
    """Make the component of this name the executor, with its defaults where the document doesn't say more."""
    declared = data.pop(EXECUTOR, {})
    tables = declared.items() if isinstance(declared, dict) else ()
    same = {key: table for key, table in tables if isinstance(table, dict) and table.get("use") == name}
    if name != "none":
        data[EXECUTOR] = same or {name: {"use": name}}
        places |= {} if same else {(EXECUTOR, name): f"--set {EXECUTOR}={name}"}


def _path(dotted: str, data: Mapping[str, Any]) -> tuple[str, ...]:
    """Kind, name and key; a node's name may itself hold dots."""
    kind, _, rest = dotted.strip().partition(".")
    name, _, key = rest.rpartition(".")
    executors = data.get(EXECUTOR)
    if kind == EXECUTOR and not name and isinstance(executors, dict) and len(executors) == 1:
        name = next(iter(executors))
    return (kind, name, key) if name else (kind, key)


def _value(text: str) -> Any:
    try:
        parsed = tomli.loads(f"value = {text}")
    except (tomli.TOMLDecodeError, RecursionError, ValueError):
        return text
    return parsed["value"] if len(parsed) == 1 else text
