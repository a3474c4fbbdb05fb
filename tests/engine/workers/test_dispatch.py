"""A graph carried out by a crew, here a made-up one in this process: which node when, retries, blame, losses."""

from __future__ import annotations

import json
import os
import shutil
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import dispatch_nodes
import pytest
from attrs import define, evolve, field
from engine_nodes import NOWHERE, node
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from recording_listener import RecordingListener

from flowlab.api import EngineError, Task, TaskFunction, TaskResult
from flowlab.engine.cache.store import Store
from flowlab.engine.outcome import Outcome
from flowlab.engine.progress.quiet import QuietListener
from flowlab.engine.run import run_graph
from flowlab.engine.workers import scheduler as dispatch
from flowlab.engine.workers.messages import (
    MessageError,
    NodeBatch,
    NodeReply,
    RunSpec,
    dump_message,
    dump_replies,
    load_message,
    load_replies,
)
from flowlab.engine.workers.worker import run_batch
from flowlab.graph.graph import Graph, load_graph
from flowlab.graph.node import Node
from flowlab.registry.registry import Registry

Fate = Callable[[Task, TaskFunction], TaskResult]


@define
class Here:
    """An executor, and the crew that it opens: one task after the other, each with its fates before it is done."""

    fates: dict[str, list[Fate]] = field(factory=dict)  # by the first node of a task
    slots: int = 2
    log: list[str] = field(factory=list)  # of tasks taken on
    beside: list[int] = field(factory=list)  # how many were there already when each was
    opened: int = 0
    pick: Callable[[int], int] = lambda count: 0  # which of so many tasks ends first
    _work: TaskFunction = field(init=False)
    _waiting: list[Task] = field(factory=list, init=False)

    @contextmanager
    def open_pool(self, work: TaskFunction, device: str, threads: int) -> Iterator[Here]:
        assert (device, threads) == ("cpu", 1)
        self._work = work
        self.opened += 1
        yield self

    def submit(self, task: Task) -> None:
        self.log.append(task.name)
        self.beside.append(len(self._waiting))
        self._waiting.append(task)

    def completed(self) -> Sequence[TaskResult]:
        task = self._waiting.pop(self.pick(len(self._waiting)))
        fates = self.fates.get(task.name.partition(" and ")[0])
        return [fates.pop(0)(task, self._work) if fates else done(task, self._work)]


def done(task: Task, work: TaskFunction) -> TaskResult:
    return TaskResult(task.name, work(task.order))


def dead(task: Task, work: TaskFunction) -> TaskResult:
    return TaskResult(task.name, None, crashes=1, where="of SIGKILL")


def lost(task: Task, work: TaskFunction) -> TaskResult:
    raise EngineError("the processes are gone")


@define
class Place:
    """An experiment, its store, and what was told of its runs."""

    folder: Path
    listener: RecordingListener = field(factory=RecordingListener)

    @property
    def store(self) -> Store:
        return Store(self.folder / "store")

    def graph(self, text: str) -> Graph:
        file = self.folder / "made.toml"
        file.write_text(f'[experiment]\nname = "made"\nthreads = 1\n{text}')
        return load_graph(file, (), Registry.installed())

    def run(self, text: str, executor: Any = None) -> Outcome:
        graph = self.graph(text)
        if executor is not None:
            graph = evolve(graph, nodes=(*graph.nodes, node("executor", "here", executor)))
        self.listener = RecordingListener()
        return run_graph(graph, "cpu", self.listener, NOWHERE, self.store)


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    info = tmp_path / "site/made_numbers-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: made-numbers\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(dispatch_nodes.ENTRY_POINTS)
    monkeypatch.syspath_prepend(tmp_path / "site")
    return Place(tmp_path)


def number(name: str, **settings: object) -> str:
    return table("dataset", name, "made-number", **settings)


