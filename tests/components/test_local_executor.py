"""Real processes on this machine, which are killed, interrupted and left behind."""

from __future__ import annotations

import multiprocessing
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import harmful
import pytest
from attrs import frozen
from living import members, wait_for
from site_packages import SitePackages
from summaries import entries, statuses

from flowlab.api import EngineError, Task
from flowlab.api.sample_task import sample_task
from flowlab.api.testing.executor import worked
from flowlab.components.executors.local import Local, Processes

EXPERIMENT = """
[experiment]
name = "faults"

[dataset.quick]
use = "nap"

[dataset.slow]
use = "nap"
seconds = 1.0

[analysis.all]
use = "sum"
dataset = ["quick", "slow"]

[analysis.some]
use = "sum"
dataset = ["quick"]
"""
LOCAL = ("--executor", "local", "--set", "executor.workers=2")
LIMIT = 60.0  # seconds: what takes longer hangs


@frozen
class Place:
    """A folder with an experiment of harmful nodes."""

    site: SitePackages

    @property
    def folder(self) -> Path:
        return self.site.folder.parent

    @contextmanager
    def run(self, *options: str) -> Iterator[subprocess.Popen[str]]:
        """A run with two processes, in a session of its own."""
        command = [sys.executable, "-m", "flowlab", "run", "experiment.toml", "--device", "cpu", *LOCAL, *options]
        process = subprocess.Popen(
            command, cwd=self.folder, env=self.site.environment(), text=True, start_new_session=True,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip
        try:
            with process:
                yield process
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)

    def marks(self, node: str) -> list[int]:
        """The processes that a node was in, the latest last."""
        found = (self.folder / "marks").glob(f"{node}.*")
        return [int(path.suffix[1:]) for path in sorted(found, key=lambda path: path.stat().st_mtime)]


@pytest.fixture
def place(site: SitePackages, tmp_path: Path) -> Place:
    source = Path(harmful.__file__).read_text()
    site.add("harmful", harmful.ENTRY_POINTS, {"harmful.py": source})
    (tmp_path / "experiment.toml").write_text(EXPERIMENT)
    return Place(site)


def ended(run: subprocess.Popen[str]) -> tuple[int, str, str]:
    out, error = run.communicate(timeout=LIMIT)
    assert "Traceback" not in error, error
    return run.returncode, out, error


@pytest.mark.slow
def test_a_killed_process_costs_a_retry(place: Place) -> None:
    with place.run() as run:
        wait_for(lambda: place.marks("slow"))
        os.kill(place.marks("slow")[0], signal.SIGKILL)
        code, out, error = ended(run)
    assert code == 0, error
    assert "warning: dataset.slow: the process at it died of SIGKILL; it is done again" in error
    assert len(place.marks("slow")) == 2
    assert len(place.marks("quick")) == 1
    assert "4 of 4 nodes" in out


@pytest.mark.parametrize(
    ("harm", "cause"), [("kill", "SIGKILL"), pytest.param("exit", "exit code 7", marks=pytest.mark.slow)]
)
def test_a_node_that_always_ends_its_process_is_to_blame_and_its_siblings_are_done(
    place: Place, harm: str, cause: str
) -> None:
    with place.run("--set", f"dataset.slow.harm={harm}", "--set", "dataset.slow.seconds=0.1") as run:
        code, out, error = ended(run)
    assert code == 1, error
    crashes = len(place.marks("slow"))
    assert crashes >= 3
    blame = f"dataset.slow: the process at it died {crashes} times of {cause}, 3 times with nothing else at work"
    assert f"failed: {blame}" in " ".join(out.split())  # whatever the width of the terminal
    assert "skipped: analysis.all: needs dataset.slow" in out
    assert statuses(place.folder / "runs/faults") == {
        "executor.local": "done",
        "dataset.quick": "done",
        "dataset.slow": "failed",
        "analysis.all": "skipped",
        "analysis.some": "done",
    }


