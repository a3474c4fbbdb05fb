"""The numeric switches of torch: pinned during a run, as the caller had them after it."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from flowlab.engine.cache.store import Store
from flowlab.engine.numerics import NUMERICS, pin_numerics
from flowlab.engine.outcome import Outcome
from flowlab.engine.progress.quiet import QuietListener
from flowlab.engine.run import run_graph
from flowlab.graph.graph import load_graph
from flowlab.registry.registry import Registry

EXPERIMENT = """
[experiment]
name = "small"
dtype = "float32"
threads = 1

[dataset.box]
use = "orthogonal"
dimension = 24
points = 20
samples = 20

[schedule.levels]
use = "noise-levels"
levels = [0.08, 0.05]

[optimizer.wd]
use = "weight-decay"
steps = 20

[denoiser.bank]
use = "shallow-relu"
dataset = "box"
schedule = "levels"
optimizer = "wd"
width = 40

[integrator.ddim]
use = "ddim"

[flow.pf]
use = "probability"
denoiser = "bank"
integrator = "ddim"
samples = 60
"""
_PRECISIONS = ("", "cuda.matmul", "cudnn", "cudnn.conv", "cudnn.rnn", "mkldnn", "mkldnn.matmul", "mkldnn.conv")


def flushes() -> bool:
    return bool(torch.tensor(sys.float_info.min, dtype=torch.float64, device="cpu").div(2).item() == 0)


def readable(read: Callable[[], Any]) -> Any:
    """A value, or that torch refuses to tell it."""
    try:
        return read()
    except RuntimeError:
        return "refused"


def switches() -> dict[str, Any]:
    """All that a session may have set."""
    backends = torch.backends
    found: dict[str, Any] = {}
    for name in _PRECISIONS:
        module: Any = backends
        for part in name.split(".") if name else ():
            module = getattr(module, part)
        found[f"precision {name}"] = getattr(module, "fp32_precision", None)
    return found | {
        "matmul": readable(torch.get_float32_matmul_precision),
        "tf32": readable(lambda: backends.cuda.matmul.allow_tf32),
        "cudnn tf32": readable(lambda: backends.cudnn.allow_tf32),
        "deterministic": torch.are_deterministic_algorithms_enabled(),
        "warn only": torch.is_deterministic_algorithms_warn_only_enabled(),
        "fill": torch.utils.deterministic.fill_uninitialized_memory,
        "benchmark": backends.cudnn.benchmark,
        "cudnn deterministic": backends.cudnn.deterministic,
        "einsum": backends.opt_einsum.enabled,
        "dtype": torch.get_default_dtype(),
        "device": str(torch.get_default_device()),
        "threads": torch.get_num_threads(),
        "autocast": torch.is_autocast_enabled("cpu"),
        "flush": flushes(),
        "environment": dict(os.environ),
    }


def restored(before: dict[str, Any]) -> bool:
    """Whether all switches are as they were, as far as torch told them."""
    now = switches()
    return all(now[name] == value for name, value in before.items() if value != "refused")


def modern(name: str, precision: str) -> Callable[[], None]:
    def apply() -> None:
        module: Any = torch.backends
        for part in name.split(".") if name else ():
            module = getattr(module, part)
        if not hasattr(module, "fp32_precision"):
            pytest.skip("this torch has no such switch")
        module.fp32_precision = precision

    return apply


def cuda_tf32() -> None:
    torch.backends.cuda.matmul.allow_tf32 = True


SESSIONS: dict[str, Callable[[], Any]] = {
    "medium": lambda: torch.set_float32_matmul_precision("medium"),
    "high": lambda: torch.set_float32_matmul_precision("high"),
    "tf32": cuda_tf32,
    "modern tf32": modern("", "tf32"),
    "modern bf16": modern("mkldnn.matmul", "bf16"),
    "deterministic": lambda: torch.use_deterministic_algorithms(True),
    "float64": lambda: torch.set_default_dtype(torch.float64),
    "meta": lambda: torch.set_default_device("meta"),
    "flush": lambda: torch.set_flush_denormal(True),
    "benchmark": lambda: setattr(torch.backends.cudnn, "benchmark", True),
}


@pytest.fixture(autouse=True)
def _restored() -> Iterator[None]:
    """Whatever a test sets."""
    former, threads = torch.get_default_dtype(), torch.get_num_threads()
    yield
    torch.set_default_device(None)
    torch.set_default_dtype(former)
    torch.set_num_threads(threads)
    torch.set_flush_denormal(False)
    torch.use_deterministic_algorithms(False)
    torch.backends.cudnn.benchmark = False
    torch.set_float32_matmul_precision("high")  # "highest" again would change nothing where the two sets are mixed
    torch.set_float32_matmul_precision("highest")
    torch.backends.cuda.matmul.allow_tf32 = False
    for name in _PRECISIONS if hasattr(torch.backends, "fp32_precision") else ():
        modern(name, "none" if name in ("", "cudnn", "mkldnn") else "ieee")()


def ran(folder: Path, store: Store | None = None) -> Outcome:
    file = folder / "small.toml"
    file.write_text(EXPERIMENT)
    return run_graph(load_graph(file, [], Registry.installed()), "cpu", QuietListener(), store=store)


def digests(outcome: Outcome) -> dict[str, str]:
    return {record.node.id: record.digest for record in outcome.records if record.digest}


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The digests of a session that has set nothing."""
    return digests(ran(tmp_path_factory.mktemp("plain")))


