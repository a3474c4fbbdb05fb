"""Every figure builds from small inputs and shows what it should."""

import io
import math
from types import SimpleNamespace

import pytest
import torch
from matplotlib.colors import to_hex

from flowlab.api import (
    CLASSES,
    Classes,
    ClassesByThreshold,
    ClassesSpec,
    Context,
    DenoiserBank,
    FigureLook,
    LowNoiseLevels,
    NetworkQuality,
    NodeError,
    NodeLabel,
    StableShares,
    StableSharesOverDraws,
    Table,
    TrainingSet,
    Trajectories,
)
from flowlab.api.helpers.plotting import CLASS_COLOURS, SERIES, WIDTHS, house_style, new_figure
from flowlab.components.analyses.endpoints.class_changes import ClassChanges
from flowlab.components.analyses.endpoints.class_fractions import ClassFractions
from flowlab.components.figures.endpoints.class_bars import ClassBars
from flowlab.components.figures.endpoints.fractions_over_sweep import FractionsOverSweep
from flowlab.components.figures.endpoints.images import Images
from flowlab.components.figures.endpoints.threshold_curves import ThresholdCurves
from flowlab.components.figures.networks.quality_by_level import QualityByLevel
from flowlab.components.figures.networks.regime_coverage import RegimeCoverage
from flowlab.components.figures.networks.training_curves import TrainingCurves
from flowlab.components.figures.plane.plane import Plane
from flowlab.components.figures.stability.stability_by_order import StabilityByOrder
from flowlab.components.figures.stability.stability_trend import StabilityTrend
from flowlab.theory.geometry.classes import classify
from flowlab.theory.geometry.geometry import Geometry
from flowlab.theory.geometry.polytope import box, hull
from flowlab.theory.networks.slabs import Slabs

CONTEXT = Context(0, "figure", torch.float64, torch.device("cpu"))
SIGMA = torch.linspace(0.12, 0.004, 12, dtype=torch.float64)


def obtuse(dimension=2, degrees=100.0):
    """Two edges from x_0 = 0 at an obtuse angle."""
    angle = math.radians(degrees)
    edges = torch.zeros(2, dimension, dtype=torch.float64)
    edges[0, 0] = 1
    edges[1, 0], edges[1, 1] = math.cos(angle), math.sin(angle)
    points = torch.cat([torch.zeros_like(edges[:1]), edges])
    return Geometry(points, points[0], edges, box(points[0], edges))


def bank_of(geometry, history=None):
    """The slabs of an obtuse simplex on balls of radius 2.5 sigma."""
    edges = geometry.edges
    lengths = edges.norm(dim=-1)
    width = lengths - 5 * SIGMA[:, None]
    weights = (edges / lengths[:, None]) / width[..., None]
    levels = len(SIGMA)
    slabs = Slabs(
        geometry.anchor.expand(levels, -1),
        edges.expand(levels, *edges.shape),
        weights,
        -2.5 * SIGMA[:, None] / width - (weights @ geometry.anchor),
    )
    training = TrainingSet(geometry, 1, lambda sigma: geometry.points.expand(len(sigma), -1, -1)[:, :, None])
    return DenoiserBank(SIGMA, slabs, training, torch.ones(levels, dtype=torch.bool), history=history)


def flow_of(bank, name, count=120):
    """DDIM from Gaussian starts about the middle of the cell."""
    geometry = bank.training.geometry
    generator = torch.Generator().manual_seed(1)
    shape = (count, geometry.points.shape[-1])
    y = geometry.cell.center + 0.6 * torch.randn(shape, generator=generator, dtype=torch.float64)
    states = [y]
    if name == "score":
        for _ in range(150):
            y = y + 0.1 * (bank.denoise(y, 0) - y)
            states.append(y)
        return Trajectories(torch.stack(states), torch.linspace(0, 15, 151), bank, name, 0)
    times = torch.cat([SIGMA, SIGMA.new_zeros(1)])
    for level, ratio in enumerate(times[1:] / times[:-1]):
        h = bank.denoise(y, level)
        y = h + ratio * (y - h)
        states.append(y)
    return Trajectories(torch.stack(states), times, bank, name)


