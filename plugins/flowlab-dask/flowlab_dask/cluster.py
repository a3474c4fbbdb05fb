"""A crew of Dask's workers: each has one task, which is answered when it ends or the worker does."""

from __future__ import annotations

import os
import queue
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import suppress
from time import monotonic
from typing import Any
from uuid import uuid4

from attrs import define, field, frozen
from distributed import Client, Future, KilledWorker

from flowlab.api import EngineError, Task, TaskFunction, TaskResult

_LOOK = 2.0  # seconds between two looks at the cluster
LOST = "the cluster's scheduler is lost; run again to resume"

News = Future | tuple[float, Any]  # a task that ended, or an event of the cluster with its time


@frozen
class _Flight:
    """A task, and the worker that has it."""

    task: Task
    worker: str
    future: Future


@define
class Cluster:
    """Workers at work; what they return is text, and results are in the store.

    Dask chooses no worker and tries nothing again: then a death would cost the tasks behind it, too, and be told
    late. So a worker has one task, and a task one worker.
    """

    client: Client
    work: TaskFunction
    patience: float
    _waiting: deque[Task] = field(factory=deque, init=False)
    _flights: dict[str, _Flight] = field(factory=dict, init=False)  # by Dask's keys
    _workers: dict[str, dict[str, Any]] = field(factory=dict, init=False)  # by address
    _news: queue.SimpleQueue[News] = field(factory=queue.SimpleQueue, init=False)
    _looked: float = field(default=0.0, init=False)
    _manned: float = field(factory=monotonic, init=False)  # when there was a worker last

    def __attrs_post_init__(self) -> None:
        self.client.subscribe_topic("all", self._news.put)
        self._look()

    @property
    def slots(self) -> int:
        """How many tasks can be worked at, at once."""
        return max(len(self._workers), 1)

    def submit(self, task: Task) -> None:
        """Give it to a worker that has nothing to do, as soon as there is one. Raises EngineError."""
        self._waiting.append(task)
        self._employ()

    def completed(self) -> Sequence[TaskResult]:
        """Wait for tasks to end. Raises EngineError where the scheduler, or every worker, is gone."""
        found: list[TaskResult] = []
        while not found and (self._flights or self._waiting):
            heard = list(self._heard())
            self._employ()  # before what they say is fetched, so that nobody waits for that
            for news in heard:
                found += self._ended(news) if isinstance(news, Future) else self._left(news[1])
            if monotonic() - self._looked > _LOOK:
                self._look()
            self._employ()
        return found

    def leave(self) -> None:
        """End who is at work, as Dask can't interrupt a task; a nanny starts another worker in its place."""
        busy = {flight.worker for flight in self._flights.values()}
        guarded = [address for address in busy if self._workers.get(address, {}).get("nanny")]
        with suppress(Exception):
            self.client.cancel([flight.future for flight in self._flights.values()], force=True)
            if guarded:
                self.client.run(os._exit, 1, workers=guarded, on_error="ignore", callback_timeout=_LOOK)

    def _employ(self) -> None:
        """Give what waits to who has nothing to do."""
        if not self._waiting:
            return
        busy = {flight.worker for flight in self._flights.values() if not flight.future.done()}
        for worker in [address for address in self._workers if address not in busy]:
            if self._waiting:
                self._send(self._waiting.popleft(), worker)

    def _send(self, task: Task, worker: str) -> None:
        key = f"{task.name}-{uuid4().hex}"  # a key that Dask knows would be answered with its former end
        try:
            future = self.client.submit(self.work, task.order, key=key, pure=False, workers=[worker])
        except Exception as error:
            raise EngineError(f"{LOST} ({error})") from error
        self._flights[key] = _Flight(task, worker, future)
        future.add_done_callback(self._news.put)

    def _heard(self) -> Iterator[News]:
        """All that is new; some is waited for, but not for long."""
        with suppress(queue.Empty):
            yield self._news.get(timeout=_LOOK)
            while True:
                yield self._news.get_nowait()

    def _ended(self, future: Future) -> list[TaskResult]:
        """The answer of a task that ended, unless its worker is known to have left."""
        flight = self._flights.get(future.key)
        if flight is None:
            return []
        if future.status in ("lost", "cancelled"):
            raise EngineError(LOST)
        try:
            text = future.result(timeout=_LOOK)
        except TimeoutError:  # the worker took it along, of which there will be news, or the network is slow
            self._news.put(future)
            return []
        except KilledWorker:
            text = None
        except OSError as error:
            raise EngineError(f"{LOST} ({error})") from error
        except Exception as error:
            raise EngineError(f"a worker can't do the work: {type(error).__name__}: {error}") from error
        del self._flights[future.key]
        return [_died(flight) if text is None else TaskResult(flight.task.name, text)]

    def _left(self, event: Any) -> list[TaskResult]:
        """The answer of a worker that died at its task; one that it hadn't begun, or gave back, another takes."""
        action = event.get("action") if isinstance(event, dict) else None
        if action == "add-worker":
            self._looked = 0.0
        if action != "remove-worker":
            return []
        self._workers.pop(event["worker"], None)
        found = []
        for key, flight in self._at(event["worker"]):
            self._drop(key)
            if key in event["processing-tasks"] and not event["expected"]:
                found.append(_died(flight))
            else:
                self._waiting.appendleft(flight.task)
        return found

    def _at(self, worker: str) -> list[tuple[str, _Flight]]:
        return [(key, flight) for key, flight in self._flights.items() if flight.worker == worker]

    def _drop(self, key: str) -> None:
        with suppress(Exception):  # of a scheduler that is lost, which the next look tells
            self.client.cancel([self._flights.pop(key).future], force=True)

    def _look(self) -> None:
        """See who is there. Raises EngineError."""
        if self.client.status != "running":
            raise EngineError(LOST)
        try:
            self._workers = self.client.scheduler_info(n_workers=-1)["workers"]
        except Exception as error:
            raise EngineError(f"{LOST} ({type(error).__name__})") from error
        self._looked = monotonic()
        if self._workers:
            self._manned = self._looked
        elif self._looked - self._manned > self.patience:
            raise EngineError(f"the cluster has had no worker for {self.patience:g} s; run again to resume")
        for address, worker in self._workers.items():
            if worker["nthreads"] > 1:
                rule = "start workers with --nthreads 1 (more of them in place of more threads)"
                raise EngineError(f"{address} works at {worker['nthreads']} nodes at once: {rule}")


def _died(flight: _Flight) -> TaskResult:
    return TaskResult(flight.task.name, None, crashes=1, where=f"with worker {flight.worker}")
