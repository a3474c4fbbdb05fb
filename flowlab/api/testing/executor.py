"""What every executor keeps: each task is answered once, and a task that kills its process is answered, too."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from contextlib import AbstractContextManager
from time import monotonic
from typing import ClassVar

from hypothesis import given
from hypothesis import strategies as st

from flowlab.api.kinds.executor import Task, TaskResult, WorkerPool
from flowlab.api.sample_task import sample_task
from flowlab.api.testing.suite import Suite, once

_LARGE = 1 << 20  # characters: more than any pipe or socket holds
_LONG = 60.0  # seconds of a task that is left


class ExecutorSuite(Suite):
    """Rules of an executor."""

    kind: ClassVar[str] = "executor"
    prompt: ClassVar[float] = 5.0  # seconds until who leaves is gone

    def open_pool(self, data: st.DataObject) -> AbstractContextManager[WorkerPool]:
        """A pool on the CPU, of one thread a worker, that runs `sample_task`."""
        opened: AbstractContextManager[WorkerPool] = self.drawn(data).open_pool(sample_task, "cpu", 1)
        return opened

    @once
    @given(st.data())
    def test_there_is_a_hand(self, data: st.DataObject) -> None:
        with self.open_pool(data) as pool:
            assert pool.slots >= 1, "nobody can work"
            assert not pool.completed(), "an answer to nothing"

    @once
    @given(st.data())
    def test_each_task_of_many_is_answered_once(self, data: st.DataObject) -> None:
        with self.open_pool(data) as pool:
            tasks = [Task(f"node-{i}", f"say {i}") for i in range(10 * pool.slots + 10)]
            found = worked(pool, tasks)
        assert Counter(answer.name for answer in found) == Counter(task.name for task in tasks)
        wrong = [answer for answer in found if answer.text != answer.name.removeprefix("node-")]
        assert not wrong, f"an answer is another task's: {wrong[0]}"
        assert not any(answer.crashes for answer in found), "nobody died"

    @once
    @given(st.data())
    def test_answers_come_as_tasks_end(self, data: st.DataObject) -> None:
        with self.open_pool(data) as pool:
            for number in range(3):
                [answer] = worked(pool, [Task("again", f"say {number}")])
                assert answer.text == str(number), "a task of a former name is answered as the former one"

    @once
    @given(st.data())
    def test_any_text_of_any_length_passes(self, data: st.DataObject) -> None:
        texts = ["", " ", "\n\r\t\x00", "{'\"}\\", "é\u2028😀", "x" * _LARGE]
        with self.open_pool(data) as pool:
            # large orders wait behind large answers: who writes must not wait for one who writes as well
            tasks = [Task(f"large-{i}", f"fill {_LARGE}") for i in range(2 * pool.slots)]
            tasks += [Task(f"{i}", f"say {text}") for i, text in enumerate([*texts, *texts[-1:] * pool.slots])]
            found = {answer.name: answer.text for answer in worked(pool, tasks)}
        for number, text in enumerate(texts):
            assert found[str(number)] == text, f"{text[:9]!r} came back as {str(found[str(number)])[:9]!r}"
        assert {text for name, text in found.items() if name.startswith("large")} == {"é" * _LARGE}

    @once
    @given(st.data())
    def test_a_killed_process_is_an_answer(self, data: st.DataObject) -> None:
        self._ends(data, "die")

    @once
    @given(st.data())
    def test_a_process_that_leaves_is_an_answer(self, data: st.DataObject) -> None:
        self._ends(data, "exit 0")

    def _ends(self, data: st.DataObject, order: str) -> None:
        with self.open_pool(data) as pool:
            good = [Task(f"good-{i}", f"say {i}") for i in range(2 * pool.slots)]
            found = worked(pool, [*good[:1], Task("bad", order), *good[1:]])
            [bad] = [answer for answer in found if answer.name == "bad"]
            assert bad.text is None, f"a dead process said {bad.text!r}"
            assert bad.crashes >= 1, "no process died"
            assert len(found) == len(good) + 1, "a task beside it has no answer"
            [after] = worked(pool, [Task("after", "say so")])
            assert after.text == "so", "after a death no task is done"

    @once
    @given(st.data())
    def test_who_leaves_early_is_gone_at_once(self, data: st.DataObject) -> None:
        with self.open_pool(data) as pool:
            worked(pool, [Task("ready", "say so")])
            for number in range(3 * pool.slots):
                pool.submit(Task(f"long-{number}", f"sleep {_LONG}"))
            start = monotonic()
        seconds = monotonic() - start
        assert seconds < self.prompt, f"it took {seconds:.1f} s to leave"

    @once
    @given(st.data())
    def test_a_pool_can_follow_another(self, data: st.DataObject) -> None:
        component = self.drawn(data)
        for text in ("one", "two"):
            with component.open_pool(sample_task, "cpu", 1) as pool:
                [answer] = worked(pool, [Task("node", f"say {text}")])
                assert answer.text == text


def worked(pool: WorkerPool, tasks: Iterable[Task]) -> list[TaskResult]:
    """The answers to all tasks: each is waited for, and none more."""
    left = Counter(task.name for task in tasks)
    for task in tasks:
        pool.submit(task)
    found: list[TaskResult] = []
    while left.total():
        heard = pool.completed()
        assert heard, f"no answer to {next(iter(left))}"
        for answer in heard:
            assert left[answer.name], f"an answer too many: {answer.name}"
            left[answer.name] -= 1
        found += heard
    return found