@pytest.mark.parametrize("session", SESSIONS)
def test_a_session_that_sets_something_finds_the_same_bits_and_its_settings_afterwards(
    tmp_path: Path, plain: dict[str, str], session: str
) -> None:
    SESSIONS[session]()
    before = switches()
    assert digests(ran(tmp_path)) == plain != {}
    assert restored(before)


def test_autocast_around_a_run_changes_nothing(tmp_path: Path, plain: dict[str, str]) -> None:
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert digests(ran(tmp_path)) == plain
        assert torch.is_autocast_enabled("cpu")


def test_without_the_pin_a_session_would_find_other_bits() -> None:
    """What is guarded against, where the CPU has such products at all."""
    left, right = (torch.randn(256, 256, generator=torch.Generator().manual_seed(seed)) for seed in (0, 1))
    exact = left @ right
    torch.set_float32_matmul_precision("medium")
    if torch.equal(left @ right, exact):
        pytest.skip("no lower precision on this CPU")
    with pin_numerics(torch.get_num_threads()):
        assert torch.equal(left @ right, exact)


@pytest.mark.parametrize("session", SESSIONS)
def test_settings_are_restored_after_an_error(session: str) -> None:
    SESSIONS[session]()
    before = switches()
    with pytest.raises(KeyboardInterrupt), pin_numerics(1):
        raise KeyboardInterrupt
    assert restored(before)


def test_the_values_are_those_of_the_keys() -> None:
    for apply in SESSIONS.values():
        if apply is not SESSIONS["meta"]:
            apply()
    with pin_numerics(3):
        now = switches()
    assert now["threads"] == 3
    assert now["matmul"] == NUMERICS["float32_matmul_precision"]
    assert now["tf32"] is now["cudnn tf32"] is NUMERICS["tf32"]
    assert {value for name, value in now.items() if name.startswith("precision")} <= {"ieee", None}
    assert now["autocast"] is NUMERICS["autocast"]
    assert now["deterministic"] is now["cudnn deterministic"] is NUMERICS["deterministic_algorithms"]
    assert now["benchmark"] is NUMERICS["cudnn_benchmark"]
    assert now["einsum"] is NUMERICS["opt_einsum"]
    assert now["flush"] is NUMERICS["flush_denormal"]
    assert str(now["dtype"]) == f"torch.{NUMERICS['default_dtype']}"
    assert now["device"] == NUMERICS["default_device"]


def test_a_run_pins_them_while_a_component_works(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from flowlab.components.denoisers.shallow_relu import ShallowRelu

    seen: list[dict[str, Any]] = []
    build = ShallowRelu.build

    def watched(self: Any, *args: Any, **inputs: Any) -> Any:
        seen.append(switches())
        return build(self, *args, **inputs)

    monkeypatch.setattr(ShallowRelu, "build", watched)
    torch.set_float32_matmul_precision("medium")
    torch.use_deterministic_algorithms(False)
    ran(tmp_path)
    assert [(one["matmul"], one["deterministic"], one["threads"]) for one in seen] == [("highest", True, 1)]
