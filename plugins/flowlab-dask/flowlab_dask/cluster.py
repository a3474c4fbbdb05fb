"""A crew of Dask's workers: orders go out, answers come in, and what is lost is noticed."""

from __future__ import annotations

import queue
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from time import monotonic
from typing import Any
from uuid import uuid4

from attrs import define, field
from distributed import Client, Future, KilledWorker

from flowlab.api import Answer, EngineError, Task, Work

_LOOK = 2.0  # seconds between two looks at the cluster
LOST = "the cluster's scheduler is lost; run again to resume"


@define
class Cluster:
    """Workers at work; what they return is text, and results are in the store."""

    client: Client
    work: Work
    patience: float
    _names: dict[str, str] = field(factory=dict, init=False)  # of tasks, by Dask's keys
    _futures: dict[str, Future] = field(factory=dict, init=False)
    _ended: queue.SimpleQueue[Future] = field(factory=queue.SimpleQueue, init=False)
    _deaths: Counter[str] = field(factory=Counter, init=False)  # of workers, by the keys they were at
    _threads: dict[str, int] = field(factory=dict, init=False)  # by worker
    _looked: float = field(default=0.0, init=False)
    _manned: float = field(factory=monotonic, init=False)  # when there was a worker last

    def __attrs_post_init__(self) -> None:
        self.client.subscribe_topic("all", self._hear)
        self._look()

    @property
    def hands(self) -> int:
        """How many tasks can be worked at, at once."""
        return max(len(self._threads), 1)

    def submit(self, task: Task) -> None:
        """Hand a task to the scheduler. Raises EngineError."""
        self._look()
        key = f"{task.name}-{uuid4().hex}"  # a key that Dask knows would be answered with its former end
        self._names[key] = task.name
        try:
            future = self.client.submit(self.work, task.order, key=key, pure=False)
        except Exception as error:
            raise EngineError(f"{LOST} ({error})") from error
        self._futures[key] = future
        future.add_done_callback(self._ended.put)

    def answers(self) -> Sequence[Answer]:
        """Wait for tasks to end. Raises EngineError where the scheduler, or every worker, is gone."""
        while self._futures:
            try:
                ended = [self._ended.get(timeout=_LOOK)]
            except queue.Empty:
                self._look()
                continue
            with suppress(queue.Empty):
                while True:
                    ended.append(self._ended.get_nowait())
            return [self._answer(future) for future in ended]
        return ()

    def leave(self) -> None:
        """Take back what no worker has begun."""
        with suppress(Exception):
            self.client.cancel(list(self._futures.values()), force=True)

    def _answer(self, future: Future) -> Answer:
        key = future.key
        name = self._names.pop(key)
        self._futures.pop(key)
        if future.status == "finished":
            return Answer(name, future.result(), self._deaths.pop(key, 0), "of a worker that was lost")
        if future.status != "error":
            raise EngineError(LOST)
        error = future.exception()
        if isinstance(error, KilledWorker):
            deaths = max(self._deaths.pop(key, 0), 1)
            return Answer(name, None, deaths, f"with worker {error.last_worker.address}")
        raise EngineError(f"a worker can't do the work: {type(error).__name__}: {error}")

    def _look(self) -> None:
        """See who is there, now and then. Raises EngineError."""
        now = monotonic()
        if now - self._looked < _LOOK:
            return
        if self.client.status != "running":
            raise EngineError(LOST)
        try:
            self._threads = self.client.nthreads()
        except Exception as error:
            raise EngineError(f"{LOST} ({type(error).__name__})") from error
        self._looked = monotonic()
        if self._threads:
            self._manned = self._looked
        elif self._looked - self._manned > self.patience:
            raise EngineError(f"the cluster has had no worker for {self.patience:g} s; run again to resume")
        several = [address for address, count in self._threads.items() if count > 1]
        if several:
            rule = "start workers with --nthreads 1 (more of them in place of more threads)"
            raise EngineError(f"{several[0]} works at {self._threads[several[0]]} nodes at once: {rule}")

    def _hear(self, event: tuple[float, Any]) -> None:
        """Count the workers that died, and at what."""
        _, message = event
        if isinstance(message, dict) and message.get("action") == "remove-worker" and not message["expected"]:
            self._deaths.update(key for key in message["processing-tasks"] if key in self._names)
