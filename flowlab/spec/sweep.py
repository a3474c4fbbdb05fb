"""Sweeps: axes over which parameters of an experiment vary."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import Any

from attrs import frozen

from flowlab.api import Problem
from flowlab.api.nearest_name import nearest
from flowlab.api.node_label import SEED
from flowlab.spec.document import Document
from flowlab.spec.experiment_settings import LARGEST_SEED, MAX_NODES, ExperimentSettings


@frozen
class Axis:
    """One sweep table: parameter paths that vary together, and the settings they take in turn."""

    name: str
    paths: tuple[str, ...]
    settings: tuple[Mapping[str, Any], ...]

    @property
    def nodes(self) -> frozenset[str]:
        """The nodes `kind.name` that it touches."""
        return frozenset(path.rpartition(".")[0] for path in self.paths)

    @property
    def seeds(self) -> bool:
        """Whether it goes over seeds: then it touches all that is computed."""
        return self.paths == (SEED,)


def read_sweeps(document: Document, settings: ExperimentSettings | None) -> tuple[tuple[Axis, ...], list[Problem]]:
    """The sweep tables of a document as axes, and what is wrong with them; without settings, none over `seeds`."""
    axes, problems = [], []
    tables = document.data.get("sweep", {})
    if not isinstance(tables, dict):
        problems.append(Problem(document.where("sweep"), "expected tables [sweep.NAME]"))
        tables = {}
    elif tables and not any(isinstance(table, dict) for table in tables.values()):
        problems.append(Problem(document.where("sweep"), "[sweep] needs a name: [sweep.NAME]"))
        tables = {}
    claimed: dict[str, str] = {}
    for name, table in tables.items():
        if not isinstance(table, dict):
            problems.append(Problem(document.where("sweep", name), "expected a table [sweep.NAME]"))
            continue
        faults = _faults(document, name, table)
        for path in table:
            if path != "use" and claimed.setdefault(path, name) != name:
                where = document.where("sweep", name, path)
                faults.append(Problem(where, f"{path!r} is swept by [sweep.{claimed[path]}] already"))
        problems += faults
        if not faults:
            values = {path: value for path, value in table.items() if path != "use"}
            pair = zip(*values.values(), strict=True) if table.get("use") == "zip" else None
            rows = pair if pair is not None else itertools.product(*values.values())
            axes.append(Axis(name, tuple(values), tuple(dict(zip(values, row, strict=True)) for row in rows)))
    if settings and settings.seeds > 1 and SEED in claimed:
        where = document.where("experiment", "seeds", value=True)
        problems.append(Problem(where, f"[sweep.{claimed[SEED]}] goes over seeds already"))
    elif settings and settings.seeds > 1:
        seeds = range(settings.seed, settings.seed + settings.seeds)
        axes.append(Axis("seeds", (SEED,), tuple({SEED: seed} for seed in seeds)))
    return tuple(axes), problems


def _is_seed(value: Any) -> bool:
    return type(value) is int and 0 <= value <= LARGEST_SEED


def _seed_faults(document: Document, name: str, table: dict[str, Any]) -> list[Problem]:
    """What is wrong with a sweep over seeds."""
    where = document.where("sweep", name, SEED, value=True)
    values = table[SEED]
    if any(path not in ("use", SEED) for path in table):
        rule = f"{SEED!r} stands alone in its sweep: everything is computed at each seed"
        return [Problem(document.where("sweep", name, SEED), rule)]
    if not isinstance(values, list) or not values or not all(map(_is_seed, values)):
        return [Problem(where, f"expected a list of seeds, integers >= 0, found {values!r}")]
    if len(set(values)) < len(values):
        return [Problem(where, "a seed stands here twice")]
    return []


def _faults(document: Document, name: str, table: dict[str, Any]) -> list[Problem]:
    problems = []
    use = table.get("use", "grid")
    if use not in ("grid", "zip"):
        rule = f"use must be 'grid' or 'zip', found {use!r}"
        problems.append(Problem(document.where("sweep", name, "use", value=True), rule))
    lengths, count = {}, 1
    for path, values in table.items():
        if path == "use":
            continue
        kind, _, rest = path.partition(".")
        node, _, key = rest.rpartition(".")
        where = document.where("sweep", name, path)
        known = [
            f"{k}.{n}"
            for k, nodes in document.data.items()
            if isinstance(nodes, dict) and k not in ("sweep", "experiment")
            for n in nodes
        ]
        if path == SEED:
            problems += _seed_faults(document, name, table)
            if isinstance(values, list):
                lengths[path] = len(values)
        elif not node or not key or f"{kind}.{node}" not in known:
            missing = f"there is no [{kind}.{node}]" if node and key else 'expected "kind.name.key" in quotes'
            near = nearest(f"{kind}.{node}", known)
            problems.append(Problem(where, f"{path!r} names no parameter: {missing}", near))
        elif key == "use":
            problems.append(Problem(where, "a sweep varies parameters, not the component in use"))
        elif not isinstance(values, list) or not values:
            found = "an empty one" if values == [] else repr(values)
            where = document.where("sweep", name, path, value=True)
            problems.append(Problem(where, f"expected a list of values, found {found}"))
        elif use == "grid" and len({repr(value) for value in values}) < len(values):
            # two nodes of one name
            problems.append(Problem(document.where("sweep", name, path, value=True), "a value stands here twice"))
        else:
            lengths[path] = len(values)
            count *= len(values)
    if use == "zip" and len(set(lengths.values())) > 1:
        sizes = ", ".join(f"{path} has {size}" for path, size in lengths.items())
        problems.append(Problem(document.where("sweep", name), f"zipped lists differ in length: {sizes}"))
    elif use == "zip" and lengths and not problems:
        rows = list(zip(*(map(repr, values) for path, values in table.items() if path != "use"), strict=True))
        if len(set(rows)) < len(rows):
            problems.append(Problem(document.where("sweep", name), "a combination stands here twice"))
    if use == "grid" and count > MAX_NODES:
        problems.append(Problem(document.where("sweep", name), f"{count} combinations; at most {MAX_NODES}"))
    if not lengths and not problems:
        problems.append(Problem(document.where("sweep", name), "the sweep names no parameter"))
    return problems
