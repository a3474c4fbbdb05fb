"""Flows, classifier and analyses on endpoints and banks whose numbers are known."""

import attrs
import pytest
import torch

from flowlab.api import (
    CLASSES,
    BankSpec,
    Context,
    DenoiserBank,
    NodeError,
    StableShares,
    TrainingSet,
    Trajectories,
    exact_end_known,
)
from flowlab.components.analyses.endpoints.class_changes import ClassChanges
from flowlab.components.analyses.endpoints.class_fractions import ClassFractions
from flowlab.components.analyses.endpoints.threshold_sensitivity import ThresholdSensitivity
from flowlab.components.analyses.networks.interpolation import Interpolation
from flowlab.components.analyses.networks.low_noise_coverage import LowNoiseCoverage
from flowlab.components.analyses.stability.stability_over_draws import StabilityOverDraws
from flowlab.components.analyses.stability.virtual_point_stability import VirtualPointStability
from flowlab.components.classifiers.stable_points import StablePoints
from flowlab.components.flows.probability import ProbabilityFlow
from flowlab.components.flows.score import ScoreFlow
from flowlab.components.integrators.ddim import Ddim
from flowlab.components.integrators.euler_t import EulerT
from flowlab.components.integrators.exact import Exact
from flowlab.components.integrators.heun import Heun
from flowlab.theory.geometry.geometry import Geometry
from flowlab.theory.geometry.polytope import box
from flowlab.theory.geometry.simplex import simplex_geometry
from flowlab.theory.networks.mmse import EmpiricalMmse
from flowlab.theory.networks.slabs import Slabs

CONTEXT = Context(0, "node", torch.float64, torch.device("cpu"))
EDGES = torch.eye(4, dtype=torch.float64)
POINTS = torch.cat([EDGES[:1] * 0, EDGES])


def slabs(rho):
    width = (1 - 2 * rho)[:, None]
    count = len(rho)
    return Slabs(
        EDGES.new_zeros(count, 4), EDGES.expand(count, -1, -1), EDGES / width[..., None], -rho[:, None] / width
    )


def bank(rho=(0.2, 0.1), quality=None, form=slabs, noise=1.0):
    """Samples at -1 and 1 sigma along each axis: a gap of 1 - 2 sigma."""
    rho = torch.tensor(rho, dtype=torch.float64)
    sigma = rho.clone()
    shifts = torch.cat([EDGES, -EDGES])

    def draw(levels):
        return POINTS[None, :, None] + noise * levels[:, None, None, None] * shifts

    geometry = Geometry(POINTS, POINTS[0], EDGES, box(POINTS[0], EDGES), form, separable=True)
    usable = torch.ones(len(rho), dtype=torch.bool)
    return DenoiserBank(sigma, slabs(rho), TrainingSet(geometry, 8, draw), usable, quality=quality or {})


def flow(ends):
    ends = torch.tensor(ends, dtype=torch.float64)
    return Trajectories(ends[None], torch.zeros(1), bank(), "probability")


ENDS = [[0, 0, 0, 0.15], [1, 1, 0, 0], [1, 1, 1, 0], [0.5, 0, 1, 1], [0.5] * 4, [3] * 4]


def test_classifier_counts_and_table():
    result = StablePoints(("a", "b")).build(CONTEXT, flow={"a": flow(ENDS), "b": flow(ENDS[:1])})
    assert result.metrics["a"] == dict(zip(CLASSES, (1, 2, 1, 1, 1), strict=True))
    assert result.metrics["b"]["training"] == 1
    rows = result.tables["endpoints"].rows
    assert len(rows) == 7
    assert rows[0]["distance_training"] == pytest.approx(0.15)
    assert rows[1]["distance_virtual"] == 0


def test_fractions_sum_to_one_with_intervals_around_them():
    classes = StablePoints(("a",)).build(CONTEXT, flow={"a": flow(ENDS)}).value
    result = ClassFractions("c").build(CONTEXT, classifier=classes)
    assert sum(result.metrics["a"][name] for name in CLASSES) == pytest.approx(1)
    assert result.metrics["a"]["starts"] == len(ENDS)
    for row in result.tables["fractions"].rows:
        assert row["low"] <= row["fraction"] == row["count"] / 6 <= row["high"]


def classes_of(**flows):
    """Classes of flows by the endpoints given."""
    return StablePoints(tuple(flows)).build(CONTEXT, flow={name: flow(ends) for name, ends in flows.items()}).value


