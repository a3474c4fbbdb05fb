"""What an executor is: processes that carry out orders, here or on other machines."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Protocol

from attrs import frozen

TaskFunction = Callable[[str], str]


@frozen
class Task:
    """A node's work: `order` is text that any process with the same packages and files can carry out."""

    name: str  # the node's, for people
    order: str


@frozen
class TaskResult:
    """How a task ended: what the work returned, or None where `deaths` processes died of it."""

    name: str
    text: str | None
    crashes: int = 0
    where: str = ""  # the process, in words


class WorkerPool(Protocol):
    """Processes at work. All of them see the files that an order names."""

    @property
    def slots(self) -> int:
        """How many tasks can be worked at, at once."""

    def submit(self, task: Task) -> None:
        """Take on a task; no task waits for another. Raises EngineError."""

    def completed(self) -> Sequence[TaskResult]:
        """Wait for tasks to end: at least one answer, unless none was submitted. Raises EngineError."""


class Executor(Protocol):
    """Opens a crew. Left early, the crew stops at once: what is unfinished is lost, what is finished is kept."""

    def open_pool(self, work: TaskFunction, device: str, threads: int) -> AbstractContextManager[WorkerPool]:
        """Processes that do `work` in so many threads each: a picklable function, which may hold much text.

        A pool that can sends it to each process once. `device` is "cpu" or "cuda". Raises EngineError.
        """
