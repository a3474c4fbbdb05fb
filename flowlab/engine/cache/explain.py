"""Whether a node would be computed or reused, and why."""

from __future__ import annotations

from flowlab.api import ExperimentError, Problem
from flowlab.api.nearest import nearest
from flowlab.engine.cache.key import CacheKeys, expand_ingredients, hash_text
from flowlab.engine.cache.key_diff import Ingredients, describe_key_changes
from flowlab.engine.cache.serialization import missing_value_type
from flowlab.engine.cache.store import Store
from flowlab.engine.cache.tensor_file import UnusableFile, read_tensor_file
from flowlab.engine.device import resolve_device
from flowlab.engine.threads import thread_count
from flowlab.graph.graph import Graph
from flowlab.graph.node import Node

_SHOWN = 12  # changes; more of them say no more


def explain_node(graph: Graph, name: str, device: str, store: Store) -> str:
    """What the next run would do with a node, in all its settings. Raises ExperimentError where there is none."""
    nodes = [node for node in graph.nodes if name in (node.id, f"{node.kind.name}.{node.name}")]
    if not nodes:
        hint = nearest(name, [node.id for node in graph.nodes])
        raise ExperimentError([Problem(str(graph.path), f"there is no node {name!r}", hint)])
    keys = CacheKeys(graph.seed, graph.dtype, resolve_device(device).type, thread_count(graph))
    return "\n".join(_explained(node, keys, store) for node in nodes)


def _explained(node: Node, keys: CacheKeys, store: Store) -> str:
    if not node.kind.built:
        return f"{node.id}: nothing to compute, it is handed on as it is"
    ingredients = keys.ingredients(node)
    key = hash_text(ingredients)
    path = store.path(key)
    try:
        labels = read_tensor_file(path, key).labels
    except FileNotFoundError:
        return "\n".join(
            [
                f"{node.id}: would be computed",
                *_reasons(expand_ingredients(ingredients, keys.modules.__getitem__), store),
            ]
        )
    except UnusableFile as error:
        return f"{node.id}: would be computed\n  {path}: {error}"
    seconds = float(labels["seconds"])
    if kind := missing_value_type(labels["result"]):
        told = f"its metrics are stored, its value, a {kind}, has no form there: built again where a node needs it"
        return f"{node.id}: {told}, in {seconds:.1f} s\n  {path}"
    return f"{node.id}: would be reused, computed in {seconds:.1f} s\n  {path}"


def _reasons(current: Ingredients, store: Store) -> list[str]:
    stored = [
        describe_key_changes(former, current)
        for _, former in store.all_ingredients()
        if all(former["node"][part] == current["node"][part] for part in ("kind", "name"))
    ]
    if not stored:
        return [
            f"  no result of it is stored in {store.folder}",
            f"  (kept are trained banks, and trajectories and plain data that took {store.worth:g} s or more)",
        ]
    least = min(stored, key=len)
    more = [f"    and {len(least) - _SHOWN} more"] if len(least) > _SHOWN else []
    return ["  since the nearest stored result:", *(f"    {change}" for change in least[:_SHOWN]), *more]
