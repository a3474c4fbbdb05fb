"""Whole experiments on the same data in other units, places and orders: the same statuses, classes and ratios."""

from random import Random

import pytest
import torch
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from run_records import run_records

from flowlab import Experiment
from flowlab.components.analyses.networks.certificate import Certificate
from flowlab.components.analyses.networks.interpolation import Interpolation
from flowlab.components.analyses.networks.low_noise_coverage import LowNoiseCoverage
from flowlab.components.analyses.stability.fixed_points import FixedPoints
from flowlab.components.analyses.stability.stable_sums import StableSums
from flowlab.components.analyses.stability.virtual_point_stability import VirtualPointStability
from flowlab.components.classifiers.stable_points import StablePoints
from flowlab.components.datasets.simplex import Simplex
from flowlab.components.denoisers.closed_form import ClosedForm
from flowlab.components.denoisers.shallow_relu import ShallowRelu
from flowlab.components.flows.probability import ProbabilityFlow
from flowlab.components.flows.score import ScoreFlow
from flowlab.components.optimizers.augmented_lagrangian import AugmentedLagrangian
from flowlab.components.optimizers.max_margin import MaxMargin
from flowlab.components.schedules.noise_levels import NoiseLevels

# an obtuse simplex with its vertex, and one whose offset lies within
OBTUSE = ((0.0, 0.0, 0.0), (1.0, 0.0, 0.0), (-0.2, 1.1, 0.0), (-0.1, -0.2, 0.9))
ACUTE = ((0.0, 0.0, 0.1), (1.0, 0.1, 0.0), (0.4, 0.9, 0.0))
SIGMA = (0.05, 0.03)

some = settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.too_slow])
powers = st.integers(-12, 12)
shifts = st.sampled_from([0.0, -3.0, 1e6])


def moved(vertices, size, shift):
    """The vertices times a size, after a shift by so many times their own size."""
    place = [shift, -shift / 2, shift / 3]
    return tuple(tuple(size * (x + at) for x, at in zip(row, place, strict=True)) for row in vertices)


def experiment(vertices, size, shift, extra=()):
    sigma = tuple(size * level for level in SIGMA)
    nodes = {
        "dataset.points": Simplex(moved(vertices, size, shift), samples=40),
        "schedule.levels": NoiseLevels(sigma),
        "denoiser.form": ClosedForm("points", "levels"),
        "optimizer.slabs": MaxMargin(),
        "denoiser.slabs": ShallowRelu("points", "levels", "slabs"),
        "analysis.regime": LowNoiseCoverage("slabs"),
        "analysis.interpolation": Interpolation(("slabs",)),
        "analysis.sums": VirtualPointStability("slabs", orders=(0, 1, 2, 3)),
        "analysis.form-sums": VirtualPointStability("form", orders=(0, 1, 2, 3)),
        "analysis.fixed": FixedPoints("form"),
        "flow.slabs": ProbabilityFlow("slabs", samples=60, center="centroid", spread=size),
        "flow.form": ProbabilityFlow("form", samples=60, center="centroid", spread=size),
        "flow.score": ScoreFlow("slabs", samples=60, center="centroid", spread=size),
        "classifier.ends": StablePoints(("slabs", "form", "score")),
        **dict(extra),
    }
    return Experiment("moved", nodes)


def told(made, size):
    """Statuses and figures without a unit: counts, shares and ratios."""
    records = run_records(made)
    statuses = {name: record.status for name, record in records.items()}

    def metrics(name):
        return records[name].metrics

    counts = {
        "classes": dict(metrics("classifier.ends")),
        "sums": {k: (v["stable"], v["tested"]) for k, v in metrics("analysis.sums").items() if k != "sigma"},
        "form-sums": {k: v["stable"] for k, v in metrics("analysis.form-sums").items() if k != "sigma"},
        "fixed": [metrics("analysis.fixed")[k] for k in ("stable", "virtual", "training", "other")],
        "regime": metrics("analysis.regime")["low_noise"],
        "interpolating": metrics("analysis.interpolation")["slabs"]["interpolating"],
    }
    ratios = {
        name: metrics("denoiser.slabs")[name] for name in ("cost", "cost_ratio", "slab_ratio", "cost_closed_form")
    }
    return statuses, counts, ratios


@pytest.mark.slow
@pytest.mark.parametrize("vertices", [OBTUSE, ACUTE], ids=["obtuse", "acute"])
@some
@given(powers, shifts)
@example(-12, 1e6)
@example(12, 1e6)
@example(-8, 0.0)
def test_data_of_any_size_and_place_give_the_same_figures(vertices, power, shift):
    size = 10.0**power
    statuses, counts, ratios = told(experiment(vertices, size, shift), size)
    expected = told(experiment(vertices, 1.0, 0.0), 1.0)
    assert statuses == expected[0]
    assert counts == expected[1]
    for name, values in ratios.items():
        # coordinates shifted by 1e6 times their size keep ten digits, noise of 0.03 eight of them
        assert values == pytest.approx(expected[2][name], rel=1e-6), name


def turned(vertices, order, angle):
    """The vertices in another order, rotated about an axis askew."""
    axis = torch.tensor([[0.0, -0.6, 0.8], [0.6, 0.0, -0.3], [-0.8, 0.3, 0.0]], dtype=torch.float64)
    rotation = torch.linalg.matrix_exp(angle * axis)
    points = torch.tensor(vertices, dtype=torch.float64)[list(order)] @ rotation.mT
    return tuple(map(tuple, points.tolist()))


