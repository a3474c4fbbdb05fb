"""A summary read back: of each node its status, its metrics one by one and what it took; the claims."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from attrs import field, frozen

from flowlab.api import KINDS, ExperimentError, Problem
from flowlab.api.result import Cell

_VERDICTS = ("holds", "fails", "undecided", None)
_TYPES: Mapping[str, tuple[Any, str]] = {
    "status": (str, "string"),
    "variant": (dict, "table"),
    "seconds": (int | float, "number"),
    "reused": (bool, "yes or no"),
}


@frozen
class NodeSummary:
    """A node's status and metrics; an item of a list is `name[index]`, one of a mapping `name.key`.

    Then its settings in the sweeps by path, the seconds that it took, and whether a former run's result was taken.
    """

    status: str
    metrics: Mapping[str, Cell]
    variant: Mapping[str, Any] = field(factory=dict)
    seconds: float = 0.0
    reused: bool = False

    @property
    def lists(self) -> dict[str, Any]:
        """The metrics with the items of each list in one, nested or not."""
        found: dict[str, Any] = {}
        for name, value in self.metrics.items():
            stem = without_index(name)
            if stem == name:
                found[name] = value
            else:
                found.setdefault(stem, []).append(value)
        return found


@frozen
class RunSummary:
    """The nodes by id, without tools, which find nothing; the verdict on each claim, None where it isn't known."""

    nodes: Mapping[str, NodeSummary]
    claims: Mapping[str, str | None]

    def of(self, kind: str) -> dict[str, NodeSummary]:
        """The nodes of one kind by label."""
        return {
            label: one for node, one in self.nodes.items() for of, _, label in [node.partition(".")] if of == kind
        }


def parse_summary(path: Path, content: bytes) -> RunSummary:
    """What a summary.json says. Raises ExperimentError for any other content."""
    try:
        data = json.loads(content, parse_constant=_number, parse_float=_number, parse_int=_integer)
        nodes = {
            f"{kind}.{label}": _measured(path, f"{kind}.{label}", entry)
            for kind, entries in data["nodes"].items()
            if kind not in KINDS or KINDS[kind].built
            for label, entry in entries.items()
        }
        claims = {str(one["claim"]): one["verdict"] for one in data.get("claims", ())}
        if any(verdict not in _VERDICTS for verdict in claims.values()):
            raise _bad(str(path), "no summary of a run: a claim holds, fails, is undecided, or it isn't known")
        return RunSummary(nodes, claims)
    except json.JSONDecodeError as error:
        raise _bad(f"{path}:{error.lineno}:{error.colno}", f"not valid JSON: {error.msg}") from error
    except UnicodeDecodeError as error:
        raise _bad(str(path), f"not UTF-8 text (byte {error.start})") from error
    except (ValueError, RecursionError) as error:  # a number of too many digits, nested too deep
        raise _bad(str(path), f"not readable as JSON: {error}") from error
    except (KeyError, TypeError, AttributeError) as error:
        rule = "no summary of a run, which has nodes with status and metrics, and claims with verdicts"
        raise _bad(str(path), rule) from error


def without_index(metric: str) -> str:
    """The list of which a metric is an item; itself if it is none. `flow[points=2].interior` is none."""
    return re.sub(r"(\[\d+\])+$", "", metric)


def _measured(path: Path, node: str, entry: Mapping[str, Any]) -> NodeSummary:
    told = {key: entry[key] for key in ("variant", "seconds", "reused") if key in entry}
    found = NodeSummary(entry["status"], dict(_leaves(entry["metrics"])), **told)
    for key, (kind, spoken) in _TYPES.items():
        if not isinstance(getattr(found, key), kind):
            raise _bad(str(path), f"no summary of a run: {key} of {node} is no {spoken}")
    return found


def _leaves(value: Any, name: str = "") -> Iterator[tuple[str, Cell]]:
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _leaves(item, f"{name}.{key}" if name else key)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _leaves(item, f"{name}[{index}]")
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


def _bad(where: str, rule: str) -> ExperimentError:
    return ExperimentError([Problem(where, rule)])