def test_changes_are_counted_start_by_start():
    # the same counts of each class, yet every endpoint but the last two is of another
    turned = [*ENDS[1:4], ENDS[0], *ENDS[4:]]
    result = ClassChanges("c", baseline="a").build(CONTEXT, classifier=classes_of(a=ENDS, b=turned, c=ENDS))
    assert result.metrics == {
        "b": {"changed": 3, "starts": 6, "share": 0.5},  # virtual to virtual is no change
        "c": {"changed": 0, "starts": 6, "share": 0.0},
    }
    moves = [(row["from"], row["to"], row["count"]) for row in result.tables["moves"].rows if row["flow"] == "b"]
    assert sorted(move for move in moves if move[0] != move[1]) == [
        ("boundary", "training", 1),
        ("training", "virtual", 1),
        ("virtual", "boundary", 1),
    ]
    for row in result.tables["changes"].rows:
        assert row["low"] <= row["share"] <= row["high"]


@pytest.mark.parametrize(
    ("flows", "message"),
    [
        ({"b": ENDS}, "must name one of the classified flows 'b'"),
        ({"a": ENDS}, "no flow beside"),
        ({"a": ENDS, "b": ENDS[:3]}, "b has 3 starts, a has 6"),
    ],
)
def test_changes_take_a_baseline_and_pairs_of_starts(flows, message):
    with pytest.raises(NodeError, match=message):
        ClassChanges("c", baseline="a").build(CONTEXT, classifier=classes_of(**flows))


def test_sensitivity_agrees_with_the_classifier_at_each_threshold_and_norm():
    result = ThresholdSensitivity(("a",)).build(CONTEXT, flow={"a": flow(ENDS)})
    assert len(result.tables["thresholds"].rows) == 6
    for row in result.tables["thresholds"].rows:
        classifier = StablePoints(("a",), metric=row["metric"], threshold=row["threshold"])
        counts = classifier.build(CONTEXT, flow={"a": flow(ENDS)}).metrics["a"]
        assert {name: row[name] for name in CLASSES} == counts
    # 0.15 from the origin: a training point at 0.2, no longer at 0.1
    assert result.metrics["a/linf/0.1"]["training"] == 0


def test_every_sum_of_an_orthogonal_closed_form_is_stable():
    result = VirtualPointStability("d", orders=(0, 2, 3, 4, 5)).build(CONTEXT, denoiser=bank())
    assert result.value["order"] == [0, 2, 3, 4]  # five edges are more than there are
    assert [row["total"] for row in result.tables["stability"].rows] == [1, 6, 4, 1]
    assert all(row["share"] == 1 for row in result.tables["stability"].rows)
    assert result.metrics["sigma"] == pytest.approx(0.1)


def test_a_sum_that_is_fixed_and_repels_is_not_stable():
    """The centre of a triangle, and of a regular simplex that the origin is not among."""
    for points in (simplex(3), EDGES):
        geometry = simplex_geometry(points)
        rho = torch.tensor([0.1], dtype=torch.float64)
        training = TrainingSet(geometry, 1, lambda levels, points=points: points.expand(1, -1, -1)[:, :, None])
        form = DenoiserBank(rho, geometry.closed_form(rho), training, torch.ones(1, dtype=torch.bool), rho=rho)
        orders = (0, 1, len(points))
        shares = VirtualPointStability("d", orders=orders).build(CONTEXT, denoiser=form).value
        assert shares["order"] == list(orders)
        assert shares["stable"] == [0, len(points), 0]
        assert shares["undecided"] == [0, 0, 0]


def simplex(count):
    """The corners of a regular simplex about the origin, in the span of their differences."""
    corners = torch.eye(count, dtype=torch.float64) - 1 / count
    return corners @ torch.linalg.svd(corners)[2][: count - 1].mT


def test_sums_of_a_smooth_denoiser_are_judged_and_a_sample_of_them_says_so():
    points = POINTS
    mmse = attrs.evolve(bank(), network=EmpiricalMmse(points, torch.tensor([0.2, 0.1], dtype=torch.float64)))
    result = VirtualPointStability("d", orders=(1, 2), most=5).build(CONTEXT, denoiser=mmse)
    # it keeps the training points and no sum of them
    assert (result.value["order"], result.value["share"]) == ([1, 2], [1, 0])
    assert [(row["tested"], row["total"]) for row in result.tables["stability"].rows] == [(4, 4), (5, 6)]


