"""What a run would compute and what it would reuse, why, and how long that may take: an estimate."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Any

from attrs import frozen

from flowlab.api import ExperimentError, NodeLabel
from flowlab.engine.cache.explain import explain_absence
from flowlab.engine.cache.forecast import Forecast, declaration_of, forecast_node, recorded_seconds
from flowlab.engine.cache.key import CacheKeys
from flowlab.engine.cache.store import Store
from flowlab.engine.device import resolve_device
from flowlab.engine.threads import thread_count
from flowlab.graph.graph import Graph
from flowlab.graph.node import Node
from flowlab.provenance.lock_file import LockFile


@frozen
class NodePlan:
    """What would be done with all settings of one declared node.

    `each` are the seconds of one of them, as far as former ones tell, and `basis` says which; `why` says it of the
    first that would be computed.
    """

    declared: str
    forecasts: tuple[Forecast, ...]
    each: float | None
    basis: str
    why: tuple[str, ...]

    @property
    def computed(self) -> int:
        """How many of its settings would be computed."""
        return sum(forecast.action in ("compute", "build value") for forecast in self.forecasts)

    @property
    def reused(self) -> int:
        """How many would be reused."""
        return sum(forecast.action == "reuse" for forecast in self.forecasts)

    @property
    def seconds(self) -> float | None:
        """The estimate for those that would be computed; None where nothing is known."""
        if not self.computed:
            return 0.0
        return None if self.each is None else self.each * self.computed

    @property
    def text(self) -> str:
        """A line, and the reasons below it."""
        if not self.computed:
            return f"{self.declared}: {_count(self.reused, len(self.forecasts))}reused"
        rest = f", {self.reused} reused" if self.reused else ""
        time = "time unknown" if self.seconds is None else f"about {format_seconds(self.seconds)}, {self.basis}"
        count = _count(self.computed, len(self.forecasts))
        return "\n".join([f"{self.declared}: {count}computed{rest}; {time}", *self.why])


@frozen
class Plan:
    """The plans of an experiment's nodes, in the order of the run; tools need nothing done."""

    name: str
    nodes: tuple[NodePlan, ...]
    several_processes: bool

    @property
    def text(self) -> str:
        """A paragraph for each node, and the sum."""
        computed, reused = (sum(getattr(node, what) for node in self.nodes) for what in ("computed", "reused"))
        known = sum(node.seconds or 0.0 for node in self.nodes)
        unknown = [node.declared for node in self.nodes if node.seconds is None]
        shared = ", shared among the executor's processes" if self.several_processes else ""
        time = f"about {format_seconds(known)}{shared}"
        if unknown:
            time = f"unknown for {', '.join(unknown)}; the others {time}"
        total = f"{self.name}: {computed} to compute, {reused} to reuse; estimated time: {time}"
        return "\n".join([*(node.text for node in self.nodes), "", total])

    @property
    def data(self) -> dict[str, Any]:
        """As data."""
        return {
            "experiment": self.name,
            "nodes": {
                forecast.node.id: {
                    "action": forecast.action,
                    "estimated_seconds": 0.0 if forecast.action == "reuse" else node.each,
                }
                for node in self.nodes
                for forecast in node.forecasts
            },
        }


def plan_run(graph: Graph, store: Store, folder: Path, device: str) -> Plan:
    """The plan of a run that would fill a folder. Computes and changes nothing. Raises ExperimentError.

    Times are those of stored results of the same declaration, whatever their settings were; else those that the
    last run in the folder took.
    """
    keys = CacheKeys(graph.seed, graph.dtype, resolve_device(device).type, thread_count(graph))
    groups: dict[str, list[Node]] = {}
    for node in graph.nodes:
        if node.kind.built:
            groups.setdefault(node.declared, []).append(node)
    stored, last = recorded_seconds(store), _last_seconds(folder)

    def explain(forecast: Forecast) -> list[str]:
        return _explain(forecast, keys, store)

    plans = []
    for declared, nodes in groups.items():
        forecasts = tuple(forecast_node(node, keys, store) for node in nodes)
        former: Sequence[float] = stored.get(declaration_of(nodes[0]), ())
        basis = f"from {len(former)} stored result{'s' if len(former) > 1 else ''}"
        if not former:
            former, basis = last.get(declared, ()), "from the last run"
        each = median(former) if former else None
        plans.append(NodePlan(declared, forecasts, each, basis, _first_reason(forecasts, explain)))
    return Plan(graph.name, tuple(plans), graph.executor is not None)


def format_seconds(seconds: float) -> str:
    """Seconds, or above a hundred minutes and hours, as people say them."""
    if seconds < 100:
        return f"{seconds:.1f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 100 else f"{seconds / 3600:.1f} h"


def _last_seconds(folder: Path) -> Mapping[str, Sequence[float]]:
    """How long the nodes took that the last run in a folder computed; nothing of a run that can't be read."""
    try:
        summary = LockFile.read(folder).summary()
    except ExperimentError:
        return {}
    seconds: dict[str, list[float]] = {}
    declared = summary.declared if summary else {}
    for node_id, node in summary.built_nodes.items() if summary else ():
        if node.status in ("done", "short") and not node.reused:
            seconds.setdefault(declared[node_id], []).append(node.seconds)
    return seconds


def _first_reason(forecasts: Iterable[Forecast], explain: Callable[[Forecast], list[str]]) -> tuple[str, ...]:
    computed = next((each for each in forecasts if each.action in ("compute", "build value")), None)
    return () if computed is None else tuple(explain(computed))


def _explain(forecast: Forecast, keys: CacheKeys, store: Store) -> list[str]:
    """Why a node would be computed; the first line names its setting in a sweep."""
    if forecast.action == "build value":
        lines = [f"  a value of type {forecast.value_type} has no stored form"]
    elif forecast.fault:
        lines = [f"  {forecast.path}: {forecast.fault}"]
    else:
        lines = explain_absence(forecast.node, keys, store)
    lines = [line for line in lines if not line.startswith("  (")]
    setting = NodeLabel(forecast.node.name, forecast.node.variant).setting
    return [f"  {setting}: {lines[0].strip()}" if setting else lines[0], *lines[1:]]


def _count(part: int, total: int) -> str:
    """How many of several settings; nothing of a node that has one."""
    return "" if total == 1 else f"{part} " if part == total else f"{part} of {total} "
