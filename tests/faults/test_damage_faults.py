"""Stored results that are not what was written: in files, through the engine and the real entry point."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from kept_runs import STORED, figures, of, ran, reused
from recording_listener import RecordingListener
from summaries import results
from summaries import reused as told_reused

Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def kept(tmp_path: Path) -> Path:
    """A store of one run's results."""
    folder = tmp_path / "store"
    assert reused(ran(folder)) == ()
    return folder


@pytest.fixture(scope="module")
def clean(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return figures(ran(tmp_path_factory.mktemp("clean") / "store"))


@pytest.mark.parametrize("harm", ["flip", "truncate", "empty", "pickle", "another's"])
def test_row_10_11_a_damaged_file_is_set_aside_and_computed_again(
    kept: Path, clean: dict[str, Any], harm: str
) -> None:
    file = of(kept, "denoiser.al")
    content = bytearray(file.read_bytes())
    if harm == "flip":
        content[-100] ^= 1
    elif harm == "pickle":
        torch.save({"0": torch.tensor(1)}, file)
        content = bytearray(file.read_bytes())
    elif harm == "another's":
        content = bytearray(of(kept, "denoiser.wd").read_bytes())
    file.write_bytes(content[: {"truncate": len(content) // 2, "empty": 0}.get(harm, len(content))])
    listener = RecordingListener()
    second = ran(kept, listener)
    assert "denoiser.al" not in reused(second)
    assert figures(second) == clean
    assert len(listener.warnings) == 1
    assert "denoiser.al is computed again" in listener.warnings[0]
    assert [path.name for path in (kept / "quarantine").iterdir()] == [file.name]
    assert set(STORED) <= set(reused(ran(kept)))


@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_row_10_no_flipped_bit_reaches_a_figure(kept: Path, clean: dict[str, Any], data: st.DataObject) -> None:
    file = next(kept.glob("*.safetensors"))
    content = bytearray(file.read_bytes())
    content[data.draw(st.integers(0, len(content) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    file.write_bytes(content)
    assert figures(ran(kept)) == clean


def test_row_10_no_seal_helps_a_result_that_its_node_cannot_read(kept: Path, clean: dict[str, Any]) -> None:
    from flowlab.engine.cache.tensor_file import TensorFile, read_tensor_file, write_tensor_file

    file = of(kept, "denoiser.al")
    labels = read_tensor_file(file, file.stem).labels
    write_tensor_file(file, file.stem, TensorFile(labels, {}))
    listener = RecordingListener()
    assert figures(ran(kept, listener)) == clean
    assert "denoiser.al is computed again" in listener.warnings[0]


@pytest.mark.slow
@pytest.mark.parametrize("harm", ["flip", "truncate", "empty"])
def test_row_10_11_the_command_line_warns_and_ends_well(
    flowlab: Run, experiment: Path, tmp_path: Path, harm: str
) -> None:
    long = ("--set", "dataset.a.nap=0.2")
    assert flowlab("run", experiment, *long, "--out", "runs/clean").returncode == 0
    [file] = (tmp_path / "runs/.store").glob("*.safetensors")
    content = bytearray(file.read_bytes())
    if harm == "flip":
        content[-1] ^= 1
    file.write_bytes(content[: {"truncate": len(content) // 2, "empty": 0}.get(harm, len(content))])
    again = flowlab("run", experiment, *long)
    assert again.returncode == 0
    [warning] = [line for line in again.stderr.splitlines() if "warning" in line]
    assert "damaged" in warning
    assert warning.endswith("dataset.a is computed again, and the file is now in runs/.store/quarantine")
    assert told_reused(tmp_path / "runs/tiny") == set()
    assert results(tmp_path / "runs/tiny") == results(tmp_path / "runs/clean")