def table(kind: str, name: str, use: str, **settings: object) -> str:
    lines = "".join(f"{key} = {json.dumps(value)}\n" for key, value in settings.items())
    return f'[{kind}.{name}]\nuse = "{use}"\n{lines}'


def total(name: str, *numbers: str) -> str:
    return table("analysis", name, "made-sum", dataset=numbers)


def found(outcome: Outcome) -> dict[str, str]:
    return {record.node.id: record.status for record in outcome.records if record.node.kind.built}


def message(outcome: Outcome, node: str) -> str:
    [record] = [record for record in outcome.records if record.node.id == node]
    return record.message


FEW = number("a") + number("b", value=2) + number("c", value=3) + total("ab", "a", "b") + total("c", "c")


def test_it_comes_out_as_in_this_process(place: Place) -> None:
    text = FEW + table("figure", "f", "made-picture", dataset="c") + '[sweep.a]\n"dataset.a.value" = [4, 5, 6]\n'
    there = place.run(text, pool := Here())
    here = run_graph(place.graph(text), "cpu", QuietListener(), NOWHERE)
    kept = [
        [(one.node.id, one.status, one.metrics, one.value, one.digest) for one in outcome.records if one.finished]
        for outcome in (there, here)
    ]
    assert kept[0] == kept[1]
    assert len(kept[0]) == 10
    assert pool.opened == 1
    assert "figure.f" not in pool.log  # what is shown is drawn by the run
    assert {record.metrics["process"] for record in there.of("figure")} == {os.getpid()}


@st.composite
def experiments(draw: st.DrawFn) -> str:
    """Numbers, some of which fail or have no form, sums of some of them, pictures, a sweep."""
    names = [f"n{i}" for i in range(draw(st.integers(1, 5)))]
    text = "".join(
        table("dataset", name, "made-opaque", value=draw(st.integers(0, 3)))
        if draw(st.booleans())
        else number(name, value=draw(st.integers(0, 3)), fault=draw(st.sampled_from(["", "", "node", "short"])))
        for name in names
    )
    some = st.lists(st.sampled_from(names), min_size=1, unique=True)
    text += "".join(total(f"s{i}", *draw(some)) for i in range(draw(st.integers(0, 4))))
    for i in range(draw(st.integers(0, 2))):
        text += table("figure", f"f{i}", "made-picture", dataset=draw(st.sampled_from(names)))
    if draw(st.booleans()):
        text += (
            f'[sweep.s]\n"dataset.{draw(st.sampled_from(names))}.value" = {list(range(draw(st.integers(1, 9))))}\n'
        )
    return text


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data(), text=experiments(), slots=st.integers(1, 3))
def test_any_graph_in_any_order_with_any_deaths_comes_out_the_same(
    place: Place, monkeypatch: pytest.MonkeyPatch, data: st.DataObject, text: str, slots: int
) -> None:
    shutil.rmtree(place.store.folder, ignore_errors=True)
    graph = place.graph(text)
    dying = data.draw(st.lists(st.sampled_from([one.id for one in graph.nodes]), max_size=4))
    fates: dict[str, list[Fate]] = {}
    for name in dying:
        fates.setdefault(name, []).append(dead)
    # three deaths alone would be the fate of one who is to blame
    fates = {name: many[: dispatch.CRASHES_ALONE - 1] for name, many in fates.items()}
    pool = Here(fates, slots, pick=lambda count: data.draw(st.integers(0, count - 1)))
    there = place.run(text, pool)
    here = run_graph(graph, "cpu", QuietListener(), NOWHERE)
    kept = [
        [(one.node.id, one.status, one.message, one.metrics, one.digest) for one in outcome.records]
        for outcome in (evolve(there, records=there.records[:-1]), here)
    ]
    assert kept[0] == kept[1]
    assert there.exit_code == here.exit_code
    assert len(place.listener.finished_nodes) == len(set(place.listener.finished_nodes))


