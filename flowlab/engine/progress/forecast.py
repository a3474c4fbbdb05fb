"""What the trainings of a run take, said before they begin."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from time import perf_counter

import attrs
from attrs import frozen

from flowlab.api import BankTrainingCost
from flowlab.engine.inputs import gather_inputs, upstream_nodes
from flowlab.engine.node_runner import NodeRunner
from flowlab.engine.progress.quiet import QuietListener
from flowlab.engine.upstream import CachedUpstream
from flowlab.graph.node import Node

_WORTH = 60.0  # seconds of training that are worth a word
_SLOW = 1e9, 1e-3  # a slow machine: products a second, and seconds a step besides
_LOOK = 0.1  # seconds of building datasets to see how large they are
_PROCESS = 480 << 20  # bytes of Python, torch and what else a run loads


@frozen
class TrainingForecast:
    """A training ahead, and how long it takes."""

    name: str
    training: BankTrainingCost
    seconds: float

    def paced(self, pace: float) -> TrainingForecast:
        """The same at so many seconds a product."""
        return attrs.evolve(self, seconds=pace * self.training.products * self.training.cost.steps)


def forecast(runner: NodeRunner) -> str:
    """A line on the trainings that are not in the store, time and memory; empty where they take below a minute.

    Where they could take that on a slow machine, a step of the longest is measured for a tenth of a second, the
    others are in proportion to their products. Of very many only the first are looked at.
    """
    ahead = [node for node in runner.graph.nodes if _has_training_cost(node) and not _is_cached(runner, node)]
    found = list(_size_trainings(ahead, runner))
    if not found or sum(one.seconds for one in found) < _WORTH:
        return ""
    try:
        pace = _seconds_per_product(max(found, key=lambda one: one.seconds).training, runner)
    except Exception:  # such as little memory: the run itself knows what to do then
        return ""
    paced = [one.paced(pace) for one in found]
    return "" if sum(one.seconds for one in paced) < _WORTH else _format_forecast(paced, len(ahead), runner)


def _has_training_cost(node: Node) -> bool:
    """Whether it says what its training takes, and so does the optimizer that it has."""
    optimizers = [source for source in upstream_nodes(node) if source.kind.name == "optimizer"]
    return node.kind.name == "denoiser" and all(
        hasattr(one.component, "training_cost") for one in (node, *optimizers)
    )


def _is_cached(runner: NodeRunner, node: Node) -> bool:
    if runner.cache is None:
        return False
    with suppress(Exception):  # a component's own validators may have made anything of a parameter
        return runner.cache.store.path(runner.keys.of(node)).exists()
    return False


def _size_trainings(nodes: Sequence[Node], runner: NodeRunner) -> Iterator[TrainingForecast]:
    """The trainings, as long as a slow machine takes. What breaks here will tell so in the run."""
    upstream = CachedUpstream(attrs.evolve(runner, listener=QuietListener(), checkpoints=None, cache=None))
    rate, besides = _SLOW
    end = perf_counter() + _LOOK
    for node in nodes:
        with suppress(Exception):
            training = node.component.training_cost(**gather_inputs(node, upstream))
            if training is not None:
                yield TrainingForecast(
                    node.id, training, training.cost.steps * (training.products / rate + besides)
                )
        if perf_counter() > end:
            return


def _seconds_per_product(training: BankTrainingCost, runner: NodeRunner) -> float:
    """Seconds a product."""
    import torch

    from flowlab.theory.training.step_time import step_time

    cost = training.cost
    shape = training.levels, cost.rows, training.dimension, training.width
    return step_time(*shape, getattr(torch, cost.precision), runner.device) / training.products


def _format_forecast(expected: Sequence[TrainingForecast], ahead: int, runner: NodeRunner) -> str:
    longest = max(expected, key=lambda one: one.seconds)
    total = sum(one.seconds for one in expected)
    memory = max(one.training.memory for one in expected) + _PROCESS
    bounds = {one.training.cost.bound for one in expected}
    words = bounds.pop() if len(bounds) == 1 else "about"
    what = longest.name
    if len(expected) > 1:
        turns = " one after the other" if runner.graph.executor else ""
        some = f"the first {len(expected)} of {ahead}" if len(expected) < ahead else str(ahead)
        what = f"{some} trainings{turns}, {_format_time(longest.seconds)} of it for {longest.name}"
    return f"{words} {_format_time(total)} and {memory / 2**30:.1f} GiB for {what} ({_hardware(runner)})"


def _hardware(runner: NodeRunner) -> str:
    import torch

    if runner.device.type == "cuda":
        return torch.cuda.get_device_name(runner.device)
    count = runner.keys.threads
    threads = f"{count} thread{'s' if count > 1 else ''}"
    return f"{threads}, {'--device cuda is there' if torch.cuda.is_available() else 'no CUDA device'}"


def _format_time(seconds: float) -> str:
    """Two digits, as far as it can be trusted."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.2g} min" if seconds < 5400 else f"{seconds / 3600:.2g} h"
