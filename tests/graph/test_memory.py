"""Values that no memory holds are refused before the run, and steps that nobody waits for."""

from __future__ import annotations

from pathlib import Path

import pytest

from flowlab.api import ExperimentError
from flowlab.graph.graph import load_graph
from flowlab.graph.memory import find_oversized, machine_memory
from flowlab.registry.registry import Registry
from flowlab.spec.document import read_document

REGISTRY = Registry.installed()

TEXT = """
[experiment]
name = "large"
[dataset.box]
use = "orthogonal"
dimension = 30
points = 31
samples = 100
[schedule.levels]
use = "variance-exploding"
final_time = 0.01
levels = 150
[optimizer.al]
use = "augmented-lagrangian"
[denoiser.net]
use = "shallow-relu"
dataset = "box"
schedule = "levels"
optimizer = "al"
[flow.pf]
use = "probability"
denoiser = "net"
"""


def refused(folder: Path, *overrides: str) -> list[str]:
    path = folder / "large.toml"
    path.write_text(TEXT)
    with pytest.raises(ExperimentError) as caught:
        load_graph(path, overrides, REGISTRY)
    return [str(problem) for problem in caught.value.problems]


@pytest.mark.parametrize(("override", "key"), [
    ("dataset.box.samples=10000000000", "dataset"),
    ("denoiser.net.width=100000000000", "width"),
    ("flow.pf.samples=100000000000", "samples"),
])  # fmt: skip
def test_a_tensor_that_no_memory_holds_is_refused(tmp_path: Path, override: str, key: str) -> None:
    assert any(f"{key}: " in line and "of memory for one tensor" in line for line in refused(tmp_path, override))


def test_steps_that_take_weeks_are_refused(tmp_path: Path) -> None:
    (problem,) = refused(tmp_path, "optimizer.al.steps=2000000000")
    assert "steps must be >= 1 and <= 1e+09" in problem


def test_the_bytes_are_those_of_the_samples(tmp_path: Path) -> None:
    path = tmp_path / "large.toml"
    path.write_text(TEXT)
    nodes, document = load_graph(path, [], REGISTRY).nodes, read_document(path)
    needed = 150 * 31 * 100 * 30 * 4  # levels, points, samples, coordinates, bytes of a number
    (problem,) = find_oversized(nodes, document, needed - 1)
    assert problem.where.endswith("large.toml:17:1")
    assert f"needs {needed / 2**20:.4g} MiB" in problem.message
    assert not list(find_oversized(nodes, document, needed))
    assert not list(find_oversized(nodes, document, None))


def test_this_machine_has_memory() -> None:
    assert (machine_memory() or 0) > 2**28


def test_levels_that_no_memory_holds_are_refused_before_the_run(tmp_path: Path) -> None:
    problems = refused(tmp_path, f"schedule.levels.levels={10**18}")
    assert any("--set schedule.levels.levels: levels: 'levels' needs" in problem for problem in problems)


@pytest.mark.parametrize("time", ["1e-320", "1e-201", "1e202", "1e308"])
def test_noise_whose_square_leaves_the_numbers_is_refused_before_the_run(tmp_path: Path, time: str) -> None:
    problems = refused(tmp_path, f"schedule.levels.final_time={time}")
    assert any("a noise level, must be between 1e-100 and 1e+100" in problem for problem in problems)
