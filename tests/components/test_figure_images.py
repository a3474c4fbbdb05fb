"""Every kind of figure looks as it did: a small picture of each is kept in `baselines`.

A deliberate change: FLOWLAB_REGENERATE=1 pytest tests/components/test_figure_images.py, and look at the pictures.
"""

import os
from pathlib import Path

import pytest
import test_figures as made
import test_flow_figures as made_flows
from built_in import BUILT_IN
from matplotlib.legend import Legend
from matplotlib.testing.compare import compare_images
from matplotlib.text import Text
from matplotlib.ticker import NullFormatter

from flowlab.api import CLASSES, Certificates, Context, NodeLabel, StableSumCounts, Table
from flowlab.api.helpers import plotting
from flowlab.components.figures.endpoints.class_bars import ClassBars
from flowlab.components.figures.endpoints.class_history import ClassHistory
from flowlab.components.figures.endpoints.class_shares import ClassShares
from flowlab.components.figures.endpoints.discretisation import Discretisation
from flowlab.components.figures.endpoints.early_stopping import EarlyStopping
from flowlab.components.figures.endpoints.fractions_map import FractionsMap
from flowlab.components.figures.endpoints.fractions_over_sweep import FractionsOverSweep
from flowlab.components.figures.endpoints.images import Images
from flowlab.components.figures.endpoints.threshold_curves import ThresholdCurves
from flowlab.components.figures.networks.minimality_map import MinimalityMap
from flowlab.components.figures.networks.quality_by_level import QualityByLevel
from flowlab.components.figures.networks.regime_coverage import RegimeCoverage
from flowlab.components.figures.networks.training_curves import TrainingCurves
from flowlab.components.figures.plane.plane import Plane
from flowlab.components.figures.stability.fixed_points import FixedPoints
from flowlab.components.figures.stability.stability_by_order import StabilityByOrder
from flowlab.components.figures.stability.stability_trend import StabilityTrend
from flowlab.components.figures.stability.stable_sums import StableSums

BASELINES = Path(__file__).parent / "baselines"
CONTEXT: Context = made.CONTEXT
DPI = 50
# Root mean square of 0 to 255. Without fonts one version of matplotlib draws the same bits whatever the hinting;
# 3.9.4 differs from 3.11.2 by at most 1.7 (markers and image edges set to other halves of a pixel), a class in
# another colour by at least 2.3. Pictures of six pixels each are all edges: 8.0.
TOLERANCE = 2.0
COARSE = {"images": 9.0}
# colour maps, two colours of its own, and frames too thin for the tolerance
OTHER_COLOURS = {"fractions-map", "training-curves", "regime-coverage", "images"}


def table(columns, *rows):
    return Table(dict(zip(columns, zip(*rows, strict=True), strict=True)))


def certificates():
    levels = [0.02, 0.05, 0.1, 0.2]
    columns = {
        "denoiser": ["a"] * 4 + ["b"] * 4,
        "sigma": levels * 2,
        "gap_proved": [0.001, 0.002, 0.06, 0.4, 0.001, 0.003, 0.9, None],
        "gap_estimate": [0.001, 0.002, 0.05, 0.3, 0.001, 0.003, 0.002, None],
        "verdict": ["minimal", "minimal", "not minimal", "open", "minimal", "minimal", "estimated", "open"],
    }
    return Certificates(columns, [NodeLabel("a")] * 4 + [NodeLabel("b")] * 4)


def thresholds():
    shares = {0.1: (1, 1, 2, 0, 0), 0.2: (2, 1, 1, 0, 0), 0.3: (3, 1, 0, 0, 0)}
    rows = [("pf", norm, at, *counts) for norm in ("linf", "l2") for at, counts in shares.items()]
    return table(("flow", "metric", "threshold", *CLASSES), *rows)


def trend():
    rows = [(n, at, 2, 0.9 - at / n, 0.8 - at / n, 1 - at / n) for n in (2, 3) for at in (0.1, 0.2, 0.4)]
    return table(("order", "sigma", "draws", "mean", "least", "largest"), *rows)


def history():
    moments = {"probability": (0.1, 0.01, 0.0), "score": (0.0, 1.0, 50.0)}
    shares = ((0, 0, 0.1, 0.3, 0.6), (0.2, 0.1, 0.3, 0.3, 0.1), (0.5, 0.2, 0.3, 0, 0))
    rows = [
        (kind, kind, at, *share)
        for kind, times in moments.items()
        for at, share in zip(times, shares, strict=True)
    ]
    return table(("flow", "kind", "time", *CLASSES), *rows)


def errors():
    rows = [
        (name, tool, n, 1.0, error(n), error(n))
        for name in ("t", "sigma")
        for tool, error in (("euler-t", lambda n: n**-0.5), ("ddim", lambda n: 0.0))
        for n in (10, 30, 100)
    ]
    return table(("denoiser", "integrator", "steps", "scale", "error_mean", "changed_share"), *rows)


