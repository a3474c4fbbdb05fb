"""Runs that are cut short, damaged or changed, and go on: in files, through the engine."""

import os
import subprocess
from pathlib import Path

import pytest
import torch
from recording_listener import RecordingListener

from flowlab.engine.atomic_file import temporary_path
from flowlab.engine.cache.tensor_file import TensorFile, UnusableFile, read_tensor_file, write_tensor_file
from flowlab.engine.checkpoints import Checkpoints
from flowlab.engine.run import run_graph
from flowlab.graph.graph import load_graph
from flowlab.registry.registry import Registry

EXPERIMENT = """
[experiment]
name = "long"

[dataset.box]
use = "orthogonal"
dimension = 2
points = 3
samples = 10

[schedule.levels]
use = "noise-levels"
levels = [0.08, 0.05]

[optimizer.al]
use = "augmented-lagrangian"
steps = 600

[denoiser.trained]
use = "shallow-relu"
dataset = "box"
schedule = "levels"
optimizer = "al"
width = 12
"""


def ran(folder, listener, overrides=()):
    """The metrics of the trained bank, None where it was interrupted."""
    file = folder.parent / "long.toml"
    file.write_text(EXPERIMENT)
    graph = load_graph(file, overrides, Registry.installed())
    outcome = run_graph(graph, "cpu", listener, Checkpoints(folder, every=0.0))
    record = outcome.of("denoiser")[0]
    return None if record.result is None else record.result.metrics


@pytest.fixture
def cut(tmp_path):
    """The folder of a run that was interrupted at step 300, and its one checkpoint."""
    folder = tmp_path / "checkpoints"
    assert ran(folder, RecordingListener(interrupt_at=300)) is None
    files = list(folder.glob("*.safetensors"))
    assert len(files) == 1
    return folder, files[0]


@pytest.fixture(scope="module")
def clean(tmp_path_factory):
    folder = tmp_path_factory.mktemp("clean") / "checkpoints"
    metrics = ran(folder, RecordingListener())
    assert not folder.exists()  # nothing is left of a node that is done
    return metrics


def test_a_run_goes_on_where_it_was_cut_and_ends_in_the_same_figures(cut, clean):
    folder, _ = cut
    listener = RecordingListener()
    assert ran(folder, listener) == clean
    [(done, total)] = listener.resumes
    assert 290 <= done <= 300
    assert total == 600
    assert listener.warnings == []
    assert not folder.exists()


def test_the_step_count_of_a_second_cut_is_later(cut):
    folder, _ = cut
    assert ran(folder, RecordingListener(interrupt_at=450)) is None
    listener = RecordingListener(interrupt_at=0)
    ran(folder, listener)
    assert listener.resumes[0][0] > 400


@pytest.mark.slow
@pytest.mark.parametrize("harm", ["flip", "truncate", "empty", "pickle"])
def test_a_damaged_checkpoint_is_left_aside(cut, clean, harm):
    folder, file = cut
    content = bytearray(file.read_bytes())
    if harm == "flip":
        content[-100] ^= 1
    elif harm == "pickle":
        torch.save({"step": torch.tensor(1)}, file)
        content = bytearray(file.read_bytes())
    file.write_bytes(content[: {"truncate": len(content) // 2, "empty": 0}.get(harm, len(content))])
    listener = RecordingListener()
    assert ran(folder, listener) == clean
    assert listener.resumes == []
    assert len(listener.warnings) == 1
    assert "damaged" in listener.warnings[0]
    assert "denoiser.trained starts anew" in listener.warnings[0]


@pytest.mark.slow
@pytest.mark.parametrize(
    "change", ["optimizer.al.learning_rate=0.005", "dataset.box.samples=11", "experiment.seed=1"]
)
def test_other_settings_start_anew(cut, change):
    folder, _ = cut
    listener = RecordingListener()
    ran(folder, listener, [change])
    assert listener.resumes == []
    assert "of other settings" in listener.warnings[0]


def test_what_a_killed_run_left_half_written_is_swept(cut):
    folder, file = cut
    gone = subprocess.Popen(["true"])
    gone.wait()
    killed, living = (temporary_path(file, number) for number in (gone.pid, os.getppid()))
    for scratch in (killed, living):
        scratch.write_bytes(b"half")
    elsewhere = folder / f".{file.name}.0123abcd.{gone.pid}.tmp"
    elsewhere.write_bytes(b"half")
    Checkpoints(folder).sweep()
    assert set(folder.iterdir()) == {file, living, elsewhere}  # a living process may be writing, here or elsewhere


def test_a_full_disk_costs_a_warning_and_not_the_work(tmp_path, clean):
    folder = tmp_path / "checkpoints"
    folder.write_text("a file is in the way")
    listener = RecordingListener()
    assert ran(folder, listener) == clean
    assert len(listener.warnings) >= 1
    assert "goes on without checkpoints" in listener.warnings[-1]


def test_a_file_is_whole_or_absent(tmp_path, monkeypatch):
    path = tmp_path / "x.safetensors"
    write_tensor_file(path, "key", TensorFile({"done": "1"}, {"a": torch.arange(3.0)}))

    def killed(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("flowlab.engine.atomic_file.os.replace", killed)
    with pytest.raises(KeyboardInterrupt):
        write_tensor_file(path, "key", TensorFile({"done": "2"}, {"a": torch.zeros(3)}))
    assert read_tensor_file(path, "key").labels == {"done": "1"}
    assert list(tmp_path.iterdir()) == [path]
    with pytest.raises(UnusableFile, match="other settings"):
        read_tensor_file(path, "another")
    with pytest.raises(FileNotFoundError):
        read_tensor_file(Path(tmp_path / "none"), "key")