def test_each_node_goes_once_after_its_inputs_and_two_a_hand_at_a_time(place: Place) -> None:
    names = [f"n{i}" for i in range(9)]
    place.run("".join(map(number, names)) + total("all", *names), pool := Here(slots=2))
    assert sorted(pool.log[:9]) == [f"dataset.{name}" for name in names]
    assert pool.log[9:] == ["analysis.all"]
    assert max(pool.beside) == 3
    assert place.listener.started_nodes == pool.log
    assert sorted(place.listener.finished_nodes) == sorted(pool.log)


SWEPT = number("a") + total("a", "a") + '[sweep.s]\n"dataset.a.value" = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10]\n'


def test_settings_that_take_no_time_go_together_once_that_is_known(place: Place) -> None:
    outcome = place.run(SWEPT, pool := Here(slots=1))
    assert set(found(outcome).values()) == {"done"}
    assert len(found(outcome)) == len(place.listener.finished_nodes) == 22
    # two are on their way before anything is known; of the ten that wait with a sum, a task takes its share
    assert pool.log[:4] == [
        "dataset.a[value=0]",
        "dataset.a[value=1]",
        "dataset.a[value=2] and 4 more",
        "dataset.a[value=7] and 2 more",
    ]


def test_settings_that_take_their_time_go_alone(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("flowlab.engine.workers.batching._BATCH_SECONDS", 0.001)  # less than a node takes
    place.run(SWEPT, pool := Here(slots=1))
    assert sorted(pool.log) == sorted(place.listener.finished_nodes)
    assert len(pool.log) == 22


def test_who_dies_with_others_is_done_again_alone_and_what_was_finished_is_not(place: Place) -> None:
    def half(task: Task, work: TaskFunction) -> TaskResult:
        asked = load_message(task.order, NodeBatch)
        work(dump_message(NodeBatch(dict(list(asked.keys.items())[:2]))))
        return dead(task, work)

    name = "dataset.a[value=2]"
    outcome = place.run(SWEPT, pool := Here({name: [half, dead]}, slots=1))
    assert set(found(outcome).values()) == {"done"}
    assert place.listener.warnings == [
        f"{name} and 4 more: the process at them died of SIGKILL; they are done again, each by itself",
        f"{name}: the process at it died 2 times of SIGKILL; it is done again",
    ]
    alone = [f"dataset.a[value={value}]" for value in (2, 3, 4, 5, 6)]
    assert set(alone) <= set(pool.log)
    assert [one.reused for one in outcome.records if one.node.id in alone] == [True, True, False, False, False]
    assert len(place.listener.finished_nodes) == len(set(place.listener.finished_nodes)) == 22


def test_a_store_that_is_lost_loses_nothing_of_what_came_before(place: Place) -> None:
    def full(task: Task, work: TaskFunction) -> TaskResult:
        first, *others = load_replies(work(task.order))
        lost = NodeReply("failed", message="the disk is full", store_lost=True)
        return TaskResult(task.name, dump_replies([first, *(lost for _ in others)]))

    outcome = place.run(SWEPT, Here({"dataset.a[value=2]": [full]}, slots=1))
    assert (outcome.exit_code, outcome.lost) == (4, "the disk is full")
    assert found(outcome)["dataset.a[value=2]"] == "done"
    assert found(outcome)["dataset.a[value=3]"] == "skipped"


def test_a_failure_skips_what_needs_it_and_nothing_else(place: Place) -> None:
    faulty = number("a", fault="defect") + number("b", fault="node") + number("c", fault="short")
    outcome = place.run(faulty + total("ab", "a", "b") + total("c", "c"), pool := Here())
    assert outcome.exit_code == 1
    assert found(outcome) == {
        "dataset.a": "failed",
        "dataset.b": "failed",
        "dataset.c": "short",
        "analysis.ab": "skipped",
        "analysis.c": "done",
    }
    assert message(outcome, "dataset.a") == "KeyError: 'oh'"
    assert [bool(record.trace) for record in outcome.of("dataset")] == [True, False, False]
    assert message(outcome, "dataset.b") == "no such number"
    assert message(outcome, "analysis.ab") == "needs dataset.a, dataset.b"
    assert "analysis.ab" not in pool.log


def test_what_is_stored_takes_no_crew(place: Place) -> None:
    place.run(FEW, Here())
    again = place.run(FEW, pool := Here())
    assert (again.exit_code, pool.opened) == (0, 0)
    assert all(record.reused for record in again.records if record.node.kind.built)


def test_what_needs_stored_results_begins_at_once(place: Place) -> None:
    place.run(number("a"), Here())
    place.run(number("a") + number("slow", value=9) + total("a", "a"), pool := Here())
    assert (pool.log, pool.beside) == (["dataset.slow", "analysis.a"], [0, 1])


def test_a_node_whose_process_dies_once_is_done_again_at_once(place: Place) -> None:
    outcome = place.run(FEW, pool := Here({"dataset.a": [dead]}, slots=1))
    assert outcome.exit_code == 0
    assert set(found(outcome).values()) == {"done"}
    assert place.listener.warnings == ["dataset.a: the process at it died of SIGKILL; it is done again"]
    assert pool.log[:3] == ["dataset.a", "dataset.b", "dataset.a"]
    assert place.listener.started_nodes.count("dataset.a") == 1


def test_a_node_whose_process_dies_twice_is_done_last_and_alone(place: Place) -> None:
    outcome = place.run(FEW, pool := Here({"dataset.a": [dead, dead]}))
    assert set(found(outcome).values()) == {"done"}
    assert place.listener.warnings[1] == "dataset.a: the process at it died 2 times of SIGKILL; it is done again"
    assert pool.log[-2:] == ["dataset.a", "analysis.ab"]
    assert pool.beside[-2:] == [0, 0]
    assert "analysis.c" in pool.log[:-2]


def test_a_node_that_always_kills_its_process_is_to_blame_and_stops_no_other(place: Place) -> None:
    outcome = place.run(FEW, pool := Here({"dataset.a": [dead] * 99}))
    assert outcome.exit_code == 1
    assert found(outcome) == {
        "dataset.a": "failed",
        "dataset.b": "done",
        "dataset.c": "done",
        "analysis.ab": "skipped",
        "analysis.c": "done",
    }
    assert pool.log.count("dataset.a") == 5  # twice with others, three times alone
    assert message(outcome, "dataset.a") == (
        "the process at it died 5 times of SIGKILL, 3 times with nothing else at work"
    )


def test_deaths_in_company_prove_nothing(place: Place) -> None:
    # every process dies once: each node is the victim of another's memory, say
    names = ["dataset.a", "dataset.b", "dataset.c", "analysis.ab", "analysis.c"]
    outcome = place.run(FEW, Here({name: [dead, dead] for name in names}))
    assert set(found(outcome).values()) == {"done"}


def test_a_crew_may_count_deaths_itself(place: Place) -> None:
    def often(task: Task, work: TaskFunction) -> TaskResult:
        return TaskResult(task.name, None, crashes=4, where="with worker w")

    outcome = place.run(number("a"), pool := Here({"dataset.a": [often]}))
    assert pool.log == ["dataset.a"]
    assert message(outcome, "dataset.a") == (
        "the process at it died 4 times with worker w, 4 times with nothing else at work"
    )

    def survived(task: Task, work: TaskFunction) -> TaskResult:
        return evolve(done(task, work), crashes=1, where="of a worker that was lost")

    outcome = place.run(number("b"), Here({"dataset.b": [survived]}))
    assert outcome.exit_code == 0
    assert place.listener.warnings == [
        "dataset.b: the process at it died, of a worker that was lost; it was done again"
    ]


def test_lost_processes_end_the_run_and_what_was_finished_is_kept(place: Place) -> None:
    outcome = place.run(FEW, Here({"dataset.b": [lost]}))
    assert (outcome.exit_code, outcome.lost) == (4, "the processes are gone")
    assert found(outcome)["dataset.a"] == "done"
    assert (found(outcome)["dataset.b"], message(outcome, "dataset.b")) == ("skipped", "not reached")
    again = place.run(FEW, pool := Here())
    assert again.exit_code == 0
    assert "dataset.a" not in pool.log


def test_a_crew_that_never_comes(place: Place) -> None:
    class Nobody:
        def open_pool(self, *_: object) -> object:
            raise EngineError("no scheduler answers")

    outcome = place.run(FEW, Nobody())
    assert (outcome.exit_code, outcome.lost) == (4, "no scheduler answers")


def test_a_lost_store_ends_the_run(place: Place) -> None:
    def full(task: Task, work: TaskFunction) -> TaskResult:
        return TaskResult(
            task.name, dump_replies([NodeReply("failed", message="the disk is full", store_lost=True)])
        )

    outcome = place.run(FEW, Here({"dataset.b": [full]}))
    assert (outcome.exit_code, outcome.lost) == (4, "the disk is full")
    assert found(outcome)["dataset.a"] == "done"


@pytest.mark.parametrize("text", ["", "[]", '{"state": "done"}', "\x00"])
def test_words_of_another_version_end_the_run(place: Place, text: str) -> None:
    outcome = place.run(FEW, Here({"dataset.b": [lambda task, _: TaskResult(task.name, text)]}))
    assert outcome.exit_code == 4
    assert outcome.lost.startswith("dataset.b: the answer of a worker is of another version of flowlab: ")


@pytest.mark.parametrize("text", ["", "[]\n{}", '{"node": "dataset.a"}', "\x00"])
def test_an_order_of_another_version_is_answered(text: str) -> None:
    spec = dump_message(RunSpec("", "cpu", "", None))
    for arguments in ((spec, text), (text, dump_message(NodeBatch({"dataset.a": "0"})))):
        [reply] = load_replies(run_batch(*arguments))
        assert reply.status == "failed"
        assert reply.message.startswith("the order is of another version of flowlab: ")


@pytest.mark.parametrize(
    ("change", "shape"),
    [
        ({"seconds": "1.0"}, list[NodeReply]),
        ({"reused": "false"}, list[NodeReply]),
        ({"warnings": "ab"}, list[NodeReply]),
        ({"digest": 3}, list[NodeReply]),
        ({"status": "lost"}, list[NodeReply]),
        ({"attempts": 2}, list[NodeReply]),
    ],
)
def test_a_message_is_not_made_to_fit(change: dict[str, Any], shape: type) -> None:
    [data] = json.loads(dump_replies([NodeReply("done")]))
    assert load_message(json.dumps([data]), shape) == [NodeReply("done")]
    with pytest.raises(MessageError):
        load_message(json.dumps([data | change]), shape)
    del data["message"]
    with pytest.raises(MessageError):
        load_message(json.dumps([data]), shape)


def test_a_worker_with_other_packages_is_refused(place: Place) -> None:
    def elsewhere(task: Task, work: TaskFunction) -> TaskResult:
        return TaskResult(task.name, work(dump_message(NodeBatch({task.name: "0" * 64}))))

    outcome = place.run(FEW, Here({"dataset.a": [elsewhere]}))
    assert found(outcome)["dataset.a"] == "failed"
    assert message(outcome, "dataset.a").startswith(
        "a worker has other versions, source code or files than the run"
    )
    assert not place.store.path("0" * 64).exists()


def test_a_worker_that_began_with_other_source_code_is_refused(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = place.folder / "site"
    source = Path(dispatch_nodes.__file__).read_text()
    (site / "edited_nodes.py").write_text(source)
    points = site / "made_numbers-1.0.dist-info/entry_points.txt"
    points.write_text(dispatch_nodes.ENTRY_POINTS.replace("dispatch_nodes", "edited_nodes"))
    assert place.run(number("a"), Here()).exit_code == 0
    (site / "edited_nodes.py").write_text(source + "x = 1\n")  # which this process doesn't read again
    outcome = place.run(number("a"), Here())
    assert message(outcome, "dataset.a").startswith(
        "a worker has other versions, source code or files than the run"
    )


def test_a_worker_of_many_runs_reads_files_anew(place: Place) -> None:
    file = place.folder / "points.csv"
    text = table("dataset", "file", "points-file", path=str(file), samples=3)
    for points in ("0,0\n1,0\n0,1\n", "0,0\n2,0\n0,2\n"):
        file.write_text(points)
        outcome = place.run(text, Here())
        assert outcome.exit_code == 0, outcome.records


def test_a_result_that_did_not_arrive(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dispatch, "_ARRIVAL", 0.2)

    def nowhere(task: Task, work: TaskFunction) -> TaskResult:
        answer = done(task, work)
        place.store.path(*load_message(task.order, NodeBatch).keys.values()).unlink()
        return answer

    def another(task: Task, work: TaskFunction) -> TaskResult:
        answer = done(task, work)
        return evolve(
            answer, text=dump_replies([evolve(one, digest="0" * 64) for one in load_replies(str(answer.text))])
        )

    outcome = place.run(FEW, Here({"dataset.a": [nowhere], "dataset.b": [another]}))
    for name in ("dataset.a", "dataset.b"):
        assert "its result did not arrive in the store under" in message(outcome, name)
        assert "is that folder the same for all processes?" in message(outcome, name)
    assert found(outcome)["analysis.c"] == "done"
    assert outcome.exit_code == 1


def test_a_result_that_arrives_late(place: Place) -> None:
    threads = []

    def late(task: Task, work: TaskFunction) -> TaskResult:
        answer = done(task, work)
        path = place.store.path(*load_message(task.order, NodeBatch).keys.values())
        path.rename(aside := path.with_suffix(".aside"))
        threads.append(threading.Timer(0.3, aside.rename, [path]))
        threads[0].start()
        return answer

    start = time.monotonic()
    outcome = place.run(FEW, Here({"dataset.a": [late]}))
    threads[0].join()
    assert set(found(outcome).values()) == {"done"}
    assert 0.3 <= time.monotonic() - start < 30


def test_metrics_that_are_no_plain_data_cannot_be_handed_over(place: Place) -> None:
    outcome = place.run(number("a", fault="metrics") + number("b"), Here())
    assert found(outcome) == {"dataset.a": "failed", "dataset.b": "done"}
    assert "are not plain data" in message(outcome, "dataset.a")


def test_a_value_without_a_form_is_made_again_where_it_is_needed(place: Place) -> None:
    text = table("dataset", "o", "made-opaque", value=7) + total("s", "o")
    outcome = place.run(text + table("figure", "f", "made-picture", dataset="o"), Here())
    assert set(found(outcome).values()) == {"done"}
    metrics = {record.node.id: record.metrics for record in outcome.records}
    assert (metrics["analysis.s"]["sum"], metrics["figure.f"]["shown"]) == (7, 7)
    [made] = outcome.of("dataset")
    assert int(made.value) == 7
    assert place.listener.warnings == []


def test_a_node_without_a_key_fails_alone(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    from flowlab.engine.cache.key import CacheKeys

    right = CacheKeys.of

    def of(self: CacheKeys, node: Node) -> str:
        if node.id == "dataset.a":
            raise ValueError("odd parameters")
        return right(self, node)

    monkeypatch.setattr(CacheKeys, "of", of)
    outcome = place.run(FEW, pool := Here())
    assert message(outcome, "dataset.a") == (
        "it has no key under which a worker could store it: ValueError: odd parameters"
    )
    assert found(outcome)["dataset.b"] == "done"
    assert "dataset.a" not in pool.log
