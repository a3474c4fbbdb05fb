"""The tables of an experiment as checked declarations, before sweeps multiply them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from attrs import frozen

from flowlab.api import KINDS, Kind, PluginError, Problem
from flowlab.api.nearest import nearest
from flowlab.registry.entry_points import Entry
from flowlab.registry.registry import Registry
from flowlab.spec.document import Document
from flowlab.spec.sweep import is_seed

NAME = r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}"
DTYPES = ("float64", "float32")
EXPERIMENT_KEYS = ("name", "seed", "seeds", "dtype", "threads")
MOST_THREADS = 1024


@frozen
class Declaration:
    """One `[kind.name]` table whose component is known."""

    kind: Kind
    name: str
    use: str
    entry: Entry
    component: type[Any]

    @property
    def path(self) -> tuple[str, str]:
        """Its place in the document."""
        return self.kind.name, self.name

    @property
    def id(self) -> str:
        """`kind.name`."""
        return f"{self.kind.name}.{self.name}"


def check_experiment_table(document: Document) -> Iterator[Problem]:
    """What is wrong with `[experiment]`."""
    table = document.data.get("experiment")
    if not isinstance(table, dict):
        yield Problem(document.where("experiment"), "an experiment needs a table [experiment] with a name")
        return
    known = EXPERIMENT_KEYS
    for key in table:
        if key not in known:
            where = document.where("experiment", key)
            yield Problem(where, f"{key!r} is no key of [experiment]", nearest(key, known))
    if "name" not in table:
        yield Problem(document.where("experiment"), "[experiment] needs a name")
    elif not isinstance(table["name"], str) or not re.fullmatch(NAME, table["name"]):
        where = document.where("experiment", "name", value=True)
        yield Problem(where, f"name {NAME_RULE}, found {_shorten(table['name'])}")
    seed = table.get("seed", 0)
    if not is_seed(seed):
        where = document.where("experiment", "seed", value=True)
        yield Problem(where, f"seed must be an integer >= 0, found {seed!r}")
    if table.get("dtype", "float64") not in DTYPES:
        where = document.where("experiment", "dtype", value=True)
        yield Problem(where, f"dtype must be {' or '.join(map(repr, DTYPES))}, found {table['dtype']!r}")
    threads = table.get("threads", 1)
    if type(threads) is not int or not 1 <= threads <= MOST_THREADS:
        where = document.where("experiment", "threads", value=True)
        yield Problem(where, f"threads must be an integer from 1 to {MOST_THREADS}, found {threads!r}")


NAME_RULE = "must be 1 to 100 letters, digits, '_', '-' or '.', the first a letter or digit"


def _shorten(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def read_declarations(document: Document, registry: Registry) -> tuple[list[Declaration], list[Problem]]:
    """All nodes whose component could be found, and what is wrong with the others.

    Raises PluginError, with all their places, where installed components can't be loaded: the file isn't to
    blame, and what it may hold isn't known before they can.
    """
    found: list[Declaration] = []
    problems: list[Problem] = []
    defects: list[str] = []
    for kind, nodes in document.data.items():
        if kind in ("experiment", "sweep"):
            continue
        if kind not in KINDS:
            where = document.where(kind)
            if isinstance(nodes, dict | list):
                near = nearest(kind, ("experiment", "sweep", *KINDS))
                problems.append(Problem(where, f"{kind!r} is no kind of component", near))
            else:
                problems.append(Problem(where, f"{kind!r} stands outside of any table"))
            continue
        if not isinstance(nodes, dict):
            problems.append(Problem(document.where(kind), f"expected tables [{kind}.NAME]"))
            continue
        if nodes and not any(isinstance(table, dict) for table in nodes.values()):
            problems.append(Problem(document.where(kind), f"[{kind}] needs a name: [{kind}.NAME]"))
            continue
        for name, table in nodes.items():
            try:
                one = _declare(document, registry, KINDS[kind], name, table)
            except PluginError as error:
                defects.append(f"{document.where(kind, name, 'use', value=True)}: {error}")
                continue
            if isinstance(one, Problem):
                problems.append(one)
            else:
                found.append(one)
    if defects:
        raise PluginError("\n".join(defects))
    return found, problems


def _declare(document: Document, registry: Registry, kind: Kind, name: str, table: Any) -> Declaration | Problem:
    if not isinstance(table, dict):
        return Problem(document.where(kind.name, name), f"expected a table [{kind.name}.NAME]")
    header = document.where(kind.name, name)
    if not re.fullmatch(NAME, name):
        return Problem(header, f"a node's name {NAME_RULE}, found {_shorten(name)}")
    use = table.get("use")
    if not isinstance(use, str):
        choices = ", ".join(registry.names(kind.name))
        return Problem(header, f'[{kind.name}.{name}] needs use = "...", one of: {choices}')
    where = document.where(kind.name, name, "use", value=True)
    matching = registry.matching(kind.name, use)
    if not matching:
        names = registry.names(kind.name)
        absence = registry.absence(kind.name, use)
        said = absence or f"there are: {', '.join(names)}"
        message = f"no {kind.name} is called {use!r}; {said}"
        return Problem(where, message, None if absence else nearest(use, names))
    if len(matching) > 1:
        owners = " or ".join(repr(f"{entry.distribution}:{entry.name}") for entry in matching)
        return Problem(where, f"{use!r} is claimed by several distributions: write {owners}")
    return Declaration(kind, name, use, matching[0], matching[0].load())