@pytest.mark.parametrize(
    ("number", "code", "everyone"),
    [
        (signal.SIGINT, 130, True),
        pytest.param(signal.SIGTERM, 143, True, marks=pytest.mark.slow),
        pytest.param(signal.SIGINT, 130, False, marks=pytest.mark.slow),
        pytest.param(signal.SIGTERM, 143, False, marks=pytest.mark.slow),
    ],
)
def test_an_interrupt_leaves_no_process_and_keeps_what_is_done(
    place: Place, number: signal.Signals, code: int, everyone: bool
) -> None:
    with place.run("--set", "dataset.slow.seconds=60.0") as run:
        wait_for(lambda: place.marks("slow") and place.marks("quick"))
        time.sleep(0.5)  # for the quick one's answer, and what it is the input of
        start = time.monotonic()
        (os.killpg if everyone else os.kill)(run.pid, number)
        found, out, error = ended(run)
        assert time.monotonic() - start < 5
        assert found == code, error
        wait_for(lambda: not members(run.pid), 2)
    assert "2 of 4 nodes saved in " in out
    found_again = statuses(place.folder / "runs/faults")
    assert {node for node, status in found_again.items() if status == "done"} == {
        "executor.local", "dataset.quick", "analysis.some",
    }  # fmt: skip
    assert len(list((place.folder / "runs/.store").glob("*.safetensors"))) == 2


@pytest.mark.slow
def test_a_ctrl_c_while_processes_start_is_quiet(place: Place) -> None:
    for moment in (0.0, 0.03, 0.1):
        with place.run() as run:
            wait_for(lambda: len(members(run.pid)) > 1)
            time.sleep(moment)
            os.killpg(run.pid, signal.SIGINT)
            code, _, error = ended(run)
            wait_for(lambda: not members(run.pid), 2)
        assert code == 130
        assert "KeyboardInterrupt" not in error


@pytest.mark.slow
def test_no_process_outlives_a_killed_run(place: Place) -> None:
    with place.run("--set", "dataset.slow.seconds=60.0") as run:
        wait_for(lambda: place.marks("slow"))
        assert len(members(run.pid)) >= 2
        run.kill()
        run.communicate(timeout=LIMIT)
        wait_for(lambda: not members(run.pid), 5)


@pytest.mark.slow
def test_a_process_lets_the_run_decide_what_ctrl_c_means(place: Place) -> None:
    with place.run() as run:
        wait_for(lambda: place.marks("slow"))
        os.kill(place.marks("slow")[0], signal.SIGINT)
        code, _, error = ended(run)
    assert code == 0, error
    assert "warning" not in error
    assert len(place.marks("slow")) == 1


@pytest.mark.parametrize("threads", [None, pytest.param(2, marks=pytest.mark.slow)])
def test_threads_are_one_a_process_unless_the_experiment_says_more(place: Place, threads: int | None) -> None:
    also = () if threads is None else ("--set", f"experiment.threads={threads}")
    with place.run("--set", "dataset.slow.seconds=0.0", *also) as run:
        code, _, error = ended(run)
    assert code == 0, error
    nodes = entries(place.folder / "runs/faults")
    assert {nodes[f"dataset.{name}"]["metrics"]["threads"] for name in ("quick", "slow")} == {threads or 1}


def test_each_process_has_a_gpu_for_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "4, GPU-7")
    for workers, seen in ((None, ["4", "GPU-7"]), (1, ["4"]), (3, ["4", "4", "GPU-7"])):
        with Local(workers).open_pool(sample_task, "cuda", 1) as pool:
            assert pool.slots == len(seen)
            tasks = [Task(f"{i}", "show CUDA_VISIBLE_DEVICES") for i in range(pool.slots)]
            assert sorted(str(answer.text) for answer in worked(pool, tasks)) == seen


def test_no_gpu_at_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    monkeypatch.setattr("torch.cuda.device_count", lambda: 0)
    with pytest.raises(EngineError, match="no GPU"), Local(2).open_pool(sample_task, "cuda", 1):
        pass


def test_as_many_processes_as_cores_hold_their_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(7)), raising=False)
    for threads, slots in ((1, 7), (2, 3), (9, 1)):
        with Local().open_pool(sample_task, "cpu", threads) as pool:
            assert pool.slots == slots


