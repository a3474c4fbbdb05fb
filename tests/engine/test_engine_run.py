"""The engine over hand-made nodes."""

from __future__ import annotations

import signal
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from attrs import frozen
from engine_nodes import NOWHERE, graph_of, node

from flowlab.api import Context, NodeError, Result, reference
from flowlab.engine.interrupt import Terminated
from flowlab.engine.outcome import Outcome
from flowlab.engine.progress.quiet import QuietListener
from flowlab.engine.run import run_graph


@frozen
class Source:
    """Does what it is told."""

    work: Callable[[Context], Any]

    def build(self, context: Context) -> Any:
        return self.work(context)


@frozen
class Pair:
    """Echoes its inputs."""

    one: str = reference("dataset", help="one")
    several: tuple[str, ...] = reference("dataset", help="several", many=True)
    absent: str | None = reference("dataset", None, help="optional")

    def build(self, context: Context, *, one: Any, several: Mapping[str, Any], absent: Any) -> Result:
        return Result((one, several, absent))


def worked(*nodes: Any) -> Outcome:
    return run_graph(graph_of(*nodes), "cpu", QuietListener(), NOWHERE)


def raising(error: BaseException) -> Callable[[Context], Any]:
    def work(_: Context) -> Any:
        raise error

    return work


def test_inputs_are_values_mappings_or_none() -> None:
    a = node("dataset", "a", Source(lambda _: Result(1)))
    b = node("dataset", "b", Source(lambda _: Result(2, shortfall="a bit off")))
    pair = node("analysis", "pair", Pair("a", ("b", "a")), {"one": (a,), "several": (b, a)})
    outcome = worked(a, b, pair)
    assert [record.status for record in outcome.records] == ["done", "short", "done"]
    result = outcome.records[2].result
    assert result is not None
    assert result.value == (1, {"b": 2, "a": 1}, None)
    assert list(result.value[1]) == ["b", "a"]
    assert outcome.exit_code == 0


def test_a_tool_is_handed_over_as_it_is() -> None:
    tool = node("schedule", "tool", Source(raising(AssertionError())))
    pair = node("analysis", "pair", Pair("tool", ()), {"one": (tool,)})
    result = worked(tool, pair).records[1].result
    assert result is not None
    assert result.value == (tool.component, {}, None)


@pytest.mark.parametrize(
    ("error", "message", "traced"),
    [(NodeError("too large"), "too large", False), (KeyError("x\ny"), r"KeyError: 'x\ny'", True)],
)
def test_a_failure_skips_what_needs_it_and_nothing_else(error: Exception, message: str, traced: bool) -> None:
    bad = node("dataset", "bad", Source(raising(error)))
    good = node("dataset", "good", Source(lambda _: Result(1)))
    pair = node("analysis", "pair", Pair("bad", ()), {"one": (bad,)})
    outcome = worked(bad, pair, good)
    assert [record.status for record in outcome.records] == ["failed", "skipped", "done"]
    assert outcome.records[0].message == message
    assert bool(outcome.records[0].trace) == traced
    assert outcome.records[1].message == "needs dataset.bad"
    assert outcome.exit_code == 1


def test_a_build_that_returns_no_result_fails() -> None:
    outcome = worked(node("dataset", "odd", Source(lambda _: 3)))
    assert outcome.records[0].status == "failed"
    assert "int" in outcome.records[0].message


@pytest.mark.parametrize(
    ("stop", "number"), [(KeyboardInterrupt(), signal.SIGINT), (Terminated(), signal.SIGTERM)]
)
def test_an_interrupt_keeps_what_is_finished(stop: KeyboardInterrupt, number: int) -> None:
    first = node("dataset", "first", Source(lambda _: Result(1)))
    outcome = worked(first, node("dataset", "second", Source(raising(stop))))
    assert [record.status for record in outcome.records] == ["done", "skipped"]
    assert outcome.interrupted
    assert outcome.exit_code == 128 + number


def test_context_carries_the_experiment() -> None:
    import torch

    seen: list[Context] = []

    def look(context: Context) -> Result:
        seen.append(context)
        return Result(None)

    worked(node("dataset", "a", Source(look)))
    assert (seen[0].seed, seen[0].node, seen[0].dtype) == (7, "a", torch.float64)
    assert seen[0].device == torch.device("cpu")
