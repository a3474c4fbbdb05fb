"""The analyses of flows against the theorems: where ends are known, the numbers must be too."""

import math

import attrs
import pytest
import torch

from flowlab.api import CLASSES, Context, NodeError, NodeLabel, gaussian_starts
from flowlab.components.analyses.endpoints.class_fractions import ClassFractions
from flowlab.components.analyses.endpoints.class_history import ClassHistory
from flowlab.components.analyses.endpoints.discretisation import Discretisation
from flowlab.components.analyses.endpoints.early_stopping import EarlyStopping
from flowlab.components.analyses.endpoints.predicted_vertex import PredictedVertex
from flowlab.components.analyses.stability.fixed_points import FixedPoints
from flowlab.components.analyses.stability.stable_sums import StableSums
from flowlab.components.classifiers.stable_points import StablePoints
from flowlab.components.datasets.equilateral_triangle import EquilateralTriangle
from flowlab.components.datasets.line import Line
from flowlab.components.datasets.obtuse_simplex import ObtuseSimplex
from flowlab.components.datasets.orthogonal import Orthogonal
from flowlab.components.datasets.simplex import Simplex
from flowlab.components.denoisers.closed_form import ClosedForm
from flowlab.components.denoisers.empirical_mmse import EmpiricalMmse
from flowlab.components.denoisers.shallow_relu import ShallowRelu
from flowlab.components.flows.probability import ProbabilityFlow
from flowlab.components.flows.score import ScoreFlow
from flowlab.components.integrators.ddim import Ddim
from flowlab.components.integrators.euler_t import EulerT
from flowlab.components.integrators.exact import Exact
from flowlab.components.integrators.heun import Heun
from flowlab.components.optimizers.max_margin import MaxMargin
from flowlab.components.schedules.noise_levels import NoiseLevels
from flowlab.components.schedules.variance_exploding import VarianceExploding

CONTEXT = Context(0, "node", torch.float64, torch.device("cpu"))
BOX = Orthogonal(2, 3, frame="standard")
ACUTE = Simplex(((0.0, 0.0), (1.2, 0.0), (0.5, 0.8)))


def levels(*sigma):
    return NoiseLevels(sigma)


def closed(dataset, schedule, alpha=1.0):
    training = dataset.build(CONTEXT).value
    return ClosedForm("d", "s", alpha).build(CONTEXT, dataset=training, schedule=schedule).value


def slabs(dataset, schedule):
    training = dataset.build(CONTEXT).value
    network = ShallowRelu("d", "s", "o")
    return network.build(CONTEXT, dataset=training, schedule=schedule, optimizer=MaxMargin()).value


def by_final_time(*sigma, steps=4, alpha=3.0, dataset=BOX):
    return {f"T{s}": closed(dataset, VarianceExploding(s**2, steps), alpha) for s in sigma}


def early(**changes):
    return EarlyStopping("d", "i", **{"first": (-0.2, 0.13), "last": (1.2, 0.89), "starts": 60, **changes})


@pytest.mark.parametrize("threshold", [1e-6, 0.2])
@pytest.mark.parametrize("integrator", [Ddim(), Heun(), Exact()])
def test_starts_end_in_the_class_that_theory_predicts_at_each_final_time(threshold, integrator):
    banks = by_final_time(0.12, 0.02, 0.16, 0.07)
    result = early(threshold=threshold).build(CONTEXT, denoiser=banks, integrator=integrator)
    assert result.metrics["agreement"] == result.metrics["tau_bracketed"] == 1
    assert result.value.times == pytest.approx([0.02**2, 0.07**2, 0.12**2, 0.16**2])  # sorted
    assert result.metrics["alpha"] == pytest.approx(3)
    assert {k for row in result.value.labels for k in row} == {0, 1, 2, 3}
    rows = result.tables["classes"].rows
    assert len(rows) == 4 * 60
    assert rows[60]["final_time"] == pytest.approx(0.07**2)
    assert [row["class"] for row in rows[:60]] == [CLASSES[k] for k in result.value.labels[0]]


