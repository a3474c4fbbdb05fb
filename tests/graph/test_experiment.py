"""Experiments built in Python: the same as files, mistakes included."""

from __future__ import annotations

import math
import subprocess
import sys
from pathlib import Path
from typing import Any

import attrs
import pytest
import tomli
import tomli_w
from attrs import frozen
from generated import REGISTRY, documents
from hypothesis import HealthCheck, Phase, given, settings

from flowlab import Experiment
from flowlab.api import ExperimentError, NodeError, Result, parameter
from flowlab.components.classifiers.stable_points import StablePoints
from flowlab.components.datasets.equilateral_triangle import EquilateralTriangle
from flowlab.components.datasets.simplex import Simplex
from flowlab.components.denoisers.closed_form import ClosedForm
from flowlab.components.denoisers.shallow_relu import ShallowRelu
from flowlab.components.figures.endpoints.class_bars import ClassBars
from flowlab.components.flows.probability import ProbabilityFlow
from flowlab.components.optimizers.augmented_lagrangian import AugmentedLagrangian
from flowlab.components.schedules.noise_levels import NoiseLevels
from flowlab.components.schedules.variance_exploding import VarianceExploding
from flowlab.graph import from_python as built
from flowlab.graph.tables import read_tables
from flowlab.spec.document import parse_document

NODES = {
    "dataset.triangle": EquilateralTriangle(samples=60),
    "schedule.low": VarianceExploding(final_time=0.01, levels=3),
    "denoiser.theory": ClosedForm(dataset="triangle", schedule="low"),
    "flow.pf": ProbabilityFlow(denoiser="theory", samples=20),
    "classifier.ends": StablePoints(flow=("pf",)),
    "figure.bars": ClassBars(classifier=("ends",)),
}
SWEEP = {"radius": {"dataset.triangle.radius": [1.0, 2.0]}}


def mistakes(**changes: Any) -> list[str]:
    with pytest.raises(ExperimentError) as caught:
        Experiment("e", **{"nodes": NODES, **changes}).to_toml()
    return [str(problem) for problem in caught.value.problems]


def test_what_a_file_says() -> None:
    experiment = Experiment("e", NODES, SWEEP, seed=3)
    text = experiment.to_toml()
    assert tomli.loads(text) == {
        "experiment": {"name": "e", "seed": 3},
        "dataset": {"triangle": {"use": "equilateral-triangle", "samples": 60}},
        "schedule": {"low": {"use": "variance-exploding", "final_time": 0.01, "levels": 3}},
        "denoiser": {"theory": {"use": "closed-form", "dataset": "triangle", "schedule": "low"}},
        "flow": {"pf": {"use": "probability", "denoiser": "theory", "samples": 20}},
        "classifier": {"ends": {"use": "stable-points", "flow": ["pf"]}},
        "figure": {"bars": {"use": "class-bars", "classifier": ["ends"]}},
        "sweep": SWEEP,
    }
    assert Experiment.from_toml(text) == experiment
    assert [node.id for node in experiment.graph.nodes] == [
        node.id for node in Experiment.from_toml(text).graph.nodes
    ]


def test_equal_experiments_say_the_same() -> None:
    listed = {**NODES, "classifier.ends": StablePoints(flow=["pf"]), "figure.bars": ClassBars(classifier="ends")}
    assert Experiment("e", NODES) == Experiment("e", listed)
    other = {**NODES, "dataset.triangle": EquilateralTriangle(samples=61)}
    assert Experiment("e", NODES) != Experiment("e", other)
    assert Experiment("e", NODES) != Experiment("e", NODES, SWEEP)


@settings(
    max_examples=60,
    deadline=None,
    phases=(Phase.explicit, Phase.reuse, Phase.generate),  # experiments are too large to shrink
    suppress_health_check=list(HealthCheck),
)
@given(documents())
def test_written_and_read_back(data: dict[str, Any]) -> None:
    """What needs the whole graph is left out: generated references may make circles and misfits."""
    first = read_tables(parse_document("x", tomli_w.dumps(data).encode()), REGISTRY)
    assert not first.problems
    experiment = data["experiment"]
    once = built.to_document(experiment, first.written, data.get("sweep", {}), REGISTRY)
    text = tomli_w.dumps(once.data)
    again = read_tables(parse_document("x", text.encode()), REGISTRY)
    assert not again.problems
    # by their text: -0.0 == 0.0, and 1 == 1.0
    assert repr(again.written) == repr(first.written)
    assert Experiment("e", again.written) == Experiment("e", first.written)
    assert repr(again.axes) == repr(first.axes)