def test_a_process_that_dies_with_nothing_to_do_is_replaced_and_nobody_blamed() -> None:
    with Local(1).open_pool(sample_task, "cpu", 1) as pool:
        [process] = worked(pool, [Task("one", "process")])
        os.kill(int(str(process.text)), signal.SIGKILL)
        wait_for(lambda: not multiprocessing.active_children())
        [after] = worked(pool, [Task("two", "process")])
        assert after.text != process.text
        assert after.crashes == 0


def test_who_leaves_a_crew_leaves_no_process() -> None:
    with Local(2).open_pool(sample_task, "cpu", 1) as pool:
        worked(pool, [Task("one", "say so"), Task("two", "say so")])
        pool.submit(Task("long", "sleep 60"))
        assert multiprocessing.active_children()
    assert not multiprocessing.active_children()


class Unready:
    """Work that a process can't even unpack."""

    def __init__(self, call: Callable[..., object], *arguments: object) -> None:
        self.reduced = call, arguments

    def __reduce__(self) -> tuple[Callable[..., object], tuple[object, ...]]:
        return self.reduced

    def __call__(self, order: str) -> str:
        return order


@pytest.mark.parametrize(
    ("work", "cause", "most"),
    [(Unready(os._exit, 3), "exit code 3", 2), (Unready(signal.raise_signal, signal.SIGKILL), "SIGKILL", 4)],
    ids=["exit", "kill"],
)
def test_processes_that_cannot_begin_are_no_fault_of_a_task(
    monkeypatch: pytest.MonkeyPatch, work: Unready, cause: str, most: int
) -> None:
    started, right = [], Processes._start

    def counted(self: Processes, place: int) -> int:
        started.append(place)
        return right(self, place)

    monkeypatch.setattr(Processes, "_start", counted)
    with (
        Local(2).open_pool(work, "cpu", 1) as pool,
        pytest.raises(EngineError, match=f"a process of the executor died of {cause} before it could work"),
    ):
        worked(pool, [Task("one", "say so"), Task("two", "say so")])
    assert len(started) <= most


SCRIPT = """
from flowlab import Experiment
from flowlab.components.datasets.equilateral_triangle import EquilateralTriangle
from flowlab.components.executors.local import Local

def main():
    nodes = {"dataset.a": EquilateralTriangle(), "executor.here": Local(workers=2)}
    results = Experiment("scripted", nodes).run("runs/scripted", quiet=True, device="cpu")
    print(results["dataset.a"].status)

"""


@pytest.mark.slow
def test_a_script_needs_a_guard_and_is_told_so(place: Place) -> None:
    def scripted(last: str) -> subprocess.CompletedProcess[str]:
        (place.folder / "script.py").write_text(SCRIPT + last)
        return subprocess.run(
            [sys.executable, "script.py"],
            cwd=place.folder, env=place.site.environment(),
            capture_output=True, text=True, check=False, timeout=LIMIT,
        )  # fmt: skip

    without = scripted("main()\n")
    assert 'a script that runs an experiment needs `if __name__ == "__main__":`' in without.stderr
    assert without.stdout == "skipped\n"
    guarded = scripted('if __name__ == "__main__":\n    main()\n')
    assert (guarded.stdout, guarded.stderr) == ("done\n", "")


def test_from_python_it_takes_a_folder() -> None:
    from flowlab import Experiment
    from flowlab.api import ExperimentError
    from flowlab.components.datasets.equilateral_triangle import EquilateralTriangle

    experiment = Experiment("e", {"dataset.a": EquilateralTriangle(), "executor.here": Local(workers=2)})
    with pytest.raises(ExperimentError, match="hand their results over in the store: name a folder"):
        experiment.run(device="cpu")


@pytest.mark.slow
def test_a_store_that_is_full_of_hits_needs_no_process(place: Place) -> None:
    with place.run("--set", "dataset.slow.seconds=0.0") as run:
        assert ended(run)[0] == 0
    shutil.rmtree(place.folder / "marks")
    with place.run("--set", "dataset.slow.seconds=0.0") as run:
        code, out, _ = ended(run)
    assert (code, place.marks("slow")) == (0, [])
    assert "4 reused" in out