def test_the_predicted_times_are_those_of_the_theorem():
    result = early(first=(0.3, 0.4), last=(-1.0, 1.4), starts=2)
    value = result.build(CONTEXT, denoiser=by_final_time(0.1), integrator=Ddim()).value
    # the threshold of a millionth moves the times by a few millionths
    assert value.becomes_vertex == pytest.approx([(0.4 / 3) ** 2, 0], rel=1e-5)
    assert value.leaves_interior == pytest.approx([0.01, 0], rel=1e-5)


def test_euler_in_t_moves_classes_and_fewer_with_more_steps():
    shares = []
    for steps in (5, 50):
        banks = by_final_time(0.04, 0.08, 0.12, steps=steps)
        result = early(threshold=0.2).build(CONTEXT, denoiser=banks, integrator=EulerT())
        assert result.metrics["steps"] == result.value.steps == steps
        shares.append(result.metrics["agreement"])
    assert shares[0] < shares[1] < 1


def test_on_samples_theory_takes_the_radius_that_they_reach():
    dataset = Orthogonal(2, 3, samples=50, frame="standard")
    banks = {str(s): slabs(dataset, levels(s, s / 2)) for s in (0.05, 0.1)}
    result = early(threshold=0.2).build(CONTEXT, denoiser=banks, integrator=Ddim())
    # the largest of 50 normals, and of the clusters below a slab together
    assert 1.5 < result.metrics["alpha"] < 3.5
    assert result.metrics["agreement"] > 0.8


def test_early_stopping_refuses_what_it_cannot_predict():
    turned = by_final_time(0.1, dataset=Orthogonal(2, 3))
    with pytest.raises(NodeError, match="standard"):
        early().build(CONTEXT, denoiser=turned, integrator=Ddim())
    with pytest.raises(NodeError, match="2 edges, a start 1 coord"):
        early(first=(0.0,), last=(1.0,)).build(CONTEXT, denoiser=by_final_time(0.1), integrator=Ddim())
    mixed = {**by_final_time(0.1), **by_final_time(0.05, alpha=2.0)}
    with pytest.raises(NodeError, match="one alpha"):
        early().build(CONTEXT, denoiser=mixed, integrator=Ddim())
    assert [m.field for m in early(last=(1.0,)).check({"denoiser": ()})] == ["last"]
    assert not list(early().check({"denoiser": ()}))


def test_fixed_points_of_a_box_are_its_vertices_at_every_level():
    bank = closed(Orthogonal(4, 4), levels(0.3, 0.1))
    result = FixedPoints("d").build(CONTEXT, denoiser=bank)
    for row in result.tables["levels"].rows:
        figures = [row[key] for key in ("fixed", "stable", "training", "virtual", "other", "sums")]
        assert figures == [27, 8, 4, 4, 0, 8]
    assert result.metrics["stable"] == [8, 8]
    assert sum(row["stable"] for row in result.tables["points"].rows) == 16


def test_fixed_points_about_a_moving_offset_are_no_sums():
    bank = closed(ACUTE, levels(0.27, 0.05))
    result = FixedPoints("d").build(CONTEXT, denoiser=bank)
    assert result.metrics["training"] == [3, 3]
    assert result.metrics["other"] == [1, 0]


def test_fixed_points_on_samples_are_sums_and_larger_networks_are_refused():
    bank = slabs(Orthogonal(3, 3, samples=30), levels(0.1))
    result = FixedPoints("d").build(CONTEXT, denoiser=bank)
    assert result.metrics["training"] == [3]
    assert result.metrics["other"] == [0]
    with pytest.raises(NodeError, match="at most 16"):
        FixedPoints("d").build(CONTEXT, denoiser=closed(Orthogonal(9, 10), levels(0.1)))
    training = BOX.build(CONTEXT).value
    mmse = EmpiricalMmse("d", "s").build(CONTEXT, dataset=training, schedule=levels(0.1)).value
    with pytest.raises(NodeError, match="slabs and ReLU"):
        FixedPoints("d").build(CONTEXT, denoiser=mmse)
    none = attrs.evolve(bank, usable=torch.zeros(1, dtype=torch.bool))
    with pytest.raises(NodeError, match="no solution"):
        FixedPoints("d").build(CONTEXT, denoiser=none)


