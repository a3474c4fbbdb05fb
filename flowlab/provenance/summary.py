"""summary.json: the claims of a run, and every node's status, metrics and shortfall."""

from __future__ import annotations

import json
import math
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from attrs import evolve, field, frozen

from flowlab.api import KINDS, ClaimResult, ExperimentError, NodeLabel, Problem
from flowlab.api.result import Cell
from flowlab.engine.outcome import Outcome, Record, Status
from flowlab.graph.graph import Graph
from flowlab.output.claims import collect_claims
from flowlab.output.fractions import EndFractions, group_fractions
from flowlab.output.jsonable import to_json, to_jsonable
from flowlab.spec.converter import strict_converter, structure, unstructure
from flowlab.spec.structure_errors import StructureError

# A later version may say more of a run. JSON has no nan: null stands for it among figures.
_CONVERTER = strict_converter(forbid_extra_keys=False)
_structure_number = _CONVERTER.get_structure_hook(float)
_CONVERTER.register_structure_hook(
    float, lambda value, hint: math.nan if value is None else _structure_number(value, hint)
)


@frozen(kw_only=True)
class NodeSummary:
    """A node's end in numbers: name, status, metrics, shortfall or error, and its swept values by path.

    `pinned_seed` is that of its own table.
    """

    name: str = ""
    status: Status
    use: str = ""
    reused: bool = False
    seconds: float = 0.0
    metrics: Mapping[str, Any]
    shortfall: str | None = None
    message: str | None = None
    variant: Mapping[str, Any] = field(factory=dict)
    pinned_seed: int | None = None

    @classmethod
    def of(cls, record: Record) -> NodeSummary:
        """The summary of one node's end."""
        return cls(
            name=record.node.name,
            status=record.status,
            use=record.node.use,
            reused=record.reused,
            seconds=round(record.seconds, 6),
            metrics=to_jsonable(record.metrics),
            shortfall=record.result.shortfall if record.result else None,
            message=record.message or None,
            variant=to_jsonable(record.node.variant),
            pinned_seed=record.node.pinned_seed,
        )

    @property
    def cells(self) -> dict[str, Cell]:
        """The metrics one by one; an item of a list is `name[index]`, one of a mapping `name.key`."""
        return dict(_cells(self.metrics))

    @property
    def lists(self) -> dict[str, Any]:
        """The metrics with the items of each list in one, nested or not."""
        lists: dict[str, Any] = {}
        for name, value in self.cells.items():
            stem = without_index(name)
            if stem == name:
                lists[name] = value
            else:
                lists.setdefault(stem, []).append(value)
        return lists


@frozen
class SummaryHeader:
    """Which experiment ran, and whether it was interrupted."""

    name: str
    seed: int
    dtype: str
    file: str
    interrupted: bool


@frozen(kw_only=True)
class RunSummary:
    """A run in numbers: its claims, and its nodes by label under their kinds."""

    experiment: SummaryHeader | None = None
    claims: tuple[ClaimResult, ...] = ()
    nodes: Mapping[str, Mapping[str, NodeSummary]]
    seconds: float = 0.0

    @classmethod
    def of(cls, graph: Graph, outcome: Outcome) -> RunSummary:
        """The summary of a run."""
        nodes: dict[str, dict[str, NodeSummary]] = defaultdict(dict)
        for record in outcome.records:
            nodes[record.node.kind.name][record.node.label] = NodeSummary.of(record)
        return cls(
            experiment=SummaryHeader(graph.name, graph.seed, graph.dtype, str(graph.path), outcome.interrupted),
            claims=tuple(collect_claims(graph, outcome)),
            nodes=dict(nodes),
            seconds=round(outcome.seconds, 6),
        )

    @classmethod
    def parse(cls, path: Path, content: bytes) -> RunSummary:
        """What a summary.json says. Raises ExperimentError for any other content, with all its faults."""
        try:
            data = json.loads(content, parse_constant=_number, parse_float=_number, parse_int=_integer)
            return structure(data, cls, _CONVERTER)._with_names()
        except json.JSONDecodeError as error:
            raise _bad(f"{path}:{error.lineno}:{error.colno}", f"not valid JSON: {error.msg}") from error
        except UnicodeDecodeError as error:
            raise _bad(str(path), f"not UTF-8 text (byte {error.start})") from error
        except StructureError as error:
            raise _bad(str(path), *(f"no summary of a run: {fault}" for fault in error.faults)) from error
        except (ValueError, RecursionError) as error:  # a number of too many digits, nested too deep
            raise _bad(str(path), f"not readable as JSON: {error}") from error

    @property
    def data(self) -> dict[str, Any]:
        """As plain data, nan and infinity as null."""
        data: dict[str, Any] = to_jsonable(unstructure(self))
        return data

    def to_json(self) -> bytes:
        """The file's content."""
        return f"{to_json(self.data)}\n".encode()

    @property
    def built_nodes(self) -> dict[str, NodeSummary]:
        """The nodes by id, without tools, which find nothing."""
        return {
            f"{kind}.{label}": node
            for kind, nodes in self.nodes.items()
            if kind not in KINDS or KINDS[kind].built
            for label, node in nodes.items()
        }

    @property
    def declared(self) -> dict[str, str]:
        """The `kind.name` of each node by id: what it has in common with the other settings of its sweep."""
        return {
            f"{kind}.{label}": f"{kind}.{node.name}"
            for kind, nodes in self.nodes.items()
            for label, node in nodes.items()
        }

    @property
    def pinned_flows(self) -> set[str]:
        """The names of the flows whose own tables give their seeds: these have the same starts at all seeds."""
        return {node.name for node in self.of_kind("flow").values() if node.pinned_seed is not None}

    @property
    def ends(self) -> list[EndFractions]:
        """Where each flow's points end, seeds together."""
        nodes = named_nodes(self.of_kind("classifier"))
        return list(
            group_fractions(((name, variant, node.metrics) for name, variant, node in nodes), self.pinned_flows)
        )

    def of_kind(self, kind: str) -> Mapping[str, NodeSummary]:
        """The nodes of one kind by label."""
        return self.nodes.get(kind, {})

    def _with_names(self) -> RunSummary:
        """The same with the names of nodes, which summaries of older versions have in their labels alone."""
        return evolve(
            self,
            nodes={
                kind: {label: node if node.name else _with_name(label, node) for label, node in nodes.items()}
                for kind, nodes in self.nodes.items()
            },
        )


def named_nodes(nodes: Mapping[str, NodeSummary]) -> Iterator[tuple[str, Mapping[str, Any], NodeSummary]]:
    """Nodes by label as (name, variant, node)."""
    return ((node.name, node.variant, node) for node in nodes.values())


def _with_name(label: str, node: NodeSummary) -> NodeSummary:
    """A node whose name is its label without what its settings add to that."""
    return evolve(node, name=label.removesuffix(str(NodeLabel("", node.variant))))


def without_index(metric: str) -> str:
    """The list of which a metric is an item; itself if it is none. `flow[points=2].interior` is none."""
    return re.sub(r"(\[\d+\])+$", "", metric)


def _cells(value: Any, name: str = "") -> Iterator[tuple[str, Cell]]:
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from _cells(item, f"{name}.{key}" if name else key)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _cells(item, f"{name}[{index}]")
    else:
        yield name, value


def _number(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text} is no number of JSON that a metric can be")
    return number


def _integer(text: str) -> int:
    number = int(text)
    if not -(2**63) <= number < 2**63:
        raise ValueError("an integer beyond 64 bits")
    return number


def _bad(where: str, *rules: str) -> ExperimentError:
    return ExperimentError([Problem(where, rule) for rule in rules])
