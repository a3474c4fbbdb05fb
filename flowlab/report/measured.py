"""What a summary says of each node: its status, and its metrics one by one."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from attrs import frozen

from flowlab.api import KINDS, ExperimentError, Problem
from flowlab.api.result import Cell


@frozen
class Measured:
    """A node's status and metrics; an item of a list is `name[index]`, one of a mapping `name.key`."""

    status: str
    metrics: Mapping[str, Cell]


def measured(summary: Mapping[str, Any]) -> dict[str, Measured]:
    """The nodes of a summary by id; not its tools, which find nothing."""
    return {
        f"{kind}.{label}": Measured(entry["status"], dict(_leaves(entry["metrics"])))
        for kind, entries in summary["nodes"].items()
        if kind not in KINDS or KINDS[kind].built
        for label, entry in entries.items()
    }


def parse(path: Path, content: bytes) -> dict[str, Measured]:
    """The nodes of a summary.json. Raises ExperimentError for any other content."""
    try:
        found = measured(json.loads(content, parse_constant=_number, parse_float=_number, parse_int=_integer))
        if all(type(one.status) is str for one in found.values()):
            return found
        rule = "no summary of a run: a status is no string"
    except json.JSONDecodeError as error:
        raise _bad(f"{path}:{error.lineno}:{error.colno}", f"not valid JSON: {error.msg}") from error
    except UnicodeDecodeError as error:
        raise _bad(str(path), f"not UTF-8 text (byte {error.start})") from error
    except (ValueError, RecursionError) as error:  # a number of too many digits, nested too deep
        raise _bad(str(path), f"not readable as JSON: {error}") from error
    except (KeyError, TypeError, AttributeError) as error:
        raise _bad(str(path), "no summary of a run: its nodes are no tables of status and metrics") from error
    raise _bad(str(path), rule)


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