def test_stable_sums_join_at_their_critical_radii():
    pull = -math.cos(math.radians(100))
    bank = closed(ObtuseSimplex(4, 5, angle=100.0), levels(0.5 * pull, 1.5 * pull, 2.5 * pull))
    result = StableSums("d").build(CONTEXT, denoiser=bank)
    # 4 edges: the vertex and the edges' ends, then 6 pairs, then 4 triples
    assert result.metrics["stable"] == result.metrics["predicted"] == [15, 11, 5]
    assert result.metrics["differing_total"] == 0
    assert result.metrics["tests"] == 48
    for row in result.tables["sums"].rows:
        assert row["critical_radius"] == pytest.approx(pull * max(0, row["order"] - 1), abs=1e-12)


def test_stable_sums_of_a_triangle_and_what_is_refused():
    result = StableSums("d").build(CONTEXT, denoiser=closed(EquilateralTriangle(), levels(0.55, 0.3)))
    assert result.metrics["stable"] == result.metrics["predicted"] == [7, 3]
    with pytest.raises(NodeError, match="closed form"):
        StableSums("d").build(CONTEXT, denoiser=slabs(Orthogonal(2, 3, samples=20), levels(0.1)))
    with pytest.raises(NodeError, match="moves with rho"):
        StableSums("d").build(CONTEXT, denoiser=closed(ACUTE, levels(0.1)))
    with pytest.raises(NodeError, match="too many"):
        StableSums("d").build(CONTEXT, denoiser=closed(Orthogonal(13, 14), levels(0.1)))


@pytest.mark.parametrize(
    "dataset", [Orthogonal(4, 4, norm=(1.0, 1.2, 0.9)), Line((0.0, 0.7, 1.9, 2.4))], ids=["box", "line"]
)
def test_score_flow_ends_in_the_predicted_vertex(dataset):
    bank = closed(dataset, levels(0.1))
    flow = ScoreFlow("d", samples=300, spread=0.8, duration=100.0, steps=200)
    flows = {
        name: flow.build(CONTEXT, denoiser=bank, integrator=integrator).value
        for name, integrator in (("exact", Exact()), ("ddim", Ddim()))
    }
    # an end put on another vertex is not where it should be
    wrong = flows["exact"].states.clone()
    wrong[-1, 0] += bank.training.geometry.points[1] - bank.training.geometry.points[0]
    flows["wrong"] = attrs.evolve(flows["exact"], states=wrong)
    result = PredictedVertex("f").build(CONTEXT, flow=flows)
    assert [result.metrics[name]["reached"] for name in flows] == [300, 300, 299]
    assert result.metrics["wrong"]["margin_of_the_lost"] > 0
    assert len(result.tables["vertices"].rows) == 900
    acute = closed(ACUTE, levels(0.05))
    lost = ScoreFlow("d", steps=2).build(CONTEXT, denoiser=acute, integrator=None).value
    with pytest.raises(NodeError, match="predicted for orthogonal"):
        PredictedVertex("f").build(CONTEXT, flow={"a": lost})


def test_integrators_in_sigma_are_exact_and_euler_in_t_is_of_order_one_half():
    steps = (10, 40, 160)
    dataset = Orthogonal(5, 6, frame="standard")
    banks = {
        NodeLabel("t", {"schedule.s.levels": n}): closed(dataset, VarianceExploding(0.01, n), 4.0) for n in steps
    }
    tools = {"ddim": Ddim(), "heun": Heun(), "euler-t": EulerT()}
    result = Discretisation("d", "i", samples=100, spread=0.5).build(CONTEXT, denoiser=banks, integrator=tools)
    for name in ("ddim", "heun"):
        assert result.metrics[f"t/{name}"]["order"] is None
        assert max(result.metrics[f"t/{name}"]["error_max"].values()) < 1e-12
        assert set(result.metrics[f"t/{name}"]["changed"].values()) == {0}
    euler = result.metrics["t/euler-t"]
    assert euler["order"] == pytest.approx(0.5, abs=0.02)
    assert euler["changed"]["10"] > euler["changed"]["160"]
    # where h is constant all the way, y - h shrinks by prod_j (1 - 1/2j): the worst start is such a one
    bank = banks[NodeLabel("t", {"schedule.s.levels": 10})]
    starts = gaussian_starts(bank, 100, "cell", 0.5, CONTEXT)
    farthest = float((starts - bank.denoise(starts, 0)).abs().max())
    assert euler["error_max"]["10"] == pytest.approx(farthest * math.comb(20, 10) / 4**10, rel=1e-9)
    with pytest.raises(NodeError, match="not known exactly"):
        Discretisation("d", "i").build(
            CONTEXT, denoiser={NodeLabel("a"): closed(ACUTE, levels(0.1))}, integrator=tools
        )