def classes_of(geometry, names=("probability", "score"), count=120):
    """A classifier's value over one flow a name."""
    flows = {f"{name}-{k}": flow_of(bank_of(geometry), name, count) for k, name in enumerate(names)}
    labels = {name: classify(flow.ends, geometry, 0.1, "linf").labels for name, flow in flows.items()}
    return Classes(labels, flows, 0.1, "linf")


def saved(figure, form="png"):
    """The figure as bytes, drawn; a warning would be an error."""
    stream = io.BytesIO()
    figure.savefig(stream, format=form, bbox_inches="tight")
    return stream.getvalue()


def panels(figure):
    return [ax for ax in figure.axes if ax.get_title()]


def test_house_style():
    figure, axes = new_figure("double", 0.5, rows=2, columns=3)
    assert axes.shape == (2, 3)
    assert tuple(figure.get_size_inches()) == pytest.approx((WIDTHS["double"], 0.5 * WIDTHS["double"]))
    assert set(CLASS_COLOURS) == set(CLASSES)
    assert len(set(CLASS_COLOURS.values())) == len(CLASSES)


def test_fonts_are_embedded():
    with house_style():
        figure, axes = new_figure()
    axes[0, 0].set_title("text")
    assert b"/FontFile2" in saved(figure, "pdf")


@pytest.mark.parametrize("dimension", [2, 4])
def test_plane(dimension):
    geometry = obtuse(dimension)
    classes = classes_of(geometry)
    figure = Plane("ends", paths=7).build(CONTEXT, classifier=classes).value
    saved(figure)
    drawn = panels(figure)
    assert len(drawn) == 2
    assert ("projection" in drawn[0].get_xlabel()) == (dimension > 2)
    for ax, (label, flow) in zip(drawn, classes.flows.items(), strict=True):
        assert label in ax.get_title()
        assert f"({flow.name} flow)" in ax.get_title()
        counts = {name: n for name, n in classes.counts(label).items() if n}
        entries = [text.get_text() for text in ax.get_legend().get_texts()]
        assert entries == [f"{name} {n}" for name, n in counts.items()]
        paths = [c for c in ax.collections if len(c.get_paths()) == 7]
        assert len(paths) == 1
        expected = [CLASS_COLOURS[CLASSES[k]].lower() for k in classes.labels[label][:7].tolist()]
        assert [to_hex(colour) for colour in paths[0].get_colors()] == expected
        assert {"$x_{0}$", "$x_{1}$", "$x_{2}$"} == {text.get_text() for text in ax.texts}


def test_plane_outlines_a_box_or_a_triangle():
    from flowlab.components.figures.plane.section import section

    geometry = obtuse()
    plane = section(geometry, (1, 0, 2))
    assert len(plane.outline) == 4
    assert plane.virtual == pytest.approx(geometry.edges.sum(0)[None].numpy())
    middle = geometry.points.mean(0)
    centred = Geometry(geometry.points, middle, geometry.points - middle, hull(geometry.points))
    assert len(section(centred, (0, 1, 2)).outline) == 3
    assert len(section(centred, (0, 1, 2)).virtual) == 3


@pytest.mark.slow
@pytest.mark.parametrize("count", [1, 4, 5])
def test_plane_lays_panels_out(count):
    names = ("probability", "score") * 3
    figure = Plane("ends", resolution=8).build(CONTEXT, classifier=classes_of(obtuse(), names[:count], 20)).value
    saved(figure)
    assert len(panels(figure)) == count


def test_plane_needs_points_that_exist():
    with pytest.raises(NodeError, match="no training point 7"):
        Plane("ends", points=(0, 1, 7)).build(CONTEXT, classifier=classes_of(obtuse(), count=5))
    ends = SimpleNamespace(value_spec=ClassesSpec())
    assert [misfit.field for misfit in Plane("ends", points=(0, 1, 1)).check({"classifier": (ends,)})] == [
        "points"
    ]


def test_class_bars():
    classes = classes_of(obtuse())
    figure = ClassBars(("a", "b")).build(CONTEXT, classifier={"a": classes, "b": classes}).value
    saved(figure)
    (ax,) = figure.axes
    counts = [n for _ in range(2) for flow in classes.flows for n in classes.counts(flow).values() if n]
    assert len(ax.patches) == len(counts)
    assert {to_hex(bar.get_facecolor()) for bar in ax.patches} <= {c.lower() for c in CLASS_COLOURS.values()}
    assert [text.get_text() for text in figure.legends[0].get_texts()] == list(CLASSES)
    names = [text.get_text() for text in ax.get_yticklabels()]
    assert names == [f"{label}: {flow}" for label in "ab" for flow in classes.flows]
    assert {text.get_text() for text in ax.texts} <= {str(n) for n in counts}