@pytest.mark.parametrize("vertices", [OBTUSE, ACUTE], ids=["obtuse", "acute"])
@some
@given(st.floats(0, 6), st.randoms(use_true_random=False))
@example(1e-177, Random(0))  # specks in the Jacobians
def test_closed_forms_know_no_axes_and_no_order(vertices, angle, random):
    order = random.sample(range(len(vertices)), len(vertices))
    found = []
    for points in (vertices, turned(vertices, order, angle)):
        nodes = {
            "dataset.points": Simplex(points, samples=40),
            "schedule.levels": NoiseLevels(SIGMA),
            "denoiser.form": ClosedForm("points", "levels"),
            "analysis.sums": VirtualPointStability("form", orders=(0, 1, 2, 3), metric="l2"),
            "analysis.fixed": FixedPoints("form"),
        }
        if vertices is OBTUSE:
            nodes["analysis.stable"] = StableSums("form")
        records = run_records(Experiment("turned", nodes))
        assert {record.status for record in records.values()} == {"done"}
        found.append(
            [
                {k: v["stable"] for k, v in records["analysis.sums"].metrics.items() if k != "sigma"},
                [
                    records["analysis.fixed"].metrics[k]
                    for k in ("fixed", "stable", "virtual", "training", "other")
                ],
                records["analysis.stable"].metrics if vertices is OBTUSE else None,
            ]
        )
        cost = records["denoiser.form"].value.network.cost.tolist()
        found[-1].append(pytest.approx(cost, rel=1e-9))
        found[-1][2] = found[-1][2] and {k: found[-1][2][k] for k in ("stable", "predicted", "differing_total")}
    assert found[0][:3] == found[1][:3]
    assert found[0][3] == cost


def trained(size, shift, tolerance=1e-2):
    optimizer = AugmentedLagrangian(steps=1500, penalty_end=20_000.0, tolerance=tolerance)
    extra = {
        "optimizer.al": optimizer,
        "denoiser.trained": ShallowRelu("points", "levels", "al", width=40),
        "analysis.trained": Interpolation(("trained",), tolerance=tolerance, slack=1.0),
        "analysis.certificate": Certificate(
            ("trained",), tolerance=tolerance, rounds=3, starts=16, steps=20, regions=2000
        ),
    }
    made = experiment(OBTUSE, size, shift, extra)
    return run_records(made)


@pytest.mark.slow
@pytest.mark.parametrize(("power", "shift"), [(-40, 0.0), (40, 0.0), (0, 1e6), (-13, 1e6)])
def test_training_has_no_unit_and_no_origin(power, shift):
    """Powers of two change no bit, shifts the last digits of single precision alone."""
    size = 2.0**power
    one, other = trained(1.0, 0.0), trained(size, shift)
    quality, expected = (records["denoiser.trained"].metrics for records in (other, one))
    # 1,500 steps amplify the rounding of a shift
    close = {"rel": 1e-9} if not shift else {"rel": 0.02}
    for name in ("cost", "cost_balanced", "cost_slab"):
        assert quality[name] == pytest.approx(expected[name], **close), name
    violation = [value / size for value in quality["violation_max"]]
    assert violation == pytest.approx(expected["violation_max"], **(close if not shift else {"rel": 0.5}))
    assert quality["sigma"] == pytest.approx([size * level for level in SIGMA])
    statuses = [{name: record.status for name, record in records.items()} for records in (one, other)]
    assert statuses[0] == statuses[1]
    history = other["denoiser.trained"].value.history.columns
    assert history["violation_max"][-1] / size == pytest.approx(violation[-1], rel=0.01)
    assert set(history["sigma"]) == set(quality["sigma"])


def test_a_violation_of_the_order_of_sigma_is_no_interpolation():
    """The norm is 1e-3, and so was the tolerance; a sigma of 1e-6 was below the violation allowed."""
    short = ShallowRelu("points", "levels", "al", width=40)
    # in the second case the share of the scale alone would admit it
    for sigma, size, tolerance in ((0.05e-3, 1e-3, 1e-3), (1e-6, 1.0, 10.0)):
        nodes = {
            "dataset.points": Simplex(moved(OBTUSE, size, 0.0), samples=10),
            "schedule.levels": NoiseLevels((sigma,)),
            "optimizer.al": AugmentedLagrangian(steps=30, tolerance=tolerance),
            "denoiser.trained": short,
            "analysis.interpolation": Interpolation(("trained",), tolerance=tolerance),
            "analysis.regime": LowNoiseCoverage("trained", tolerance=tolerance),
        }
        records = run_records(Experiment("off", nodes))
        (violation,) = records["denoiser.trained"].metrics["violation_max"]
        assert 0.1 * sigma < violation < 10
        assert records["denoiser.trained"].status == "short"
        for name in ("cost_ratio", "slab_ratio", "balanced_ratio"):
            assert records["denoiser.trained"].metrics[name] == [None]
        assert records["denoiser.trained"].result.shortfall.endswith("no ratios there")
        assert records["analysis.interpolation"].metrics["trained"]["interpolating"] == 0
        assert records["analysis.regime"].metrics["low_noise"] == 0