@pytest.mark.parametrize("value", [1e-300, 2.2250738585072014e-308, 1.7976931348623157e308, 0.1 + 0.2])
def test_floats_to_the_last_bit(value: float) -> None:
    nodes = {"optimizer.o": AugmentedLagrangian(penalty_start=value)}
    (optimizer,) = Experiment.from_toml(Experiment("e", nodes).to_toml()).nodes.values()
    assert optimizer.penalty_start == value


def test_a_sign_of_zero_and_the_largest_integer() -> None:
    nodes = {"dataset.s": Simplex(vertices=((-0.0, 1.0), (2.0, 0.0)), samples=2**63 - 1)}
    (simplex,) = Experiment.from_toml(Experiment("e", nodes, seed=2**63 - 1).to_toml()).nodes.values()
    assert math.copysign(1, simplex.vertices[0][0]) == -1
    assert simplex.samples == 2**63 - 1
    relu = ShallowRelu(dataset="s", schedule="s", optimizer="o", dropout=-0.0)
    assert repr(built.to_table(relu)["dropout"]) == "-0.0"  # equal to the default, 0.0, and not the same


def test_mistakes_are_those_of_a_file() -> None:
    nodes = {
        **NODES,
        "dataset.triangle": EquilateralTriangle(samples="60", radius=2),
        "classifier.ends": StablePoints(flow=("pf", "fp"), metric="l3"),
    }
    assert mistakes(nodes=nodes, seed=-1, sweeps={"a": {"dataset.triangle.radius": [1.0, 0.0]}}) == [
        "experiment.seed: seed must be >= 0, found -1",
        "dataset.triangle.samples: samples must be an integer, found the string '60'",
        "sweep.a.dataset.triangle.radius: radius must be > 0, found 0.0",
        "classifier.ends.metric: metric must be one of 'linf', 'l2', found the string 'l3'",
        "classifier.ends.flow: flow = 'fp' names no [flow.fp] (did you mean 'pf'?)",
    ]


def test_misfits_have_places_as_well() -> None:
    nodes = {**NODES, "schedule.low": VarianceExploding(final_time=0.01, first_time=0.02)}
    assert mistakes(nodes=nodes) == ["schedule.low.first_time: first_time: must be below final_time (0.01)"]


@frozen
class Homemade:
    """Registered by nobody."""

    points: int = parameter(3, help="how many")

    def build(self, context: Any) -> Result:
        return Result(None)


@pytest.mark.parametrize(
    ("node", "component", "message"),
    [
        ("dataset.x", Homemade(), "dataset.x: no installed distribution registers Homemade as a dataset"),
        ("dataset.x", NODES["flow.pf"], "dataset.x: ProbabilityFlow is no dataset: it is the flow 'probability'"),
        ("datasets.x", Homemade(), "datasets.x: expected \"kind.name\", found the kind 'datasets' (did you mean"),
        ("experiment.x", Homemade(), "experiment.x: expected"),
        ("dataset", EquilateralTriangle(), "dataset.: a node's name must be"),
        ("dataset.x", EquilateralTriangle, "dataset.x: expected a component, found <class"),
        ("dataset.x", {"use": "line"}, "dataset.x: expected a component, found {"),
        ("dataset.a b", EquilateralTriangle(), "dataset.a b: a node's name must be"),
    ],
)
def test_what_is_no_node(node: str, component: Any, message: str) -> None:
    (found,) = mistakes(nodes={node: component})
    assert found.startswith(message)


def test_a_none_that_toml_cannot_say() -> None:
    nodes = {**NODES, "dataset.triangle": EquilateralTriangle(samples=None)}
    assert mistakes(nodes=nodes) == ["dataset.triangle.samples: samples must be an integer, found None"]


def test_texts_and_files(tmp_path: Path) -> None:
    file = tmp_path / "e.toml"
    file.write_text(Experiment("e", NODES).to_toml())
    assert Experiment.from_toml(file) == Experiment("e", NODES)
    with pytest.raises(ExperimentError, match="<text>:1:2: not valid TOML"):
        Experiment.from_toml("a")
    for shipped in sorted(Path(__file__).parents[2].glob("experiments/*.toml")):
        experiment = Experiment.from_toml(shipped)
        assert Experiment.from_toml(experiment.to_toml()) == experiment


