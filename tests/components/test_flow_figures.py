"""The figures of the theorems about flows build from small inputs and show what they should."""

import io

import pytest
import torch

from flowlab.api import (
    CLASSES,
    ClassesByFinalTime,
    ClassesOverTime,
    Context,
    EndShares,
    FixedPointCounts,
    IntegratorErrors,
    NodeError,
    NodeLabel,
    StableSumCounts,
)
from flowlab.api.helpers.plotting import CLASS_COLOURS, SERIES
from flowlab.components.figures.endpoints.class_history import ClassHistory
from flowlab.components.figures.endpoints.class_shares import ClassShares
from flowlab.components.figures.endpoints.discretisation import Discretisation
from flowlab.components.figures.endpoints.early_stopping import EarlyStopping
from flowlab.components.figures.plane.panel import Panel
from flowlab.components.figures.plane.section import section
from flowlab.components.figures.stability.fixed_points import FixedPoints
from flowlab.components.figures.stability.stable_sums import StableSums
from flowlab.theory.geometry.line import line_geometry

CONTEXT = Context(0, "figure", torch.float64, torch.device("cpu"))


def drawn(figure):
    """The figure's visible axes, once it is drawn; a warning would be an error."""
    figure.savefig(io.BytesIO(), format="png", bbox_inches="tight")
    return [ax for ax in figure.axes if ax.get_visible()]


def legend(figure):
    return [text.get_text() for text in figure.legends[0].get_texts()]


def picture(steps=10, agreement=1.0):
    labels = [[3, 2, 0], [2, 1, 0]]
    return ClassesByFinalTime(
        steps=steps,
        agreement=agreement,
        times=[0.0025, 0.01],
        place=[0.0, 0.5, 1.0],
        labels=labels,
        leaves_interior=[0.0049, 0, 0],
        becomes_vertex=[0.02, 0.0049, 0],
    )


def test_early_stopping_draws_a_panel_an_analysis_under_the_predicted_boundaries():
    pictures = {"exact": picture(), "near": picture(1, 0.99996), "far": picture(agreement=0.905), "d": picture()}
    figure = EarlyStopping(tuple(pictures)).build(CONTEXT, analysis=pictures).value
    axes = drawn(figure)
    titles = [ax.get_title().split("\n")[1] for ax in axes]
    assert titles[:3] == [
        "10 steps, 100% as predicted",
        "1 step, 99.99% as predicted",  # never 100% for less
        "10 steps, 90.5% as predicted",
    ]
    assert len(axes) == 4
    solid, dashed = axes[0].lines
    assert list(solid.get_ydata()) == pytest.approx([0.02**0.5, 0.07, 0])
    assert list(dashed.get_ydata()) == pytest.approx([0.07, 0, 0])
    assert legend(figure)[:4] == ["training", "virtual", "boundary", "interior"]


def test_stable_sums_draws_exact_steps_and_measured_markers():
    rows = StableSumCounts({"rho": [0.3, 0.1], "stable": [4, 3], "predicted": [4, 3]}, [0.0, 0.0, 0.0, 0.2])
    figure = StableSums(("a", "b")).build(CONTEXT, analysis={NodeLabel("a"): rows, NodeLabel("b"): rows}).value
    (ax,) = drawn(figure)
    steps, markers = ax.lines[:2]
    assert list(steps.get_xdata()) == [0, 0.2, 0.3]
    assert list(steps.get_ydata()) == [3, 4, 4]
    assert list(markers.get_ydata()) == [4, 3]
    assert legend(figure) == ["a", "b"]
    assert not StableSums(("a",)).build(CONTEXT, analysis={NodeLabel("a"): rows}).value.legends


def test_fixed_points_marks_levels_with_others():
    table = FixedPointCounts({
        "sigma": [0.1, 0.01], "stable": [5, 4], "other": [1, 0], "sums": [8, 8], "undecided_regions": [0, 0],
    })  # fmt: skip
    figure = FixedPoints(("a",)).build(CONTEXT, analysis={"a": table}).value
    (ax,) = drawn(figure)
    assert list(ax.lines[0].get_xdata()) == [0.01, 0.1]
    assert list(ax.lines[1].get_xdata()) == [0.1]
    assert list(ax.lines[2].get_ydata()) == [8, 8]


