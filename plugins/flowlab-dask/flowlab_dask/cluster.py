"""A pool of Dask's workers: each has one task at a time, which has a result when it ends or its worker dies."""

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

_REFRESH = 2.0  # seconds between two questions to the scheduler who the workers are
LOST = "the cluster's scheduler is lost; run again to resume"

Event = Future | tuple[float, Any]  # a task that ended, or what the scheduler says of a worker, with its time


@frozen
class _Assignment:
    """A task, and the worker that has it."""

    task: Task
    worker: str
    future: Future


@define
class Cluster:
    """The workers of a cluster, one task each.

    A task is sent to a worker of our choice and not retried by Dask: otherwise the death of a worker would cost
    the tasks queued behind it as well, and be known late.
    """

    client: Client
    work: TaskFunction
    patience: float
    _waiting: deque[Task] = field(factory=deque, init=False)
    _assignments: dict[str, _Assignment] = field(factory=dict, init=False)  # by Dask's keys
    _workers: dict[str, dict[str, Any]] = field(factory=dict, init=False)  # by address
    _events: queue.SimpleQueue[Event] = field(factory=queue.SimpleQueue, init=False)
    _refreshed: float = field(default=0.0, init=False)
    _last_staffed: float = field(factory=monotonic, init=False)  # when there was a worker last

    def __attrs_post_init__(self) -> None:
        self.client.subscribe_topic("all", self._events.put)
        self._refresh()

    @property
    def slots(self) -> int:
        """How many tasks can run at once."""
        return max(len(self._workers), 1)

    def submit(self, task: Task) -> None:
        """Send the task to an idle worker, as soon as there is one. Raises EngineError."""
        self._waiting.append(task)
        self._assign()

    def completed(self) -> Sequence[TaskResult]:
        """Wait for tasks to end. Raises EngineError where the scheduler, or every worker, is gone."""
        results: list[TaskResult] = []
        while not results and (self._assignments or self._waiting):
            events = list(self._read_events())
            self._assign()  # before results are fetched, so that no worker waits for that
            for event in events:
                results += (
                    self._task_results(event) if isinstance(event, Future) else self._worker_results(event[1])
                )
            if monotonic() - self._refreshed > _REFRESH:
                self._refresh()
            self._assign()
        return results

    def stop(self) -> None:
        """Kill the workers that have tasks, as Dask can't interrupt a task; their nannies start others."""
        busy = {assignment.worker for assignment in self._assignments.values()}
        guarded = [address for address in busy if self._workers.get(address, {}).get("nanny")]
        with suppress(Exception):
            self.client.cancel([assignment.future for assignment in self._assignments.values()], force=True)
            if guarded:
                self.client.run(os._exit, 1, workers=guarded, on_error="ignore", callback_timeout=_REFRESH)

    def _assign(self) -> None:
        """Send waiting tasks to idle workers."""
        if not self._waiting:
            return
        busy = {assignment.worker for assignment in self._assignments.values() if not assignment.future.done()}
        for worker in [address for address in self._workers if address not in busy]:
            if self._waiting:
                self._send(self._waiting.popleft(), worker)

    def _send(self, task: Task, worker: str) -> None:
        key = f"{task.name}-{uuid4().hex}"  # for a key that it knows, Dask would return the former result
        try:
            future = self.client.submit(self.work, task.order, key=key, pure=False, workers=[worker])
        except Exception as error:
            raise EngineError(f"{LOST} ({error})") from error
        self._assignments[key] = _Assignment(task, worker, future)
        future.add_done_callback(self._events.put)

    def _read_events(self) -> Iterator[Event]:
        """All new events; waits a short time for the first."""
        with suppress(queue.Empty):
            yield self._events.get(timeout=_REFRESH)
            while True:
                yield self._events.get_nowait()

    def _task_results(self, future: Future) -> list[TaskResult]:
        """The result of a task that ended, none if its worker is known to be gone. Raises EngineError."""
        assignment = self._assignments.get(future.key)
        if assignment is None:
            return []
        if future.status in ("lost", "cancelled"):
            raise EngineError(LOST)
        try:
            text = future.result(timeout=_REFRESH)
        except TimeoutError:  # the worker is gone, of which there will be an event, or the network is slow
            self._events.put(future)
            return []
        except KilledWorker:
            text = None
        except OSError as error:
            raise EngineError(f"{LOST} ({error})") from error
        except Exception as error:
            raise EngineError(f"a worker can't do the work: {type(error).__name__}: {error}") from error
        del self._assignments[future.key]
        return [_crash_result(assignment) if text is None else TaskResult(assignment.task.name, text)]

    def _worker_results(self, event: Any) -> list[TaskResult]:
        """The results of tasks at which a worker died; tasks not begun, or given back, wait for another worker."""
        action = event.get("action") if isinstance(event, dict) else None
        if action == "add-worker":
            self._refreshed = 0.0
        if action != "remove-worker":
            return []
        self._workers.pop(event["worker"], None)
        results = []
        for key, assignment in self._at(event["worker"]):
            self._drop(key)
            if key in event["processing-tasks"] and not event["expected"]:
                results.append(_crash_result(assignment))
            else:
                self._waiting.appendleft(assignment.task)
        return results

    def _at(self, worker: str) -> list[tuple[str, _Assignment]]:
        return [(key, assignment) for key, assignment in self._assignments.items() if assignment.worker == worker]

    def _drop(self, key: str) -> None:
        with suppress(Exception):  # a lost scheduler is noticed at the next refresh
            self.client.cancel([self._assignments.pop(key).future], force=True)

    def _refresh(self) -> None:
        """Ask the scheduler for its workers. Raises EngineError where it, or every worker, is gone."""
        if self.client.status != "running":
            raise EngineError(LOST)
        try:
            self._workers = self.client.scheduler_info(n_workers=-1)["workers"]
        except Exception as error:
            raise EngineError(f"{LOST} ({type(error).__name__})") from error
        self._refreshed = monotonic()
        if self._workers:
            self._last_staffed = self._refreshed
        elif self._refreshed - self._last_staffed > self.patience:
            raise EngineError(f"the cluster has had no worker for {self.patience:g} s; run again to resume")
        for address, worker in self._workers.items():
            if worker["nthreads"] > 1:
                rule = "start workers with --nthreads 1 (more of them in place of more threads)"
                raise EngineError(f"{address} works at {worker['nthreads']} nodes at once: {rule}")


def _crash_result(assignment: _Assignment) -> TaskResult:
    return TaskResult(assignment.task.name, None, crashes=1, where=f"with worker {assignment.worker}")