def test_what_only_a_sweep_gives(tmp_path: Path) -> None:
    text = (
        '[experiment]\nname="e"\n[schedule.s]\nuse="noise-levels"\n[sweep.a]\n"schedule.s.levels"=[[2.0],[1.0]]\n'
    )
    experiment = Experiment.from_toml(text)
    assert experiment.nodes["schedule.s"] == NoiseLevels(levels=(2.0,))
    assert Experiment.from_toml(experiment.to_toml()) == experiment
    assert len(experiment.graph.nodes) == 2


@pytest.fixture(scope="module")
def results() -> Any:
    return Experiment("e", NODES, SWEEP, seed=3).run(device="cpu", quiet=True)


def test_a_run_leaves_nothing_on_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    results = Experiment("e", NODES).run(device="cpu", quiet=True)
    assert results["figure.bars"]._repr_png_()
    assert list(tmp_path.iterdir()) == []


def test_results_by_node(results: Any) -> None:
    assert len(results) == 11  # all but the schedule twice
    assert results["schedule.low"].value == NODES["schedule.low"]
    for radius in (1.0, 2.0):
        dataset = results[f"dataset.triangle[radius={radius}]"]
        assert dataset.status == "done"
        assert dataset.metrics["side"] == pytest.approx(radius * math.sqrt(3), rel=1e-15)
        assert dataset.value.geometry.points.shape == (3, 2)
        assert len(dataset.tables["points"].rows) == 3
    with pytest.raises(KeyError):
        results["dataset.triangle"]


def test_a_notebook_shows_figures(results: Any) -> None:
    figures = results.figures
    assert list(figures) == [f"figure.bars[radius={radius}]" for radius in (1.0, 2.0)]
    for name, figure in figures.items():
        png = results[name]._repr_png_()
        assert png.startswith(b"\x89PNG\r\n")
        assert figure.axes
        assert "data:image/png;base64," in results[name]._repr_html_()
    assert results["dataset.triangle[radius=1.0]"]._repr_png_() is None
    html = results._repr_html_()
    assert html.count("<img") == 2
    assert "Where the flows end" in html


def test_a_notebook_shows_metrics_and_tables(results: Any) -> None:
    html = results["dataset.triangle[radius=1.0]"]._repr_html_()
    assert "<td>0</td>" in html
    assert "<caption>points</caption>" in html
    assert "&quot;side&quot;" in html


def test_a_failed_node_says_why() -> None:
    # of a simplex, the check does not know how large the balls may be
    simplex = Simplex(((0.0, 1.0), (-0.9, -0.5), (0.9, -0.5)))
    theory = attrs.evolve(NODES["denoiser.theory"], alpha=100.0)
    nodes = {**NODES, "dataset.triangle": simplex, "denoiser.theory": theory}
    results = Experiment("e", nodes).run(device="cpu", quiet=True)
    assert (results["denoiser.theory"].status, results["flow.pf"].status) == ("failed", "skipped")
    with pytest.raises(NodeError, match="lower alpha"):
        _ = results["denoiser.theory"].value
    assert "lower alpha" in results["denoiser.theory"]._repr_html_()
    assert "lower alpha" in results._repr_html_()
    assert results.figures == {}


def test_a_folder_where_one_is_asked_for(tmp_path: Path, results: Any) -> None:
    written = Experiment("e", NODES, SWEEP, seed=3).run(tmp_path / "out", device="cpu", quiet=True)
    assert {file.name for file in (tmp_path / "out").iterdir()} == {
        "figures",
        "tables",
        "report.html",
        "summary.json",
        "lock.toml",
    }
    ends = [f"classifier.ends[radius={radius}]" for radius in (1.0, 2.0)]
    assert [written[end].metrics for end in ends] == [results[end].metrics for end in ends]


def test_a_run_leaves_the_backend_alone() -> None:
    script = (
        "import matplotlib; matplotlib.use('svg'); from flowlab import Experiment\n"
        f"import sys; sys.path[:0] = {[str(Path(__file__).parent), *sys.path]!r}\n"
        "from test_experiment import NODES\n"
        "Experiment('e', NODES).run(device='cpu', quiet=True); assert matplotlib.get_backend() == 'svg'"
    )
    subprocess.run([sys.executable, "-c", script], check=True, timeout=60)


def test_building_an_experiment_imports_nothing_heavy() -> None:
    script = (
        "import flowlab, sys; assert 'flowlab.experiment' not in sys.modules\n"
        "from flowlab import Experiment\n"
        "from flowlab.components.datasets.equilateral_triangle import EquilateralTriangle\n"
        "Experiment('e', {'dataset.t': EquilateralTriangle()}).to_toml()\n"
        "assert not {'torch', 'scipy', 'matplotlib', 'numpy'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", script], check=True, timeout=60)
