"""A run verifies, to the bit; one that is not as it was doesn't."""

from __future__ import annotations

from pathlib import Path

import pytest
import tomli
import tomli_w
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from flowlab.engine.cache.module_source import ModuleSource, read_module
from flowlab.engine.threads import pin_threads
from flowlab.provenance.lock_content import checksum
from flowlab.runner.run_experiment import plan_runs, run_experiment
from flowlab.runner.verify import Verdict, verify_run

EXPERIMENT = """
[experiment]
name = "small"

[dataset.box]
use = "orthogonal"
dimension = 3
points = 3
samples = 10

[schedule.low-noise]
use = "variance-exploding"
final_time = 0.01
levels = 3

[optimizer.short]
use = "augmented-lagrangian"
steps = 30

[denoiser.trained]
use = "shallow-relu"
dataset = "box"
schedule = "low-noise"
optimizer = "short"
width = 8

[integrator.ddim]
use = "ddim"

[flow.pf]
use = "probability"
denoiser = "trained"
integrator = "ddim"
samples = 20

[classifier.ends]
use = "stable-points"
flow = "pf"
"""


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("place")
    (folder / "small.toml").write_text(EXPERIMENT)
    return folder


def run(place: Path, *overrides: str) -> Path:
    """The folder of a run."""
    (plan,) = plan_runs([place / "small.toml"], place / "runs/small", overrides, "cpu")
    assert run_experiment(plan, "cpu", quiet=True).outcome.exit_code == 0
    return plan.folder


def changed(lock: Path, old: str, new: str) -> None:
    """Say something else in a lock, under its seal."""
    content = tomli.loads(lock.read_text().replace(old, new))
    lock.write_text(tomli_w.dumps({**content, "sha256": checksum(content)}))


def deviating(verdict: Verdict) -> list[tuple[str, str]]:
    return [(one.where, one.what) for one in verdict.deviations]


@settings(max_examples=3, deadline=None)
@given(
    seed=st.integers(0, 2**31),
    points=st.integers(2, 4),
    dtype=st.sampled_from(["float32", "float64"]),
    threads=st.integers(1, 2),
)
def test_a_run_verifies_to_the_bit(place: Path, seed: int, points: int, dtype: str, threads: int) -> None:
    names = ("experiment.seed", "dataset.box.points", "experiment.dtype")
    with pin_threads(threads):
        folder = run(place, *(f"{name}={value}" for name, value in zip(names, (seed, points, dtype), strict=True)))
    former = torch.get_num_threads()
    assert deviating(verify_run(folder, True, quiet=True)) == []
    assert torch.get_num_threads() == former


def test_another_seed_does_not_verify(place: Path) -> None:
    folder = run(place)
    changed(folder / "lock.toml", "seed = 0", "seed = 1")
    for exact in (True, False):
        verdict = verify_run(folder, exact, quiet=True)
        assert verdict.exit_code == 1
        assert "denoiser.trained" in {where for where, _ in deviating(verdict)}
    assert verify_run(folder, True, quiet=True).text.splitlines()[-1].startswith("not verified: ")


def test_the_one_node_that_differs_is_named(place: Path) -> None:
    folder = run(place)
    digest = tomli.loads((folder / "lock.toml").read_text())["nodes"]["flow.pf"]["digest"]
    changed(folder / "lock.toml", f'digest = "{digest}"', f'digest = "{"0" * 64}"')
    assert deviating(verify_run(folder, True, quiet=True)) == [("flow.pf", "digest")]
    assert deviating(verify_run(folder, False, quiet=True)) == []


def test_whoever_did_the_work_it_is_verified_here(place: Path) -> None:
    folder = run(place)
    changed(
        folder / "lock.toml",
        "[experiment.integrator",
        '[experiment.executor.e]\nuse = "local"\n\n[experiment.integrator',
    )
    assert deviating(verify_run(folder, True, quiet=True)) == []


def test_an_interrupt_verifies_nothing(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = run(place)

    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("flowlab.components.flows.probability.ProbabilityFlow.build", interrupt)
    verdict = verify_run(folder, False, quiet=True)
    assert (verdict.exit_code, verdict.text) == (130, "interrupted: nothing is verified")


def test_a_session_with_less_precise_products_runs_what_a_plain_one_verifies(place: Path) -> None:
    sized = ("dataset.box.dimension=24", "dataset.box.points=20", "denoiser.trained.width=64")
    torch.set_float32_matmul_precision("medium")
    try:
        folder = run(place, "experiment.dtype=float32", *sized)
    finally:
        torch.set_float32_matmul_precision("highest")
    assert verify_run(folder, exact=True, quiet=True).exit_code == 0


def test_a_run_takes_the_digests_of_sources_once(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    taken: list[Path] = []

    def counted(path: Path) -> ModuleSource:
        taken.append(path)
        return read_module(path)

    monkeypatch.setattr("flowlab.engine.cache.content_digests.read_module", counted)
    folder = run(place)
    assert len(taken) == len(set(taken)) > 50
    taken.clear()
    assert verify_run(folder, exact=True, quiet=True).exit_code == 0
    assert len(taken) == len(set(taken)) > 50
