"""What the trainings of a run take, said before they begin."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from time import perf_counter

import attrs
from attrs import frozen

from flowlab.api import Training
from flowlab.engine.inputs import inputs, sources
from flowlab.engine.node_runner import Builder
from flowlab.engine.progress.listener import Quiet
from flowlab.engine.upstream import Recalled
from flowlab.graph.node import Node

_WORTH = 60.0  # seconds of training that are worth a word
_SLOW = 1e9, 1e-3  # a slow machine: products a second, and seconds a step besides
_LOOK = 0.1  # seconds of building datasets to see how large they are
_PROCESS = 480 << 20  # bytes of Python, torch and what else a run loads


@frozen
class Expected:
    """A training ahead, and how long it takes."""

    name: str
    training: Training
    seconds: float

    def paced(self, pace: float) -> Expected:
        """The same at so many seconds a product."""
        return attrs.evolve(self, seconds=pace * self.training.products * self.training.effort.steps)


def forecast(builder: Builder) -> str:
    """A line on the trainings that are not in the store, time and memory; empty where they take below a minute.

    Where they could take that on a slow machine, a step of the longest is measured for a tenth of a second, the
    others are in proportion to their products. Of very many only the first are looked at.
    """
    ahead = [node for node in builder.graph.nodes if _tells(node) and not _stored(builder, node)]
    found = list(_sized(ahead, builder))
    if not found or sum(one.seconds for one in found) < _WORTH:
        return ""
    try:
        pace = _pace(max(found, key=lambda one: one.seconds).training, builder)
    except Exception:  # such as little memory: the run itself knows what to do then
        return ""
    paced = [one.paced(pace) for one in found]
    return "" if sum(one.seconds for one in paced) < _WORTH else _told(paced, len(ahead), builder)


def _tells(node: Node) -> bool:
    """Whether it says what its training takes, and so does the optimizer that it has."""
    optimizers = [source for source in sources(node) if source.kind.name == "optimizer"]
    return node.kind.name == "denoiser" and all(hasattr(one.component, "effort") for one in (node, *optimizers))


def _stored(builder: Builder, node: Node) -> bool:
    if builder.recall is None:
        return False
    with suppress(Exception):  # a component's own validators may have made anything of a parameter
        return builder.recall.store.path(builder.keys.of(node)).exists()
    return False


def _sized(nodes: Sequence[Node], builder: Builder) -> Iterator[Expected]:
    """The trainings, as long as a slow machine takes. What breaks here will tell so in the run."""
    ancestors = Recalled(attrs.evolve(builder, listener=Quiet(), checkpoints=None, recall=None))
    rate, besides = _SLOW
    end = perf_counter() + _LOOK
    for node in nodes:
        with suppress(Exception):
            training = node.component.effort(**inputs(node, ancestors))
            if training is not None:
                yield Expected(node.id, training, training.effort.steps * (training.products / rate + besides))
        if perf_counter() > end:
            return


def _pace(training: Training, builder: Builder) -> float:
    """Seconds a product."""
    import torch

    from flowlab.theory.training.step_time import step_time

    effort = training.effort
    shape = training.levels, effort.rows, training.dimension, training.width
    return step_time(*shape, getattr(torch, effort.precision), builder.device) / training.products


def _told(expected: Sequence[Expected], ahead: int, builder: Builder) -> str:
    longest = max(expected, key=lambda one: one.seconds)
    total = sum(one.seconds for one in expected)
    memory = max(one.training.memory for one in expected) + _PROCESS
    bounds = {one.training.effort.bound for one in expected}
    words = bounds.pop() if len(bounds) == 1 else "about"
    what = longest.name
    if len(expected) > 1:
        turns = " one after the other" if builder.graph.executor else ""
        some = f"the first {len(expected)} of {ahead}" if len(expected) < ahead else str(ahead)
        what = f"{some} trainings{turns}, {_time(longest.seconds)} of it for {longest.name}"
    return f"{words} {_time(total)} and {memory / 2**30:.1f} GiB for {what} ({_where(builder)})"


def _where(builder: Builder) -> str:
    import torch

    if builder.device.type == "cuda":
        return torch.cuda.get_device_name(builder.device)
    count = builder.keys.threads
    threads = f"{count} thread{'s' if count > 1 else ''}"
    return f"{threads}, {'--device cuda is there' if torch.cuda.is_available() else 'no CUDA device'}"


def _time(seconds: float) -> str:
    """Two digits, as far as it can be trusted."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.2g} min" if seconds < 5400 else f"{seconds / 3600:.2g} h"
