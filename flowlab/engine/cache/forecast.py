"""What the next run would do with a node, by what is stored of it."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from attrs import frozen

from flowlab.engine.cache.key import CacheKeys
from flowlab.engine.cache.serialization import missing_value_type
from flowlab.engine.cache.store import Store
from flowlab.engine.cache.tensor_file import SCHEMA, UnusableFile, read_tensor_file
from flowlab.graph.node import Node

Action = Literal["hand on", "reuse", "build value", "compute"]


@frozen
class Forecast:
    """What would be done with a node; `seconds` are those that a stored result took to compute.

    `build value`: its metrics are stored, and its value, of type `value_type`, has no stored form. `fault` says
    why the file in its place can't be used.
    """

    node: Node
    action: Action
    path: Path | None = None
    seconds: float | None = None
    value_type: str = ""
    fault: str = ""


def forecast_node(node: Node, keys: CacheKeys, store: Store) -> Forecast:
    """Look a node up in the store, and change nothing there."""
    if not node.kind.built:
        return Forecast(node, "hand on")
    key = keys.of(node)
    path = store.path(key)
    try:
        labels = read_tensor_file(path, key).labels
    except FileNotFoundError:
        return Forecast(node, "compute")
    except UnusableFile as error:
        return Forecast(node, "compute", path, fault=str(error))
    value_type = missing_value_type(labels["result"])
    action: Action = "build value" if value_type else "reuse"
    return Forecast(node, action, path, float(labels["seconds"]), value_type or "")


Declaration = tuple[str, str, str]  # kind, name, and the name of the component


def declaration_of(node: Node) -> Declaration:
    """What a node has in common with what former runs computed in its place."""
    return node.kind.name, node.name, node.entry.name


def recorded_seconds(store: Store) -> Mapping[Declaration, list[float]]:
    """How long each stored result took to compute, by its declaration, whatever its settings were."""
    seconds: dict[Declaration, list[float]] = defaultdict(list)
    for _, labels in store.all_labels():
        if labels.get("schema") == str(SCHEMA) and "ingredients" in labels and "seconds" in labels:
            made_of = json.loads(labels["ingredients"])
            declaration = made_of["kind"], made_of.get("name", ""), made_of["component"][2]
            seconds[declaration].append(float(labels["seconds"]))
    return seconds