def test_threshold_curves_are_shares_in_both_norms():
    rows = [
        ("pf", norm, threshold, *counts)
        for norm in ("linf", "l2")
        for threshold, counts in ((0.3, (3, 1, 0, 0, 0)), (0.1, (1, 1, 2, 0, 0)))
    ]
    columns = zip(("flow", "metric", "threshold", *CLASSES), zip(*rows, strict=True), strict=True)
    figure = ThresholdCurves("t").build(CONTEXT, analysis=ClassesByThreshold(dict(columns))).value
    saved(figure)
    (ax,) = figure.axes
    curves = [line for line in ax.lines if len(set(line.get_xdata())) > 1]
    assert len(curves) == 2 * len(CLASSES)
    assert list(curves[0].get_xdata()) == [0.1, 0.3]
    assert list(curves[0].get_ydata()) == [25, 75]


@pytest.mark.parametrize("across", ["samples", "sigma"])
def test_stability_trend_has_a_line_an_order(across):
    rows = [(order, place, 2, 0.5, 0.25, 0.75) for order in (2, 3) for place in (0.1, 0.2, 0.4)]
    columns = zip(("order", across, "draws", "mean", "least", "largest"), zip(*rows, strict=True), strict=True)
    figure = StabilityTrend("s").build(CONTEXT, analysis=StableSharesOverDraws(dict(columns))).value
    saved(figure)
    (ax,) = figure.axes
    assert [bars.get_label() for bars in ax.containers] == ["2 summed", "3 summed"]
    assert ax.containers[1].lines[0].get_ydata().tolist() == [50, 50, 50]
    assert [text.get_text() for text in ax.get_xticklabels()] == ["0.1", "0.2", "0.4"]
    with pytest.raises(NodeError, match="too few edges"):
        StabilityTrend("s").build(CONTEXT, analysis=StableSharesOverDraws({}))


def stability():
    row = {"order": 2, "share": 0.64, "stable": 64, "tested": 100, "total": 100}
    perfect = [{"order": order, "share": 1.0, "stable": 100, "tested": 100, "total": 435} for order in (2, 3, 4)]
    return {"trained": StableShares.of([row, perfect[1]]), "theory": StableShares.of(perfect)}


def test_stability_by_order():
    figure = StabilityByOrder(("trained", "theory")).build(CONTEXT, analysis=stability()).value
    saved(figure)
    (ax,) = figure.axes
    sampled = "\n(100 of 435 tested)"
    assert [text.get_text() for text in ax.get_xticklabels()] == [f"{order}{sampled}" for order in (2, 3, 4)]
    assert [text.get_text() for text in ax.texts] == ["64.0%", "100%", "100%", "100%", "100%"]
    drawn = [line for line in ax.lines if line.get_marker() not in ("", "None")]
    assert [line.get_color() for line in drawn] == list(SERIES[:2])
    whole = {"trained": StableShares.of(stability()["trained"].rows[:1])}
    (ax,) = StabilityByOrder(("trained",)).build(CONTEXT, analysis=whole).value.axes
    assert [text.get_text() for text in ax.get_xticklabels()] == ["2"]
    with pytest.raises(NodeError, match="too few edges"):
        StabilityByOrder(("trained",)).build(CONTEXT, analysis={"trained": StableShares({})})


def history(levels=12, moments=60):
    """Like the method of multipliers: violations fall and rise a little, costs settle."""
    columns = {name: [] for name in ("step", "level", "sigma", "violation_max", "cost", "penalty")}
    for moment in range(moments):
        share = moment / (moments - 1)
        for level, sigma in enumerate(SIGMA[:levels].tolist()):
            wave = 1 + 0.3 * math.sin(9 * share + level)
            values = (
                12000 * share,
                level,
                sigma,
                wave * 10 ** (-4.2 * share) * (1 + sigma),
                4 / (1 - 5 * sigma) * (1 - 0.8 * math.exp(-6 * share)) + math.exp(-8 * share),
                3.3 * 100**share,
            )
            for name, value in zip(columns, values, strict=True):
                columns[name].append(value)
    return Table(columns)