def test_shares_of_equal_settings_are_draws_of_one():
    def shares(samples, *figures):
        return StableShares.of(
            {"order": order, "samples": samples, "share": figure} for order, figure in enumerate(figures, 2)
        )

    swept = {"a": shares(50, 0.5, 0.1), "b": shares(9, 0.25, 0.0), "c": shares(50, 0.75, 0.4)}
    result = StabilityOverDraws(("s",), by="samples").build(CONTEXT, analysis=swept)
    rows = result.tables["stability"].rows
    assert [(row["order"], row["samples"], row["draws"]) for row in rows] == [
        (2, 9, 1), (2, 50, 2), (3, 9, 1), (3, 50, 2),
    ]  # fmt: skip
    assert rows[1] == {"order": 2, "samples": 50, "draws": 2, "mean": 0.625, "least": 0.5, "largest": 0.75}
    assert result.metrics["3"]["50"]["largest"] == 0.4


def test_a_denoiser_that_forgets_keeps_no_sum_and_a_bank_without_levels_is_refused():
    empty = attrs.evolve(
        bank(), network=Slabs(*(0 * part for part in attrs.astuple(slabs(bank().sigma), recurse=False)))
    )
    result = VirtualPointStability("d").build(CONTEXT, denoiser=empty)
    assert all(row["stable"] == 0 for row in result.tables["stability"].rows)
    with pytest.raises(NodeError):
        VirtualPointStability("d").build(
            CONTEXT, denoiser=attrs.evolve(bank(), usable=torch.zeros(2, dtype=torch.bool))
        )


@pytest.mark.parametrize(
    ("violation", "ratio", "fails"),
    [([1e-5, 1e-5], [1.0, 0.9999], False), ([1e-5, 1e-5], [1.0, 1.0012], True), ([1e-5, 2e-3], [1.0, 1.0], True)],
)
def test_a_cost_above_the_slabs_or_a_violation_is_a_shortfall(violation, ratio, fails):
    judged = bank(quality={"violation_max": violation, "slab_ratio": ratio})
    result = Interpolation(("d",)).build(CONTEXT, denoiser={"d": judged, "form": bank()})
    assert (result.shortfall is not None) is fails
    assert list(result.metrics) == ["d"]  # a closed form has nothing to judge
    assert result.metrics["d"]["violation_max"] == max(violation)


def test_banks_judged_by_different_figures_share_one_table():
    one = bank(quality={"violation_max": [0.0, None], "slab_ratio": [1.0, None]})
    two = bank(quality={"violation_max": [0.0, 0.0], "extra": [1.0, 2.0]})
    result = Interpolation(("one", "two")).build(CONTEXT, denoiser={"one": one, "two": two})
    rows = result.tables["interpolation"].rows
    assert [row["extra"] for row in rows] == [None, None, 1.0, 2.0]
    assert result.metrics["one"]["interpolating"] == 1
    assert "one: 1 of 2 levels do not interpolate" in result.shortfall


@pytest.mark.parametrize("form", [slabs, None])
def test_coverage_is_the_share_of_levels_with_separated_clusters(form):
    rho = (0.45, 0.3, 0.1)
    result = LowNoiseCoverage("d").build(CONTEXT, denoiser=bank(rho, form=form, noise=1.5))
    gaps = result.value["gap"]
    if form is not None:
        # along an axis the clusters reach 1.5 sigma to either side
        assert gaps == pytest.approx([1 - 3 * sigma for sigma in rho])
    assert result.value["low_noise"] == [gap > 0 for gap in gaps]
    assert result.metrics["share"] == result.metrics["low_noise"] / 3 < 1


def test_a_level_that_does_not_interpolate_is_not_low_noise():
    judged = bank(quality={"violation_max": [1e-5, 0.1]})
    assert LowNoiseCoverage("d").build(CONTEXT, denoiser=judged).value["low_noise"] == [True, False]
    unusable = attrs.evolve(bank(), usable=torch.tensor([False, True]))
    assert LowNoiseCoverage("d").build(CONTEXT, denoiser=unusable).value["low_noise"] == [False, True]


# Flows, on a box of sides 1 and 1.3 in three dimensions.

SIDES = torch.tensor([[1.0, 0, 0], [0, 1.3, 0]], dtype=torch.float64)


def context(node="pf", seed=0):
    return Context(seed, node, torch.float64, torch.device("cpu"))


