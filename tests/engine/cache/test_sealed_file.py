"""Sealed files: what is read is what was written, or nothing."""

from __future__ import annotations

import pickle
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors.torch import save_file

from flowlab.engine.cache.tensor_file import TensorFile, UnusableFile, read_tensor_file, write_tensor_file

DTYPES = (torch.float64, torch.float32, torch.bfloat16, torch.int64, torch.uint8, torch.bool, torch.complex64)
KEY = "a" * 64
LABELS = {"done": "3", "total": "8"}
STATE = TensorFile(
    LABELS, {"weights": torch.arange(6.0).reshape(2, 3), "step": torch.tensor(3), "no": torch.empty(2, 0)}
)

shared = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)


@st.composite
def tensors(draw: st.DrawFn) -> torch.Tensor:
    dtype = draw(st.sampled_from(DTYPES))
    shape = draw(st.lists(st.integers(0, 3), max_size=3))
    generator = torch.Generator().manual_seed(draw(st.integers(0, 2**32)))
    bits = torch.randint(256, (*shape, dtype.itemsize), dtype=torch.uint8, generator=generator)
    return bits.view(dtype)[..., 0] if dtype is not torch.bool else bits[..., 0] > 127


def same_bits(one: torch.Tensor, other: torch.Tensor) -> bool:
    flat = [tensor.contiguous().reshape(-1).view(torch.uint8) for tensor in (one, other)]
    return (one.dtype, one.shape) == (other.dtype, other.shape) and torch.equal(*flat)


@shared
@given(st.dictionaries(st.text(max_size=5).filter(lambda name: name != "__metadata__"), tensors(), max_size=4))
def test_what_is_read_is_what_was_written(tmp_path: Path, state: dict[str, torch.Tensor]) -> None:
    write_tensor_file(tmp_path / "x", KEY, TensorFile(LABELS, state))
    found = read_tensor_file(tmp_path / "x", KEY)
    assert found.labels == LABELS
    assert found.tensors.keys() == state.keys()
    assert all(same_bits(found.tensors[name], tensor) for name, tensor in state.items())


def test_views_are_written_as_they_look(tmp_path: Path) -> None:
    whole = torch.arange(6.0).reshape(2, 3).requires_grad_()
    write_tensor_file(tmp_path / "x", KEY, TensorFile({}, {"turned": whole.mT, "row": whole[1].clone()}))
    assert torch.equal(read_tensor_file(tmp_path / "x", KEY).tensors["turned"], whole.mT)


@shared
@given(st.data())
def test_a_flipped_bit_is_noticed_or_harmless(tmp_path: Path, data: st.DataObject) -> None:
    write_tensor_file(tmp_path / "x", KEY, STATE)
    content = bytearray((tmp_path / "x").read_bytes())
    content[data.draw(st.integers(0, len(content) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    (tmp_path / "x").write_bytes(content)
    try:
        found = read_tensor_file(tmp_path / "x", KEY)
    except UnusableFile:
        return
    # in the blanks of the header alone
    assert found.labels == LABELS
    assert all(same_bits(found.tensors[name], tensor) for name, tensor in STATE.tensors.items())


def test_a_bit_of_every_tensor_counts(tmp_path: Path) -> None:
    write_tensor_file(tmp_path / "x", KEY, STATE)
    content = (tmp_path / "x").read_bytes()
    for place in range(len(content) - 24 - 8, len(content)):  # six floats and an integer
        (tmp_path / "x").write_bytes(content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :])
        with pytest.raises(UnusableFile, match=r"damaged.*sha256"):
            read_tensor_file(tmp_path / "x", KEY)


def test_a_truncated_file_is_noticed(tmp_path: Path) -> None:
    write_tensor_file(tmp_path / "x", KEY, STATE)
    content = (tmp_path / "x").read_bytes()
    for length in range(len(content)):
        (tmp_path / "x").write_bytes(content[:length])
        with pytest.raises(UnusableFile, match="damaged"):
            read_tensor_file(tmp_path / "x", KEY)


class Bomb:
    """Leaves a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, tuple[Path]]:
        return Path.touch, (self.path,)


def test_foreign_files_are_not_used(tmp_path: Path) -> None:
    path, bomb = tmp_path / "x", tmp_path / "bomb"
    write_tensor_file(path, KEY, STATE)
    with pytest.raises(UnusableFile, match="other settings"):
        read_tensor_file(path, "b" * 64)
    save_file(dict(STATE.tensors), path)
    with pytest.raises(UnusableFile, match="other settings"):
        read_tensor_file(path, KEY)
    save_file(dict(STATE.tensors), path, {"key": KEY, **LABELS})  # without a seal
    with pytest.raises(UnusableFile, match="sha256"):
        read_tensor_file(path, KEY)
    save_file(dict(STATE.tensors), path, {"key": "b" * 64, "sha256": "c" * 64})  # as before schemas were told
    with pytest.raises(UnusableFile, match="made by an older version of the store"):
        read_tensor_file(path, KEY)
    torch.save(dict(STATE.tensors), path)
    with pytest.raises(UnusableFile, match="damaged"):
        read_tensor_file(path, KEY)
    path.write_bytes(pickle.dumps(Bomb(bomb)))
    with pytest.raises(UnusableFile, match="damaged"):
        read_tensor_file(path, KEY)
    assert not bomb.exists()


def test_no_file_and_no_file_at_all(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        read_tensor_file(tmp_path / "x", KEY)
    with pytest.raises(UnusableFile, match="damaged"):
        read_tensor_file(tmp_path, KEY)


def test_a_write_that_fails_leaves_the_former_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_tensor_file(tmp_path / "x", KEY, STATE)

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("flowlab.engine.atomic_file.os.fsync", full)
    with pytest.raises(OSError, match="No space"):
        write_tensor_file(tmp_path / "x", KEY, TensorFile({"done": "4"}, {}))
    assert read_tensor_file(tmp_path / "x", KEY).labels == LABELS
    assert [path.name for path in tmp_path.iterdir()] == ["x"]


_KILLED = """
import os, sys, torch
from pathlib import Path
from flowlab.engine import atomic_file
from flowlab.engine.cache.tensor_file import TensorFile, write_tensor_file

path = Path(sys.argv[1])
write_tensor_file(path, "key", TensorFile({"done": "1"}, {"x": torch.ones(3)}))
setattr(atomic_file.os, sys.argv[2], lambda *_: os.kill(os.getpid(), 9))
write_tensor_file(path, "key", TensorFile({"done": "2"}, {"x": torch.zeros(3)}))
"""


@pytest.mark.parametrize("call", ["fsync", "replace"])
def test_a_kill_between_the_writing_and_the_renaming_leaves_the_former_file(tmp_path: Path, call: str) -> None:
    path = tmp_path / "x"
    done = subprocess.run([sys.executable, "-c", _KILLED, str(path), call], check=False, timeout=60)
    assert done.returncode == -9
    assert read_tensor_file(path, "key").labels == {"done": "1"}
    assert len(list(tmp_path.glob(".*.tmp"))) == len(list(tmp_path.iterdir())) - 1 == 1  # for a run to sweep