def test_history_ends_where_the_classifier_does_and_tells_when_half_have_arrived():
    bank = closed(EquilateralTriangle(dimension=3), VarianceExploding(0.01, 30, "sigma"))
    flows = {
        name: flow.build(CONTEXT, denoiser=bank, integrator=None).value
        for name, flow in (
            ("pf", ProbabilityFlow("d", spread=0.8, samples=100)),
            ("sf", ScoreFlow("d", spread=0.8, samples=100, sigma=0.05, steps=100)),
        )
    }
    result = ClassHistory("f", times=25).build(CONTEXT, flow=flows)
    ends = StablePoints("f").build(CONTEXT, flow=flows).metrics
    for name in flows:
        rows = [row for row in result.tables["history"].rows if row["flow"] == name]
        assert len(rows) == 25
        assert [row["time"] for row in (rows[0], rows[-1])] == [float(flows[name].times[k]) for k in (0, -1)]
        assert all(sum(row[label] for label in CLASSES) == pytest.approx(1) for row in rows)
        assert {label: round(100 * rows[-1][label]) for label in CLASSES} == ends[name]
    face, vertices = (result.metrics["sf"][key] for key in ("half_on_the_cell", "half_at_stable_points"))
    assert face < vertices
    assert result.metrics["pf"]["half_at_stable_points"] is None


def fractions(dataset, flow, metric="linf", schedule=None, law=None):
    bank = closed(dataset, schedule or VarianceExploding(0.01, 2), 3.0)
    path = flow.build(CONTEXT, denoiser=bank, integrator=None).value
    path = path if law is None else attrs.evolve(path, law=law(path.law))
    classes = StablePoints("f", metric).build(CONTEXT, flow={"f": path}).value
    return ClassFractions("c", 0.999).build(CONTEXT, classifier=classes)


@pytest.mark.parametrize(("center", "spread"), [("cell", 0.5), ("centroid", 0.3), ("anchor", 1.0)])
def test_simulated_fractions_lie_in_the_interval_of_the_prediction(center, spread):
    """99.9 % intervals on fixed seeds; a wrong law of the starts is found out."""
    dataset = Orthogonal(4, 4, norm=(1.0, 1.1, 1.3), frame="standard")
    flow = ProbabilityFlow("d", samples=20_000, center=center, spread=spread)
    result = fractions(dataset, flow)
    rows = {row["class"]: row for row in result.tables["fractions"].rows}
    assert all(row["low"] <= row["predicted"] <= row["high"] for row in rows.values())
    assert result.metrics["f/predicted"]["outside_interval"] == 0
    assert sum(row["predicted"] for row in rows.values()) == pytest.approx(1)
    assert rows["training"]["final_time"] == pytest.approx(0.01)
    assert rows["training"]["points"] == 4
    wrong = fractions(dataset, flow, law=lambda law: attrs.evolve(law, spread=1.1 * law.spread))
    assert wrong.metrics["f/predicted"]["outside_interval"] > 0


@pytest.mark.parametrize(
    ("dataset", "flow", "metric", "schedule"),
    [
        (Orthogonal(3, 3), ProbabilityFlow("d"), "linf", None),
        (BOX, ProbabilityFlow("d"), "l2", None),
        (BOX, ScoreFlow("d", steps=5), "linf", None),
        (ACUTE, ProbabilityFlow("d"), "linf", None),
        (Line((0.0, 1.0)), ProbabilityFlow("d"), "linf", None),
    ],
    ids=["turned", "l2", "score", "acute", "line"],
)
def test_where_theory_knows_no_probability_none_is_given(dataset, flow, metric, schedule):
    result = fractions(dataset, flow, metric, schedule)
    assert list(result.metrics) == ["f"]
    assert all(row["predicted"] is None for row in result.tables["fractions"].rows)