def box_slabs(rho):
    lengths = SIDES.norm(dim=-1)
    width = lengths - 2 * rho[:, None]
    count = len(rho)
    weights = (SIDES / lengths[:, None]) / width[..., None]
    return Slabs(SIDES.new_zeros(count, 3), SIDES.expand(count, -1, -1), weights, -rho[:, None] / width)


def box_bank(alpha=2.0, levels=20):
    origin = torch.zeros(3, dtype=torch.float64)
    points = torch.cat([origin[None], SIDES])
    geometry = Geometry(points, origin, SIDES, box(origin, SIDES), box_slabs, separable=True)
    sigma = torch.linspace(0.2, 0.01, levels, dtype=torch.float64)
    usable = torch.ones(levels, dtype=torch.bool)
    training = TrainingSet(geometry, 5, lambda s: points[None, :, None].expand(len(s), 3, 5, 3))
    return DenoiserBank(sigma, box_slabs(alpha * sigma), training, usable, rho=alpha * sigma)


def mmse_network():
    return EmpiricalMmse(box_bank().training.geometry.points, box_bank().sigma)


def test_every_flow_of_an_experiment_starts_at_the_same_points():
    flows = (ProbabilityFlow("d", "i"), ScoreFlow("d", "i", steps=2))
    one, two = (
        flow.build(context(name), denoiser=box_bank(), integrator=Ddim()).value
        for flow, name in zip(flows, ("pf", "sf"), strict=True)
    )
    assert torch.equal(one.starts, two.starts)
    other = flows[0].build(context(seed=1), denoiser=box_bank(), integrator=Ddim()).value
    assert not torch.equal(one.starts, other.starts)


@pytest.mark.parametrize(
    ("center", "middle"), [("anchor", (0, 0, 0)), ("centroid", (1 / 3, 1.3 / 3, 0)), ("cell", (0.5, 0.65, 0))]
)
def test_starts_are_spread_about_their_center(center, middle):
    flow = ProbabilityFlow("d", samples=20_000, center=center, spread=0.7)
    starts = flow.build(context(), denoiser=box_bank(levels=1), integrator=None).value.starts
    assert (starts.mean(0) - torch.tensor(middle)).abs().max() < 5 * 0.7 / 20_000**0.5
    assert starts.std().item() == pytest.approx(0.7, rel=0.35 if center != "anchor" else 0.02)


@pytest.mark.parametrize("flow", [ProbabilityFlow("d"), ScoreFlow("d")])
def test_without_an_integrator_the_flow_of_slabs_is_exact(flow):
    plain = flow.build(context(), denoiser=box_bank(), integrator=None)
    named = flow.build(context(), denoiser=box_bank(), integrator=Exact())
    assert torch.equal(plain.value.states, named.value.states)
    assert plain.metrics["exact"]
    assert plain.value.half is None


@pytest.mark.parametrize("flow", [ProbabilityFlow("d"), ScoreFlow("d")])
def test_without_an_integrator_that_of_an_mmse_bank_takes_ddim_steps(flow):
    bank = attrs.evolve(box_bank(), network=mmse_network(), rho=None)
    plain = flow.build(context(), denoiser=bank, integrator=None)
    named = flow.build(context(), denoiser=bank, integrator=Ddim())
    assert torch.equal(plain.value.states, named.value.states)
    assert not plain.metrics["exact"]
    assert plain.value.half.shape == plain.value.ends.shape


def test_the_exact_probability_flow_ends_in_h_of_the_start():
    flow = ProbabilityFlow("d", "i", spread=1.0)
    exact = flow.build(context(), denoiser=box_bank(), integrator=Exact()).value
    torch.testing.assert_close(exact.ends, box_bank().denoise(exact.starts, 0))
    for integrator, tolerance in ((Ddim(), 1e-9), (Heun(), 2e-2)):
        states = flow.build(context(), denoiser=box_bank(), integrator=integrator).value.states
        assert (states[-1] - exact.ends).abs().max() < tolerance
    paper = flow.build(context(), denoiser=box_bank(), integrator=EulerT()).value.ends
    assert (paper - exact.ends).abs().max() > 1e-3


def test_score_flow_steps_approach_the_exact_flow():
    flow = ScoreFlow("d", "i", duration=3.0, steps=3000, samples=50, spread=0.6)
    exact = flow.build(context(), denoiser=box_bank(), integrator=Exact()).value.states
    for integrator in (Ddim(), EulerT(), Heun()):
        states = flow.build(context(), denoiser=box_bank(), integrator=integrator).value.states
        assert (states - exact).abs().max() < 5e-3


