"""Processes on this machine, each at one task."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess

from attrs import define, field, frozen

from flowlab.api import Answer, EngineError, Task, Work, parameter

_STARTS = 3  # processes in a row that are killed before they can work, until no other is tried
_SIGNALS = {int(one): one.name for one in signal.Signals}  # those that have a name
_GRACE = 5.0  # seconds that a process has to be gone after its last word


@frozen
class Local:
    """Processes on this machine, each at one node; with `--device cuda` each has a GPU for itself.

    More processes than GPUs share them. A script that runs an experiment with it needs
    `if __name__ == "__main__":`, as each process reads it again.
    """

    workers: int | None = parameter(
        None, help="processes; as many as the cores or GPUs at hand if absent", ge=1, le=1024
    )

    @contextmanager
    def crew(self, work: Work, device: str, threads: int) -> Iterator[Processes]:
        """Processes that start when there is work for them, and are killed at the end. Raises EngineError."""
        places = _gpus() if device == "cuda" else [None] * max(_cores() // threads, 1)
        count = self.workers or len(places)
        crew = Processes(work, [places[i % len(places)] for i in range(count)])
        try:
            yield crew
        finally:
            crew.kill()


@define
class _Hand:
    """One process, the task that it is at, and whether it has said that it can work."""

    process: BaseProcess
    pipe: Connection
    task: Task | None = None
    ready: bool = False


@define
class Processes:
    """A process for each place: the number of a GPU, or None."""

    work: Work
    places: list[str | None]
    _waiting: deque[Task] = field(factory=deque, init=False)
    _hands: dict[int, _Hand] = field(factory=dict, init=False)  # by place
    _unborn: int = field(default=0, init=False)  # processes in a row that were killed before they could work

    @property
    def hands(self) -> int:
        """How many tasks can be worked at, at once."""
        return len(self.places)

    def submit(self, task: Task) -> None:
        """Give it to a process that has nothing to do, as soon as there is one."""
        self._waiting.append(task)
        self._employ()

    def answers(self) -> Sequence[Answer]:
        """Wait for tasks to end. Raises EngineError where no process can be started."""
        found: list[Answer] = []
        while not found and any(hand.task for hand in self._hands.values()):
            places = {hand.pipe: place for place, hand in self._hands.items()}
            heard = [self._heard(places[pipe]) for pipe in wait(list(places)) if isinstance(pipe, Connection)]
            found += [answer for answer in heard if answer is not None]
            self._employ()
        return found

    def kill(self) -> None:
        """Stop all processes at once."""
        for hand in self._hands.values():
            hand.process.kill()
        for hand in self._hands.values():
            hand.process.join()
            hand.pipe.close()

    def _employ(self) -> None:
        """Give what waits to who has nothing to do, or to a new process as long as there are places."""
        while self._waiting:
            idle = [place for place, hand in self._hands.items() if hand.task is None]
            vacant = [place for place in range(len(self.places)) if place not in self._hands]
            if not idle and not vacant:
                return
            place = idle[0] if idle else self._started(vacant[0])
            hand = self._hands[place]
            try:
                hand.pipe.send_bytes(self._waiting[0].order.encode())
            except OSError:  # it was dead before, of which the task isn't to blame
                self._buried(place)
            else:
                hand.task = self._waiting.popleft()

    def _started(self, place: int) -> int:
        context = multiprocessing.get_context("spawn")
        ours, theirs = context.Pipe()
        arguments = (self.work, theirs, self.places[place])
        process = context.Process(target=_serve, args=arguments, daemon=True, name=f"flowlab-{place}")
        with _deaf():
            process.start()
        theirs.close()
        self._hands[place] = _Hand(process, ours)
        return place

    def _heard(self, place: int) -> Answer | None:
        """What a process says: first that it can work, then answers, or by its end that it is dead."""
        hand = self._hands[place]
        try:
            text = hand.pipe.recv_bytes().decode()
        except (EOFError, OSError):
            return self._buried(place)
        if not hand.ready or hand.task is None:
            hand.ready, self._unborn = True, 0
            return None
        task, hand.task = hand.task, None
        return Answer(task.name, text)

    def _buried(self, place: int) -> Answer | None:
        """What is said of a dead process at a task. Raises EngineError where others would die as it did."""
        hand = self._hands.pop(place)
        hand.process.join(_GRACE)
        hand.process.kill()
        hand.process.join()
        hand.pipe.close()
        code = hand.process.exitcode or 0
        cause = _SIGNALS.get(-code, f"signal {-code}") if code < 0 else f"exit code {code}"
        if hand.ready:
            return None if hand.task is None else Answer(hand.task.name, None, deaths=1, where=f"of {cause}")
        self._unborn += 1
        if code >= 0 or self._unborn == _STARTS:
            rule = 'a script that runs an experiment needs `if __name__ == "__main__":`'
            raise EngineError(f"a process of the executor died of {cause} before it could work; {rule}")
        if hand.task is not None:
            self._waiting.appendleft(hand.task)
        return None


@contextmanager
def _deaf() -> Iterator[None]:
    """Ctrl-C waits, and goes unheard in a process that is started within: it goes to all, and the run decides."""
    resource_tracker.ensure_running()  # else begun within, which would end this
    former = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, former)


def _serve(work: Work, pipe: Connection, gpu: str | None) -> None:
    """A process's life: order after order, until the pipe closes."""
    threading.Thread(target=_outlive_nobody, daemon=True).start()
    if gpu is not None:
        os.environ["CUDA_VISIBLE_DEVICES"] = gpu
    text = ""  # that it can work
    while True:
        try:
            pipe.send_bytes(text.encode())
            order = pipe.recv_bytes().decode()
        except (EOFError, OSError):  # whoever asks is gone
            return
        text = work(order)


def _outlive_nobody() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _gpus() -> list[str | None]:
    """The GPUs that this process may use, as CUDA_VISIBLE_DEVICES names them. Raises EngineError for none."""
    import torch

    named = os.environ.get("CUDA_VISIBLE_DEVICES")
    listed = named.split(",") if named else map(str, range(torch.cuda.device_count()))
    found: list[str | None] = [name.strip() for name in listed]
    if not found:
        raise EngineError("there is no GPU for a process to work with")
    return found
