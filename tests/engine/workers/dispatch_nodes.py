"""Components of a made-up distribution, for processes to find."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from attrs import frozen

from flowlab.api import Context, NodeError, Result, parameter, reference

ENTRY_POINTS = """\
[flowlab.api]
2 = flowlab.api
[flowlab.dataset]
made-number = dispatch_nodes:Number
made-opaque = dispatch_nodes:Opaque
[flowlab.analysis]
made-sum = dispatch_nodes:Sum
[flowlab.figure]
made-picture = dispatch_nodes:Picture
"""


@frozen
class Number:
    """A number, unless it fails."""

    value: int = parameter(1, help="which")
    fault: str = parameter("", help="how to fail")

    def build(self, context: Context) -> Result:
        if self.fault == "node":
            raise NodeError("no such number")
        if self.fault == "defect":
            raise KeyError("oh")
        metrics: dict[str, Any] = {"value": object() if self.fault == "metrics" else self.value}
        return Result(self.value, metrics, shortfall="a bit off" if self.fault == "short" else None)


class Box:
    """Holds a number, and has no form on disk."""

    def __init__(self, held: int) -> None:
        self.held = held

    def __int__(self) -> int:
        return self.held


@frozen
class Opaque:
    """A number in a box."""

    value: int = parameter(1, help="which")

    def build(self, context: Context) -> Result:
        return Result(Box(self.value), {"value": self.value})


@frozen
class Sum:
    """The sum of numbers."""

    dataset: tuple[str, ...] = reference("dataset", many=True, help="numbers")

    def build(self, context: Context, *, dataset: Mapping[str, Any]) -> Result:
        total = sum(int(value) for value in dataset.values())
        return Result(total, {"sum": total})


@frozen
class Picture:
    """Shows a number, and which process drew it."""

    dataset: str = reference("dataset", help="number")

    def build(self, context: Context, *, dataset: Any) -> Result:
        return Result(None, {"shown": int(dataset), "process": os.getpid()})