def test_score_flow_says_where_it_was_and_whether_it_rests():
    flow = ScoreFlow("d", "i", sigma=0.1, duration=1000.0, steps=10, spread=0.6)
    result = flow.build(context(), denoiser=box_bank(), integrator=Exact())
    assert result.metrics["sigma"] == pytest.approx(0.1, abs=0.01)
    assert result.shortfall is None
    early = attrs.evolve(flow, duration=0.1).build(context(), denoiser=box_bank(), integrator=Exact())
    assert "not at rest" in early.shortfall


def test_the_end_is_known_from_the_start_where_radii_are_proportional_to_sigma():
    assert exact_end_known(box_bank())
    assert not exact_end_known(attrs.evolve(box_bank(), rho=box_bank().rho + 0.01))
    assert not exact_end_known(attrs.evolve(box_bank(), rho=None))


def test_the_exact_flow_of_a_trained_bank_goes_region_by_region():
    """The slabs of a closed form as any network: ends as the theorem says, to what the levels are apart."""
    flow = ProbabilityFlow("d", spread=1.0)
    known = flow.build(context(), denoiser=box_bank(levels=80), integrator=None).value
    trained = attrs.evolve(box_bank(levels=80), rho=None)
    found = flow.build(context(), denoiser=trained, integrator=None)
    assert (found.value.ends - known.ends).abs().mean() < 1e-3
    assert found.metrics["regions_max"] > 1
    assert found.tables["ends"].columns["regions"] == found.value.regions.tolist()


def test_a_denoiser_that_is_not_piecewise_affine_has_no_exact_flow():
    mmse = attrs.evolve(box_bank(), network=mmse_network(), rho=None)
    for flow in (ProbabilityFlow("d", "i"), ScoreFlow("d", "i", steps=1)):
        with pytest.raises(NodeError, match="not known exactly"):
            flow.build(context(), denoiser=mmse, integrator=Exact())


def test_a_level_without_a_solution_is_named_with_the_final_time_that_avoids_it():
    usable = torch.ones(20, dtype=torch.bool)
    usable[:3] = False
    lacking = attrs.evolve(box_bank(), usable=usable)
    with pytest.raises(NodeError, match=r"3 levels, sigma 0\.18 to 0\.2; a final_time below 0\.0324"):
        ProbabilityFlow("d").build(context(), denoiser=lacking, integrator=None)
    none = attrs.evolve(box_bank(), usable=torch.zeros(20, dtype=torch.bool))
    with pytest.raises(NodeError, match="no solution at any level"):
        ScoreFlow("d").build(context(), denoiser=none, integrator=None)


def test_states_that_are_not_finite_are_refused():
    broken = attrs.evolve(box_bank(), network=box_slabs(box_bank().rho * torch.nan), rho=None)
    with pytest.raises(NodeError, match="finite"):
        ProbabilityFlow("d").build(context(), denoiser=broken, integrator=None)


@attrs.frozen
class Node:
    name: str
    component: object
    value_spec: object = None


def test_check_refuses_an_exact_flow_of_what_is_not_piecewise_affine():
    exact, ddim = Node("e", Exact()), Node("d", Ddim())
    trained, closed = (Node("net", None, BankSpec(affine=is_)) for is_ in (False, True))
    for flow in (ProbabilityFlow("net"), ScoreFlow("net")):
        assert [m.field for m in flow.check({"denoiser": (trained,), "integrator": (exact,)})] == ["integrator"]
        assert not list(flow.check({"denoiser": (closed,), "integrator": (exact,)}))
        assert not list(flow.check({"denoiser": (trained,), "integrator": (ddim,)}))
        assert not list(flow.check({"denoiser": (trained,)}))


def test_half_the_step_moves_nothing_where_the_steps_are_exact():
    """DDIM on balls: no endpoint of the closed form is moved by a step, and none is told to be."""
    flow = ProbabilityFlow("d", "i", spread=1.0)
    result = flow.build(context(), denoiser=box_bank(levels=5), integrator=Ddim())
    assert result.metrics["half_step_distance_max"] < 1e-12
    paper = flow.build(context(), denoiser=box_bank(levels=5), integrator=EulerT())
    assert paper.metrics["half_step_distance_max"] > 1e-3