@pytest.mark.parametrize("levels", [1, 12])
def test_training_curves(levels):
    bank = bank_of(obtuse(), history(levels))
    figure = TrainingCurves("trained").build(CONTEXT, denoiser=bank).value
    saved(figure)
    violation, cost, penalty, _ = figure.axes
    assert [len(ax.lines) for ax in (violation, cost, penalty)] == [levels, levels, 1]
    assert (violation.get_yscale(), cost.get_yscale(), penalty.get_yscale()) == ("log", "linear", "log")
    with pytest.raises(NodeError, match="augmented-lagrangian or weight-decay"):
        TrainingCurves("exact").build(CONTEXT, denoiser=bank_of(obtuse()))


def regime():
    gap = [0.95 - 5.6 * sigma - (0.35 if sigma > 0.1 else 0) for sigma in SIGMA.tolist()]
    low = [value > 0 for value in gap]
    columns = {"sigma": SIGMA.tolist(), "gap": gap, "low_noise": low, "violation": [None] * len(gap)}
    return LowNoiseLevels(columns)


def test_large_overlaps_do_not_hide_where_the_gap_closes():
    value = regime()
    assert RegimeCoverage("r").build(CONTEXT, analysis=value).value.axes[1].get_yscale() == "linear"
    value["gap"][0] = -70.0
    figure = RegimeCoverage("r").build(CONTEXT, analysis=value).value
    saved(figure)
    assert figure.axes[1].get_yscale() == "symlog"


def test_regime_coverage():
    value = regime()
    figure = RegimeCoverage("regime").build(CONTEXT, analysis=value).value
    saved(figure)
    noise, gap = figure.axes
    assert len(noise.patches) == len(gap.patches) == 1
    marked = {line.get_label(): len(line.get_xdata()) for line in noise.lines[1:]}
    assert marked == {"low-noise regime": sum(value["low_noise"]), "outside it": 12 - sum(value["low_noise"])}
    assert any(list(line.get_ydata()) == [0, 0] for line in gap.lines)


def swept(name, **settings):
    """The label of an analysis at one setting of sweeps, the seed's included."""
    paths = {"seed": "experiment.seed"}
    return NodeLabel(name, {paths.get(key, f"node.of.{key}"): value for key, value in settings.items()})


def swept_shares():
    """Fractions, stability and changes at three settings of a dropout rate, out of order."""
    values = {}
    for count, rate in ((60, 0.3), (20, 0.0), (40, 0.1)):
        classes = classes_of(obtuse(), count=count)
        values[swept("shares", dropout=rate)] = ClassFractions("ends").build(CONTEXT, classifier=classes).value
        values[swept("sums", dropout=rate)] = stability()["theory"]
        changes = ClassChanges("ends", baseline="score-1").build(CONTEXT, classifier=classes)
        values[swept("changes", dropout=rate)] = changes.value
    return values


def test_fractions_over_a_sweep():
    values = swept_shares()
    figure = FractionsOverSweep(("a",), over="dropout").build(CONTEXT, analysis=values).value
    saved(figure)
    drawn = {ax.get_title(loc="left"): ax for ax in figure.axes}
    assert list(drawn) == ["probability-0", "score-1", "sums", "changes"]
    for rate in (0.0, 0.1, 0.3):
        rows = {
            row["class"]: row["fraction"]
            for row in values[swept("shares", dropout=rate)].rows
            if row["flow"] == "score-1"
        }
        for bars in drawn["score-1"].containers:
            at = dict(zip(*bars.lines[0].get_data(), strict=True))
            assert at[rate] == pytest.approx(100 * rows[bars.get_label()])
    shown = {bars.get_label() for ax in drawn.values() for bars in ax.containers}
    assert {"stable sums of 2", "stable sums of 4", "probability-0 changed", "virtual"} <= shown
    # a class without an endpoint in a panel has no line there
    assert "elsewhere" not in {bars.get_label() for bars in drawn["score-1"].containers}
    assert [text.get_text() for text in figure.legends[0].get_texts()] == [
        name for name in CLASSES if name in shown
    ]


