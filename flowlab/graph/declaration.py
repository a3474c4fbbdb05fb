"""The tables of an experiment as checked declarations, before sweeps multiply them."""

from __future__ import annotations

import re
from typing import Any

from attrs import frozen

from flowlab.api import KINDS, Kind, PluginError, Problem
from flowlab.api.nearest_name import nearest
from flowlab.registry.entry_points import Entry
from flowlab.registry.registry import Registry
from flowlab.spec.document import Document
from flowlab.spec.experiment_settings import NAME, ExperimentSettings
from flowlab.spec.structure import structure_table
from flowlab.spec.type_names import describe_value


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


def read_settings(document: Document) -> tuple[ExperimentSettings | None, list[Problem]]:
    """What `[experiment]` says, or None and what is wrong with it."""
    table = document.data.get("experiment")
    if not isinstance(table, dict):
        rule = "an experiment needs a table [experiment] with a name"
        return None, [Problem(document.where("experiment"), rule)]
    return structure_table(ExperimentSettings, table, document, ("experiment",), "[experiment]")


def read_declarations(document: Document, registry: Registry) -> tuple[list[Declaration], list[Problem]]:
    """All nodes whose component could be found, and what is wrong with the others.

    Raises PluginError, with all their places, where installed components can't be loaded: the file isn't to
    blame, and what it may hold isn't known before they can.
    """
    declarations: list[Declaration] = []
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
                declaration = _declare(document, registry, KINDS[kind], name, table)
            except PluginError as error:
                defects.append(f"{document.where(kind, name, 'use', value=True)}: {error}")
                continue
            if isinstance(declaration, Problem):
                problems.append(declaration)
            else:
                declarations.append(declaration)
    if defects:
        raise PluginError("\n".join(defects))
    return declarations, problems


def _declare(document: Document, registry: Registry, kind: Kind, name: str, table: Any) -> Declaration | Problem:
    if not isinstance(table, dict):
        return Problem(document.where(kind.name, name), f"expected a table [{kind.name}.NAME]")
    header = document.where(kind.name, name)
    if not re.fullmatch(NAME.expression, name):
        return Problem(header, f"a node's name must be {NAME.rule}, found {describe_value(name)}")
    use = table.get("use")
    if not isinstance(use, str):
        choices = ", ".join(registry.names(kind.name))
        return Problem(header, f'[{kind.name}.{name}] needs use = "...", one of: {choices}')
    where = document.where(kind.name, name, "use", value=True)
    matching = registry.matching(kind.name, use)
    if not matching:
        names = registry.names(kind.name)
        absence = registry.absence(kind.name, use)
        reason = absence or f"there are: {', '.join(names)}"
        message = f"no {kind.name} is called {use!r}; {reason}"
        return Problem(where, message, None if absence else nearest(use, names))
    if len(matching) > 1:
        owners = " or ".join(repr(f"{entry.distribution}:{entry.name}") for entry in matching)
        return Problem(where, f"{use!r} is claimed by several distributions: write {owners}")
    return Declaration(kind, name, use, matching[0], matching[0].load())