@pytest.mark.parametrize("scale", [1.0, 2.0**-40, 2.0**40])
def test_discretisation_names_the_order_or_rounding(scale):
    names = ("denoiser", "integrator", "steps", "scale", "error_mean", "changed_share")
    rows = [
        dict(zip(names, (name, tool, n, scale, scale * error, error), strict=True))
        for name in ("t", "sigma")
        for n in (100, 10)
        for tool, error in (("euler-t", n**-0.5), ("ddim", 0.0))
    ]
    figure = Discretisation("a").build(CONTEXT, analysis=IntegratorErrors.of(rows)).value
    axes = drawn(figure)
    assert len(axes) == 4
    entries = [text.get_text() for text in axes[0].get_legend().get_texts()]
    assert entries == ["euler-t: order 0.50", "ddim: rounding"]
    assert list(axes[0].lines[0].get_xdata()) == [10, 100]
    assert list(axes[0].lines[0].get_ydata()) == [10**-0.5, 0.1]
    assert list(axes[0].lines[1].get_ydata()) == [1e-16, 1e-16]
    assert axes[0].lines[1].get_color() == SERIES[1]


def shares(flow, place, predicted, count=50):
    return EndShares.of(
        {"flow": flow, "class": name, "count": count, "fraction": count / 100, "low": count / 100 - 0.05,
         "high": count / 100 + 0.05, "total": 100, "confidence": 0.95,
         "predicted": predicted, "final_time": place**2, "points": 3}
        for name in CLASSES[:2]
    )  # fmt: skip


def test_class_shares_draws_predictions_where_there_are_some():
    tables = {NodeLabel("a", {"schedule.s.final_time": s}): shares("f", s, 0.45) for s in (0.2, 0.1)}
    figure = ClassShares(("a",)).build(CONTEXT, analysis=tables).value
    (ax,) = drawn(figure)
    assert legend(figure) == ["training", "virtual", "predicted"]
    lines = [line for line in ax.lines if line.get_linestyle() == "-"]
    assert [list(line.get_xdata()) for line in lines] == [[pytest.approx(0.1), pytest.approx(0.2)]] * 2
    assert list(lines[0].get_ydata()) == [45, 45]
    assert lines[0].get_color() == CLASS_COLOURS["training"]
    plain = ClassShares(("a",), "points").build(CONTEXT, analysis={NodeLabel("a"): shares("f", 0.1, None)}).value
    drawn(plain)
    assert legend(plain) == ["training", "virtual"]
    without = EndShares.of({**row, "final_time": None} for row in shares("f", 0.1, None).rows)
    with pytest.raises(NodeError, match="no flow has a final_time"):
        ClassShares(("a",)).build(CONTEXT, analysis={NodeLabel("a"): without})


def test_class_history_draws_a_panel_a_flow():
    rows = [
        {"flow": kind, "kind": kind, "time": time, **dict.fromkeys(CLASSES, 0.2)}
        for kind, times in (("probability", (0.1, 0.01, 0.0)), ("score", (0.0, 1.0, 50.0)))
        for time in times
    ]
    figure = ClassHistory("a").build(CONTEXT, analysis=ClassesOverTime.of(rows)).value
    first, second = drawn(figure)
    assert first.get_xlim() == (0.1, 0)  # noise falls from left to right
    assert second.get_xlim() == (0, 50)
    assert legend(figure) == list(CLASSES)


def test_names_of_points_on_a_line_stand_beside_it():
    from flowlab.api.helpers.plotting import new_figure

    geometry = line_geometry(torch.tensor([[0.0, 0], [1, 0], [3, 0]], dtype=torch.float64))
    _, axes = new_figure()
    Panel("p", None, torch.zeros(1), section(geometry, (0, 1, 2)))._points(axes[0, 0])
    assert [tuple(text.xyann) for text in axes[0, 0].texts] == [pytest.approx((0, 9))] * 3