def test_zero_has_a_place_on_a_logarithmic_scale():
    values = {label: value for label, value in swept_shares().items() if label.name == "sums"}
    figure = (
        FractionsOverSweep(("a",), over="dropout", look=FigureLook(xscale="log"))
        .build(CONTEXT, analysis=values)
        .value
    )
    saved(figure)
    assert figure.axes[0].get_xscale() == "symlog"
    with pytest.raises(NodeError, match="above zero"):
        FractionsOverSweep(("s",), over="n", look=FigureLook(xscale="log")).build(
            CONTEXT, analysis={swept("s", n=-1): stability()["theory"]}
        )


def test_shares_over_a_sweep_need_a_sweep():
    with pytest.raises(NodeError, match="not repeated by a sweep of 'dropout'"):
        FractionsOverSweep(("s",), over="dropout").build(CONTEXT, analysis={swept("s"): stability()["theory"]})


def quality(name):
    sigma = [0.12, 0.06, 0.02]
    columns = {
        "denoiser": [name] * 3,
        "sigma": sigma,
        "violation_rms": [1e-3, 1e-5, 1e-16],
        "slab_ratio": [None, 1.01, 1.2],
    }
    return NetworkQuality(columns)


def test_quality_by_level():
    values = {swept("q", n=n): quality("net") for n in (1, 2)}
    figure = QualityByLevel(("q",)).build(CONTEXT, analysis=values).value
    saved(figure)
    violation, ratio = figure.axes
    assert (violation.get_yscale(), ratio.get_yscale()) == ("log", "linear")
    assert [line.get_label() for line in violation.lines] == ["n = 1", "n = 2"]
    assert list(violation.lines[0].get_xdata()) == [0.02, 0.06, 0.12]
    assert list(violation.lines[0].get_ydata()) == pytest.approx([1e-5 * 0.12, 1e-5, 1e-3])
    assert list(ratio.lines[0].get_ydata())[:2] == [1.2, 1.01]
    assert math.isnan(ratio.lines[0].get_ydata()[2])
    small = {
        label: NetworkQuality(
            {
                **one.columns,
                "sigma": [1e-9 * s for s in one["sigma"]],
                "violation_rms": [1e-9 * v for v in one["violation_rms"]],
            }
        )
        for label, one in values.items()
    }
    same = QualityByLevel(("q",)).build(CONTEXT, analysis=small).value.axes[0].lines[0].get_ydata()
    assert list(same) == pytest.approx([1e-9 * value for value in violation.lines[0].get_ydata()], abs=0)
    with pytest.raises(NodeError, match="no column 'price': it has denoiser, sigma"):
        QualityByLevel(("q",), ("price",)).build(CONTEXT, analysis=values)


def test_images_show_points_and_distinct_ends_of_each_class():
    geometry = obtuse(dimension=6)
    classes = classes_of(geometry)
    figure = Images(("ends",), most=2, shape=(2, 3)).build(CONTEXT, classifier={"ends": classes}).value
    saved(figure)
    titles = [[ax.get_title() for ax in figure.axes if ax.get_subplotspec().rowspan.start == k] for k in range(3)]
    assert [title for title in titles[0] if title] == ["$x_{0}$", "$x_{1}$", "$x_{2}$", "$c$"]
    pictures = [ax.images[0].get_array().ravel() for ax in figure.axes if ax.images]
    assert pictures[1].tolist() == geometry.points[1].tolist()
    for row, (label, flow) in zip(titles[1:], classes.flows.items(), strict=True):
        counts = {name: min(2, n) for name, n in classes.counts(label).items() if n}
        # two training points are far enough apart for two pictures; of others there may be less to show
        assert row.count("training") == min(2, counts["training"])
        assert {title for title in row if title} == set(counts)
        assert all(row.count(name) <= most for name, most in counts.items())
        assert len(flow.ends) > sum(counts.values())
    # the two virtual ends would be the same picture
    assert titles[2].count("virtual") == 1


def test_images_need_a_shape_that_holds_every_coordinate():
    with pytest.raises(NodeError, match="2 coordinates are no picture of 1 x 1 pixels: set shape"):
        Images(("ends",)).build(CONTEXT, classifier={"ends": classes_of(obtuse(), count=5)})
