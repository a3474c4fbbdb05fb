"""What is said of a run before it begins."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import torch
from site_packages import SitePackages

from flowlab.api import TrainingCost
from flowlab.components.optimizers.augmented_lagrangian import AugmentedLagrangian
from flowlab.components.optimizers.certified_min_norm import CertifiedMinNorm
from flowlab.components.optimizers.weight_decay import WeightDecay
from flowlab.engine.cache.store import Store
from flowlab.engine.inputs import gather_inputs
from flowlab.engine.node_runner import NodeRunner
from flowlab.engine.progress.forecast import forecast
from flowlab.engine.progress.quiet import QuietListener
from flowlab.engine.run import run_graph
from flowlab.graph.graph import Graph, load_graph
from flowlab.registry.registry import Registry
from flowlab.theory.training import step_time

EXPERIMENTS = Path(__file__).parents[3] / "experiments"
SECONDS = 0.01  # of a step, made up


def graph(name: str, *settings: str) -> Graph:
    return load_graph(EXPERIMENTS / f"{name}.toml", settings, Registry.installed())


def ahead(graph: Graph, store: Store | None = None) -> str:
    """What is said of a run on the CPU."""
    return forecast(NodeRunner.of(graph, torch.device("cpu"), QuietListener(), store=store))


@pytest.fixture
def measured(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, ...]]:
    """The shapes of which a step was measured."""
    shapes: list[tuple[Any, ...]] = []

    def made_up(*shape: Any) -> float:
        shapes.append(shape)
        return SECONDS

    monkeypatch.setattr(step_time, "step_time", made_up)
    return shapes


def test_a_long_training_is_told_of(measured: list[tuple[Any, ...]]) -> None:
    line = ahead(graph("triangle", "optimizer.al.steps=60000"))
    # 60,000 steps of a hundredth of a second
    assert re.fullmatch(r"about 10 min and 0\.5 GiB for denoiser\.trained \(\d+ threads?, no CUDA device\)", line)
    assert measured == [(10, 3 * 60, 2, 48, torch.float32, torch.device("cpu"))]


def test_others_are_in_proportion_to_their_products(measured: list[tuple[Any, ...]]) -> None:
    line = ahead(graph("smoke", "optimizer.short.steps=60000", "experiment.threads=1"))
    # the larger has 30 samples a point, the other 20: 10 and 6.7 minutes
    assert line.startswith(
        "about 17 min and 0.5 GiB for 2 trainings, 10 min of it for denoiser.trained[samples=30] (1 thread"
    )


def test_of_very_many_the_first_are_looked_at(
    monkeypatch: pytest.MonkeyPatch, measured: list[tuple[Any, ...]]
) -> None:
    one = graph("dropout")
    monkeypatch.setattr("flowlab.engine.progress.forecast._LOOK", 0.5)
    monkeypatch.setattr("flowlab.engine.progress.forecast.perf_counter", iter([0.0, 0.0, 1.0]).__next__)
    assert "for the first 2 of 40 trainings, " in ahead(one)


def test_no_dataset_is_built_for_slabs(monkeypatch: pytest.MonkeyPatch) -> None:
    built: list[Any] = []
    monkeypatch.setattr("flowlab.engine.progress.forecast.gather_inputs", lambda node, _: built.append(node) or {})
    assert ahead(graph("orthogonal")) == ""
    assert built == []


def test_a_short_run_is_not_measured(measured: list[tuple[Any, ...]]) -> None:
    assert ahead(graph("smoke")) == ""
    assert ahead(graph("orthogonal")) == ""
    assert measured == []


def test_what_turns_out_short_is_not_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(step_time, "step_time", lambda *shape: 1e-4)
    assert ahead(graph("triangle", "optimizer.al.steps=60000")) == ""


def test_a_measurement_that_fails_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    def short(*shape: Any) -> float:
        raise RuntimeError("not enough memory")

    monkeypatch.setattr(step_time, "step_time", short)
    assert ahead(graph("triangle", "optimizer.al.steps=60000")) == ""


def test_nothing_is_told_or_built_of_what_is_stored(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, measured: list[tuple[Any, ...]]
) -> None:
    monkeypatch.setattr("flowlab.engine.progress.forecast._WORTH", 0.0)
    store, one = Store(tmp_path / "store"), graph("smoke", "optimizer.short.steps=20")
    assert ahead(one, store)
    run_graph(one, "cpu", QuietListener(), store=store)
    built: list[Any] = []
    monkeypatch.setattr("flowlab.engine.progress.forecast.gather_inputs", lambda node, _: built.append(node) or {})
    before = len(measured)
    assert ahead(one, store) == ""
    assert (built, len(measured)) == ([], before)
    monkeypatch.setattr("flowlab.engine.progress.forecast.gather_inputs", gather_inputs)
    file = tmp_path / "more.toml"
    file.write_text((EXPERIMENTS / "smoke.toml").read_text().replace("= [20, 30]", "= [20, 40]"))
    more = load_graph(file, ["optimizer.short.steps=20"], Registry.installed())
    assert "for denoiser.trained[samples=40] (" in ahead(more, store)


@pytest.mark.parametrize(
    ("optimizer", "rows", "bound"),
    [
        (AugmentedLagrangian(), 300, "about"),
        (AugmentedLagrangian(working_set=40), 75, "at most"),
        (AugmentedLagrangian(working_set=4000), 186, "at most"),
        (WeightDecay(), 300, "about"),
        (WeightDecay(batch=10), 30, "about"),
        (CertifiedMinNorm(), 300, "at least"),
    ],
)
def test_optimizers_say_what_they_do(optimizer: Any, rows: int, bound: str) -> None:
    assert optimizer.training_cost(3, 100) == TrainingCost(optimizer.steps, rows, "float32", bound)


def test_slabs_take_no_training() -> None:
    assert CertifiedMinNorm(start="slabs").training_cost(3, 100) is None


def test_a_part_of_a_step_is_taken_for_the_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    taken = []

    def noted(weights: Any, inputs: Any, *rest: Any) -> None:
        taken.append((tuple(inputs.shape), weights.inner.shape[1]))

    monkeypatch.setattr(step_time, "backward", noted)
    monkeypatch.setattr(step_time, "optimizer_of", lambda *_: type("Still", (), {"step": lambda self: None})())
    monkeypatch.setattr(step_time, "perf_counter", iter(range(100)).__next__)
    shape = 8, 1 << 16, 3, 64  # 16 times what a part may hold
    assert step_time.step_time(*shape, torch.float32, torch.device("cpu")) == 16.0
    assert set(taken) == {((1, 1 << 15, 3), 64)}


PLUGIN = '''
from types import SimpleNamespace

from attrs import frozen

from flowlab.api import Effort, Result, Training, parameter, reference


@frozen
class Long:
    """Says that it takes long, and doesn't."""

    dataset: str = reference("dataset", help="points")
    fault: bool = parameter(False, help="whether it can't say")

    def effort(self, *, dataset):
        if self.fault:
            raise KeyError("oh")
        return Training(Effort(10**12, 10, "float32"), 1, 2, 3, 5 << 30)

    def build(self, context, *, dataset):
        return Result(1)
'''

TOML = """
[experiment]
name = "long"

[dataset.box]
use = "orthogonal"
dimension = 2
points = 2
samples = 5

[denoiser.long]
use = "long"
dataset = "box"
"""


def test_it_is_the_first_line_of_a_run_unless_that_is_to_be_quiet(site: SitePackages) -> None:
    site.add("long", "[flowlab.denoiser]\nlong = long:Long\n", {"long.py": PLUGIN})
    (site.folder.parent / "long.toml").write_text(TOML)
    done = site.flowlab("run", "long.toml")
    assert done.returncode == 0, done.stderr
    first, second, *_ = done.stderr.splitlines()
    assert re.fullmatch(
        r"about [\d.e+]+ h and 5\.5 GiB for denoiser\.long \(\d+ threads?, no CUDA device\)", first
    )
    assert second.startswith("[1/2] ")
    assert site.flowlab("run", "long.toml", "--quiet").stderr == ""
    broken = site.flowlab("run", "long.toml", "--set", "denoiser.long.fault=true")
    assert broken.returncode == 0
    assert broken.stderr.startswith("[1/2] ")
