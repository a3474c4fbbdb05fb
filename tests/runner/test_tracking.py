"""Runs with trackers: TensorBoard's own files read back, a third party's tracker, and those that fail."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import tomli
from attrs import evolve
from report_nodes import graph_of, outcome_of
from report_nodes import node as node_of
from site_packages import SitePackages
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from flowlab.components.trackers.tensorboard import TensorBoard
from flowlab.runner.tracking import open_trackers, without_trackers

EXPERIMENT = """
[experiment]
name = "tracked"

[dataset.box]
use = "orthogonal"
dimension = 2
points = 2
samples = 5

[schedule.s]
use = "noise-levels"
levels = [0.2, 0.1]

[optimizer.short]
use = "augmented-lagrangian"
steps = 400

[denoiser.trained]
use = "shallow-relu"
dataset = "box"
schedule = "s"
optimizer = "short"
width = 8

[figure.training]
use = "training-curves"
denoiser = "trained"

[sweep.samples]
"dataset.box.samples" = [5, 6]
"""

NOTEBOOK = '''
"""A tracker as a service's plugin would be: it keeps what it is told, and fails where it is asked to."""

import json
from contextlib import contextmanager

from attrs import frozen

from flowlab.api import parameter


@frozen
class Notebook:
    """Lines of JSON."""

    file: str = parameter("notes.jsonl", help="where")
    fault: str = parameter("", help="what fails")

    @contextmanager
    def begin(self, run, settings, folder):
        if self.fault == "begin":
            raise ConnectionError("no server")
        with open(self.file, "w") as stream:
            yield Notes(stream, self.fault)
            print(json.dumps(["ended", run, settings["optimizer"]["short"]["steps"], str(folder)]), file=stream)
        if self.fault == "end":
            raise ConnectionError("no server any more")


@frozen
class Notes:
    stream: object
    fault: str

    def scalars(self, node, step, figures):
        self._note("scalars", node, step, figures)

    def finished(self, node, metrics):
        self._note("finished", node, sorted(metrics))

    def figure(self, node, png):
        self._note("figure", node, png[1:4].decode())

    def _note(self, what, *told):
        if what == self.fault:
            raise ConnectionError("gone")
        print(json.dumps([what, *told]), file=self.stream)
