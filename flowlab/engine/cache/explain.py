"""Whether a node would be computed or reused, and why."""

from __future__ import annotations

import json
from pathlib import Path

from flowlab.api import ExperimentError, Problem
from flowlab.api.nearest_name import nearest
from flowlab.engine.cache.forecast import forecast_node
from flowlab.engine.cache.key import CacheKeys
from flowlab.engine.cache.key_diff import KeyDiff
from flowlab.engine.cache.store import Store
from flowlab.engine.cache.tensor_file import SCHEMA
from flowlab.engine.device import resolve_device
from flowlab.engine.threads import thread_count
from flowlab.graph.graph import Graph
from flowlab.graph.node import Node

_MAX_CHANGES = 12  # of a node: more of them help nobody


def explain_node(graph: Graph, name: str, device: str, store: Store) -> str:
    """What the next run would do with a node, in all its settings. Raises ExperimentError where there is none."""
    nodes = [node for node in graph.nodes if name in (node.id, node.declared)]
    if not nodes:
        hint = nearest(name, [node.id for node in graph.nodes])
        raise ExperimentError([Problem(str(graph.path), f"there is no node {name!r}", hint)])
    keys = CacheKeys(graph.seed, graph.dtype, resolve_device(device).type, thread_count(graph))
    return "\n".join(_explain_setting(node, keys, store) for node in nodes)


def _explain_setting(node: Node, keys: CacheKeys, store: Store) -> str:
    """What the next run would do with a node in one setting of the sweeps."""
    forecast = forecast_node(node, keys, store)
    match forecast.action:
        case "hand on":
            return f"{node.id}: nothing to compute, it is handed on as it is"
        case "reuse":
            return f"{node.id}: would be reused, computed in {forecast.seconds:.1f} s\n  {forecast.path}"
        case "build value":
            value = f"its value, a {forecast.value_type}, has no form there: built again where a node needs it"
            half = f"its metrics are stored, {value}"
            return f"{node.id}: {half}, in {forecast.seconds:.1f} s\n  {forecast.path}"
    if forecast.fault:
        return f"{node.id}: would be computed\n  {forecast.path}: {forecast.fault}"
    return "\n".join([f"{node.id}: would be computed", *explain_absence(node, keys, store)])


def explain_absence(node: Node, keys: CacheKeys, store: Store) -> list[str]:
    """Why no stored result is the node's: what changed since the nearest one.

    Nearest is the one whose inputs have the names of the node's inputs, as far down as that is known: what changed
    in an input of another name is not compared. Of these, the one with the fewest changes, and then the newest.
    """
    diff = KeyDiff(
        store.ingredients,
        store.modules,
        lambda one: (json.loads(keys.ingredients(one)), keys.digests.sources(one.entry).modules),
        keys.of,
    )
    candidates: list[tuple[int, int, float, list[str]]] = []
    older = 0
    for path, labels in store.all_labels():
        if labels and labels.get("schema") != str(SCHEMA):
            older += 1
            continue
        former = store.ingredients(path.stem)
        # a pinned node's result has no name: it may be any node's
        if former is not None and (former["kind"], former.get("name", node.name)) == (node.kind.name, node.name):
            changes = diff.describe(former, node)
            candidates.append((diff.count_renamed(former, node), len(changes), -_modified(path), changes))
    if not candidates:
        absence = [f"  no result of it is stored in {store.folder}"]
        if older:
            count = f"{older} result{'s' if older > 1 else ''}"
            absence.append(f"  ({count} there, made by an older version of the store, can't be used)")
        return [
            *absence,
            f"  (kept are trained banks, and trajectories and plain data that took {store.worth:g} s or more)",
        ]
    *_, nearest_changes = min(candidates)
    left_out = len(nearest_changes) - _MAX_CHANGES
    more = [f"    and {left_out} more"] if left_out > 0 else []
    return [
        "  since the nearest stored result:",
        *(f"    {change}" for change in nearest_changes[:_MAX_CHANGES]),
        *more,
    ]


def _modified(path: Path) -> float:
    """When a result was last written or used; 0 for one that has just gone."""
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0
