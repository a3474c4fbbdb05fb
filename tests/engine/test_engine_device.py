"""Devices by name."""

from __future__ import annotations

import pytest
import torch

from flowlab.api import ExperimentError
from flowlab.engine.device import resolve_device


def test_cpu() -> None:
    assert resolve_device("cpu") == torch.device("cpu")


def test_unknown() -> None:
    with pytest.raises(ExperimentError, match="'tpu' is none of cpu, cuda, auto"):
        resolve_device("tpu")


@pytest.mark.parametrize("available", [False, True])
def test_auto_takes_what_is_there(monkeypatch: pytest.MonkeyPatch, available: bool) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: available)
    assert resolve_device("auto").type == ("cuda" if available else "cpu")


def test_absent_cuda(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(ExperimentError, match="no CUDA device"):
        resolve_device("cuda")