'''
TRAINED = [f"denoiser.trained[samples={samples}]" for samples in (5, 6)]
PICTURES = [f"figure.training[samples={samples}]" for samples in (5, 6)]


@pytest.fixture
def notebook(site: SitePackages) -> SitePackages:
    """The command line with the third party's tracker, and the experiment beside it."""
    site.add("notebook", "[flowlab.tracker]\nnotebook = notebook:Notebook\n", {"notebook.py": NOTEBOOK})
    (site.folder.parent / "tracked.toml").write_text(EXPERIMENT)
    return site


def ran(site: SitePackages, *arguments: str, out: str = "out") -> subprocess.CompletedProcess[str]:
    return site.flowlab("run", "tracked.toml", "--out", out, "--no-store", *arguments)


def notes(site: SitePackages) -> list[list[Any]]:
    return [json.loads(line) for line in (site.folder.parent / "notes.jsonl").read_text().splitlines()]


def results(folder: Path) -> dict[str, Any]:
    """All that a lock says of nodes and files but the summary, which holds how long each took."""
    lock = tomli.loads((folder / "lock.toml").read_text())
    return {"nodes": lock["nodes"], "files": {k: v for k, v in lock["files"].items() if k != "summary.json"}}


@pytest.mark.slow
def test_tensorboard_reads_back_what_a_run_told(notebook: SitePackages) -> None:
    done = ran(notebook, "--set", "tracker.tb.use=tensorboard")
    assert done.returncode == 0, done.stderr
    assert "warning" not in done.stderr
    folder = notebook.folder.parent / "out"
    events = EventAccumulator(str(folder / "tensorboard"))
    events.Reload()
    entries = json.loads((folder / "summary.json").read_text())["nodes"]["denoiser"]
    for node in TRAINED:
        steps = [event.step for event in events.Scalars(f"{node}/progress/violation")]
        assert steps == [1, *range(3, 400, 2), 400]
        assert [event.step for event in events.Scalars(f"{node}/progress/cost")] == steps
        told = events.Scalars(f"{node}/violation_max")
        metrics = entries[node.partition(".")[2]]["metrics"]["violation_max"]
        assert [event.step for event in told] == [0, 1]  # the noise levels
        assert [event.value for event in told] == pytest.approx(metrics, rel=1e-6)  # files hold single precision
    assert events.Tags()["images"] == PICTURES
    assert events.Images(PICTURES[0])[0].encoded_image_string[1:4] == b"PNG"
    [text] = events.Tensors("tracked/text_summary")
    assert '"steps": 400' in text.tensor_proto.string_val[0].decode()


@pytest.mark.slow
def test_a_third_partys_tracker_is_told_everything_in_turn(notebook: SitePackages) -> None:
    done = ran(notebook, "--set", "tracker.mine.use=notebook")
    assert done.returncode == 0, done.stderr
    told = notes(notebook)
    assert [what for what, *_ in told if what != "scalars"] == ["finished"] * 6 + ["figure"] * 2 + ["ended"]
    assert {node for what, node, *_ in told if what == "scalars"} == set(TRAINED)
    assert [rest for what, *rest in told if what == "figure"] == [[node, "PNG"] for node in PICTURES]
    assert told[-1] == ["ended", "tracked", 400, "out"]


@pytest.mark.slow
def test_a_tracker_changes_neither_results_nor_keys(notebook: SitePackages) -> None:
    both = "--set", "tracker.tb.use=tensorboard", "--set", "tracker.mine.use=notebook"
    for out, arguments in (("with", both), ("without", ())):
        done = notebook.flowlab("run", "tracked.toml", "--out", f"{out}/tracked", *arguments)
        assert done.returncode == 0, done.stderr
    parent = notebook.folder.parent
    found = {out: results(parent / out / "tracked") for out in ("with", "without")}
    assert found["with"] == found["without"]
    assert all("key" in found["with"]["nodes"][node] for node in TRAINED)
    # and neither does what it is told of: a second run reuses all that the first one kept
    again = notebook.flowlab("run", "tracked.toml", "--out", "without/tracked", *both)
    assert [f"{node}: short, reused," in again.stderr for node in TRAINED] == [True, True]


@pytest.mark.slow
def test_with_an_executor_results_are_tracked_and_the_way_there_is_not(notebook: SitePackages) -> None:
    arguments = "--set", "executor=local", "--set", "executor.workers=2", "--set", "tracker.mine.use=notebook"
    done = notebook.flowlab("run", "tracked.toml", "--out", "out", *arguments)
    assert done.returncode == 0, done.stderr
    whats = [what for what, *_ in notes(notebook)]
    assert (whats.count("finished"), whats.count("figure"), whats.count("scalars")) == (6, 2, 0)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("fault", "left"),
    [
        ("begin", None),
        ("scalars", {"finished": 2, "figure": 0}),  # the datasets', before any training
        ("finished", {"finished": 0, "figure": 0}),
        ("figure", {"finished": 6, "figure": 0}),
        ("end", {"finished": 6, "figure": 2}),
    ],
)
def test_a_tracker_that_fails_costs_one_warning(fault: str, left: Any, notebook: SitePackages) -> None:
    done = ran(notebook, "--set", "tracker.mine.use=notebook", "--set", f"tracker.mine.fault={fault}")
    assert done.returncode == 0, done.stderr
    [warning] = [line for line in done.stderr.splitlines() if "warning" in line]
    assert warning.startswith("warning: tracker.mine: ConnectionError: ")
    assert warning.endswith("; it gets no more events, and the run goes on")
    assert (notebook.folder.parent / "out" / "report.html").exists()
    if left is not None:
        whats = [what for what, *_ in notes(notebook)]
        assert {what: whats.count(what) for what in left} == left


def test_tensorboard_shows_the_last_run_of_a_folder_alone(tmp_path: Path) -> None:
    for value in (1.0, 2.0):
        with TensorBoard().begin("tracked", {}, tmp_path) as run:
            run.scalars("denoiser.trained", 1, {"cost": value})
    events = EventAccumulator(str(tmp_path / "tensorboard"))
    events.Reload()
    assert [event.value for event in events.Scalars("denoiser.trained/progress/cost")] == [2.0]


def test_without_tensorboard_nothing_begins(notebook: SitePackages) -> None:
    blind = (
        "import importlib.util as u; real = u.find_spec\n"
        "u.find_spec = lambda name, *rest: None if name == 'tensorboard' else real(name, *rest)\n"
        "from flowlab.cli.app import main; main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", blind, "run", "tracked.toml", "--set", "tracker.tb.use=tensorboard"],
        cwd=notebook.folder.parent, env=notebook.environment(), capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 2
    assert done.stderr == (
        "--set tracker.tb.use: use: it needs TensorBoard, which is missing: pip install 'flowlab[tensorboard]'\n"
    )
    assert not (notebook.folder.parent / "runs").exists()


def test_a_tracker_in_the_file_and_one_that_is_misnamed(notebook: SitePackages) -> None:
    file = notebook.folder.parent / "tracked.toml"
    file.write_text(EXPERIMENT + '\n[tracker.mine]\nuse = "notebook"\n')
    done = notebook.flowlab("check", "tracked.toml")
    assert done.returncode == 0, done.stderr
    wrong = notebook.flowlab("check", "tracked.toml", "--set", "tracker.tb.use=tensorbord")
    assert wrong.returncode == 2
    assert "did you mean 'tensorboard'?" in wrong.stderr
    lone = notebook.flowlab("check", "tracked.toml", "--set", "tracker.tb.every=3")
    assert lone.returncode == 2
    assert "there is no [tracker.tb]" in lone.stderr


def test_a_tracker_is_not_swept(notebook: SitePackages) -> None:
    file = notebook.folder.parent / "tracked.toml"
    file.write_text(
        EXPERIMENT.replace("[sweep", '[tracker.mine]\nuse = "notebook"\n\n[sweep')
        + '"tracker.mine.file" = ["a", "b"]\n'
    )
    done = notebook.flowlab("check", "tracked.toml")
    assert done.returncode == 2
    assert done.stderr.endswith(
        "a tracker can't be swept: it is one for the whole experiment, and changes no result\n"
    )


@pytest.mark.slow
def test_a_tracked_run_is_read_where_the_tracker_is_not_installed(notebook: SitePackages) -> None:
    done = notebook.flowlab("run", "tracked.toml", "--set", "tracker.mine.use=notebook")
    assert done.returncode == 0, done.stderr
    parent = notebook.folder.parent
    assert "tracker.mine" in (parent / "runs/tracked/lock.toml").read_text()
    for file in [*notebook.folder.glob("notebook*"), parent / "notes.jsonl"]:
        shutil.rmtree(file) if file.is_dir() else file.unlink()
    assert "notebook" in notebook.flowlab("check", "tracked.toml", "--set", "tracker.mine.use=notebook").stderr
    for command in (
        ["verify", "runs/tracked"],
        ["verify", "runs/tracked", "--exact"],
        ["rerun", "runs/tracked"],
        ["figure", "runs/tracked", "training[samples=5]"],
    ):
        done = notebook.flowlab(*command)
        assert done.returncode == 0, done.stderr
        assert "warning" not in done.stderr
    assert notebook.flowlab("diff", "runs/tracked", "runs/tracked-rerun").stdout == "no difference\n"
    assert "tracker" not in (parent / "runs/tracked-rerun/lock.toml").read_text()


def test_a_rerun_of_a_tracked_run_is_tracked(notebook: SitePackages) -> None:
    done = notebook.flowlab("run", "tracked.toml", "--no-store", "--set", "tracker.mine.use=notebook")
    assert done.returncode == 0, done.stderr
    first = notes(notebook)
    (notebook.folder.parent / "notes.jsonl").unlink()
    again = notebook.flowlab("rerun", "runs/tracked", "--no-store")
    assert again.returncode == 0, again.stderr
    assert notes(notebook)[:-1] == first[:-1]
    assert notes(notebook)[-1] == [*first[-1][:-1], "runs/tracked-rerun"]
    assert "tracker.mine" in (notebook.folder.parent / "runs/tracked-rerun/lock.toml").read_text()


def test_its_folder_is_claimed_before_any_work(notebook: SitePackages, tmp_path: Path) -> None:
    out = notebook.folder.parent / "out"
    out.mkdir()
    (out / "tensorboard").write_text("in the way")
    done = ran(notebook, "--set", "tracker.tb.use=tensorboard")
    assert done.returncode == 4
    assert "tensorboard: can't be written: a file is in the way of a folder" in done.stderr
    (out / "tensorboard").unlink()
    (out / "tensorboard").symlink_to(tmp_path)
    done = ran(notebook, "--set", "tracker.tb.use=tensorboard")
    assert done.returncode == 2
    assert "leads out of the run's folder" in done.stderr


class Greedy:
    """A context that swallows whatever leaves it."""

    def begin(self, run: str, settings: Any, folder: Path) -> Any:
        self.settings = settings
        return self

    def __enter__(self) -> Greedy:
        return self

    def __exit__(self, *raised: Any) -> bool:
        return True


def test_what_ends_a_run_leaves_it_and_settings_say_nothing_of_trackers(tmp_path: Path) -> None:
    greedy, box = Greedy(), {"box": {"use": "orthogonal"}}
    graph = evolve(
        graph_of(outcome_of()),
        nodes=(evolve(node_of("tracker", "greedy"), component=greedy),),
        resolved={"dataset": box, "tracker": {"greedy": {"use": "greedy"}}},
    )
    with pytest.raises(KeyboardInterrupt), open_trackers(graph, tmp_path):
        raise KeyboardInterrupt
    assert greedy.settings == without_trackers(graph).resolved == {"dataset": box}
    assert without_trackers(graph).nodes == graph.nodes