def examples():
    """A component and its inputs for each kind of figure."""
    ends = made.classes_of(made.obtuse())
    swept = made.swept_shares()
    qualities = {made.swept("q", n=n): made.quality("net") for n in (1, 2)}
    shares = {made.swept("a", T=at): made_flows.shares("f", at, 0.45) for at in (0.1, 0.2)}
    sums = StableSumCounts({"rho": [0.3, 0.1], "stable": [4, 3], "predicted": [4, 3]}, [0.0, 0.0, 0.0, 0.2])
    fixed = table(("sigma", "stable", "other", "sums", "undecided_regions"), (0.1, 5, 1, 8, 0), (0.01, 4, 0, 8, 0))
    pictures = {"exact": made_flows.picture(), "far": made_flows.picture(agreement=0.9)}
    return {
        "plane": (Plane("ends", paths=7), {"classifier": ends}),
        "class-bars": (ClassBars(("a", "b")), {"classifier": {"a": ends, "b": ends}}),
        "fractions-over-sweep": (FractionsOverSweep(("a",), over="dropout"), {"analysis": swept}),
        "fractions-map": (
            FractionsMap(("a",), "samples", "width", ("virtual",)),
            {
                "analysis": {
                    made.swept("a", samples=n, width=w): made_flows.shares("f", n, 0.4, n * w)
                    for n in (1, 2)
                    for w in (2, 3)
                }
            },
        ),
        "quality-by-level": (QualityByLevel(("q",)), {"analysis": qualities}),
        "images": (
            Images(("ends",), most=2, shape=(2, 3)),
            {"classifier": {"ends": made.classes_of(made.obtuse(dimension=6))}},
        ),
        "stability-by-order": (StabilityByOrder(("trained", "theory")), {"analysis": made.stability()}),
        "training-curves": (TrainingCurves("trained"), {"denoiser": made.bank_of(made.obtuse(), made.history())}),
        "regime-coverage": (RegimeCoverage("regime"), {"analysis": made.regime()}),
        "minimality-map": (MinimalityMap(("a",)), {"analysis": {"a": certificates()}}),
        "class-history": (ClassHistory("a"), {"analysis": history()}),
        "class-shares": (ClassShares(("a",)), {"analysis": shares}),
        "early-stopping": (EarlyStopping(tuple(pictures)), {"analysis": pictures}),
        "fixed-points": (FixedPoints(("a",)), {"analysis": {"a": fixed}}),
        "stable-sums": (StableSums(("a", "b")), {"analysis": {NodeLabel(name): sums for name in "ab"}}),
        "discretisation": (Discretisation("a"), {"analysis": errors()}),
        "stability-trend": (StabilityTrend("s"), {"analysis": trend()}),
        "threshold-curves": (ThresholdCurves("t"), {"analysis": thresholds()}),
    }


KINDS = sorted(BUILT_IN.names("figure"))


@pytest.fixture(scope="module")
def made_up():
    return examples()


def without_texts(figure):
    """The figure without what fonts have a part in, its layout included; other tests of figures read its texts."""
    figure.set_layout_engine("none")
    # whole pixels: versions of matplotlib round differently
    figure.set_size_inches(*(round(inches * DPI) / DPI for inches in figure.get_size_inches()))
    for legend in figure.findobj(Legend):
        legend.set_visible(False)
    for ax in figure.axes:
        for axis in (ax.xaxis, ax.yaxis):
            axis.set_major_formatter(NullFormatter())
            axis.set_minor_formatter(NullFormatter())
    for text in figure.findobj(Text):
        text.set_visible(False)
    return figure


def drawn(example, path):
    """The figure as a file, not cut to its contents."""
    component, inputs = example
    without_texts(component.build(CONTEXT, **inputs).value).savefig(path, dpi=DPI)
    return path


@pytest.mark.parametrize("kind", KINDS)
def test_a_figure_looks_as_it_did(made_up, kind, tmp_path):
    baseline = BASELINES / f"{kind}.png"
    if os.environ.get("FLOWLAB_REGENERATE"):
        drawn(made_up[kind], baseline)
    actual = drawn(made_up[kind], tmp_path / f"{kind}.png")
    assert compare_images(baseline, actual, COARSE.get(kind, TOLERANCE)) is None


@pytest.mark.parametrize("kind", sorted(set(KINDS) - OTHER_COLOURS))
def test_another_colour_is_seen(made_up, kind, tmp_path, monkeypatch):
    monkeypatch.setitem(plotting.CLASS_COLOURS, "training", "#AA0000")
    monkeypatch.setattr(plotting, "SERIES", ("#AA0000", *plotting.SERIES[1:]))
    actual = drawn(made_up[kind], tmp_path / f"{kind}.png")
    assert "RMS" in compare_images(BASELINES / f"{kind}.png", actual, TOLERANCE)


def test_there_is_a_picture_of_each_kind_and_no_other():
    assert {path.stem for path in BASELINES.glob("*.png")} == set(KINDS) == set(examples())
