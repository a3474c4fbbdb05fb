"""Processes on this machine, each at one task."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess

from attrs import define, field, frozen

from flowlab.api import Answer, Task, Work, parameter

_QUEUED = 2  # tasks a process, so that it finds the next when it ends one


@frozen
class Local:
    """Processes on this machine, each at one node; with `--device cuda` each has a GPU for itself.

    A script that runs an experiment with it needs `if __name__ == "__main__":`, as each process reads it again.
    """

    workers: int | None = parameter(
        None, help="processes; as many as the cores or GPUs at hand if absent", ge=1, le=1024
    )

    @contextmanager
    def crew(self, work: Work, device: str, threads: int) -> Iterator[Processes]:
        """Processes that start when there is work for them, and are killed at the end."""
        places = _gpus() if device == "cuda" else [None] * max(_cores() // threads, 1)
        count = self.workers or len(places)
        crew = Processes(work, [places[i % len(places)] for i in range(count)])
        try:
            yield crew
        finally:
            crew.kill()


@define
class _Hand:
    """One process, and the tasks that it was sent; it is at the first of them."""

    process: BaseProcess
    pipe: Connection
    tasks: deque[Task] = field(factory=deque)


@define
class Processes:
    """A process for each place: the number of a GPU, or None."""

    work: Work
    places: list[str | None]
    _hands: dict[int, _Hand] = field(factory=dict, init=False)

    @property
    def hands(self) -> int:
        """How many tasks can be worked at, at once."""
        return len(self.places)

    def submit(self, task: Task) -> None:
        """Send it to whoever has least to do, a new process as long as there are places."""
        loads = [len(self._hands[i].tasks) if i in self._hands else 0 for i in range(len(self.places))]
        place = min(range(len(loads)), key=lambda i: (loads[i], i not in self._hands))
        hand = self._hands.get(place) or self._started(place)
        hand.tasks.append(task)
        with suppress(OSError):  # it is dead: its answer says so
            hand.pipe.send_bytes(task.order.encode())

    def answers(self) -> Sequence[Answer]:
        """Wait for tasks to end."""
        busy = {hand.pipe: place for place, hand in self._hands.items() if hand.tasks}
        found: list[Answer] = []
        for pipe in wait(list(busy)) if busy else ():
            place = busy[pipe]  # type: ignore[index]
            hand = self._hands[place]
            try:
                text = hand.pipe.recv_bytes().decode()
            except (EOFError, OSError):
                found.append(self._buried(place))
            else:
                found.append(Answer(hand.tasks.popleft().name, text))
        return found

    def kill(self) -> None:
        """Stop all processes at once."""
        for hand in self._hands.values():
            hand.process.kill()
        for hand in self._hands.values():
            hand.process.join()
            hand.pipe.close()

    def _started(self, place: int) -> _Hand:
        context = multiprocessing.get_context("spawn")
        ours, theirs = context.Pipe()
        arguments = (self.work, theirs, self.places[place])
        process = context.Process(target=_serve, args=arguments, daemon=True, name=f"flowlab-{place}")
        process.start()
        theirs.close()
        self._hands[place] = _Hand(process, ours)
        return self._hands[place]

    def _buried(self, place: int) -> Answer:
        """What is said of a dead process; the tasks that it hadn't begun go to another."""
        hand = self._hands.pop(place)
        hand.process.join()
        hand.pipe.close()
        culprit = hand.tasks.popleft()
        for task in hand.tasks:
            self.submit(task)
        code = hand.process.exitcode or 0
        cause = signal.Signals(-code).name if code < 0 else f"exit code {code}"
        return Answer(culprit.name, None, deaths=1, where=f"of {cause}")


def _serve(work: Work, pipe: Connection, gpu: str | None) -> None:
    """A process's life: order after order, until the pipe closes."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C goes to every process; the first one decides
    threading.Thread(target=_outlive_nobody, daemon=True).start()
    if gpu is not None:
        os.environ["CUDA_VISIBLE_DEVICES"] = gpu
    with suppress(EOFError):
        while True:
            pipe.send_bytes(work(pipe.recv_bytes().decode()).encode())


def _outlive_nobody() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _gpus() -> list[str | None]:
    """The GPUs that this process may use, as CUDA_VISIBLE_DEVICES names them."""
    import torch

    named = os.environ.get("CUDA_VISIBLE_DEVICES")
    listed = named.split(",") if named else [str(i) for i in range(torch.cuda.device_count())]
    return [*listed]
