"""Figures of sweeps show every number once, and join none that differ in another swept key."""

import io
import itertools
import math

import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st

from flowlab.api import CLASSES, AnalysisSpec, Context, EndShares, FigureLook, NetworkQuality, NodeError, NodeLabel
from flowlab.components.figures.endpoints.class_shares import ClassShares
from flowlab.components.figures.endpoints.fractions_map import FractionsMap
from flowlab.components.figures.endpoints.fractions_over_sweep import FractionsOverSweep
from flowlab.components.figures.networks.quality_by_level import QualityByLevel

CONTEXT = Context(0, "figure", torch.float64, torch.device("cpu"))
TOTAL = 100_000
SEED = "experiment.seed"

AXES = st.sampled_from(
    [[1, 2, 3], [0.5, 0.1], ["al", "wd"], [True, False], [[1, 2], [3, 4]], [10], list(range(7)), ["a", "b", "c"]]
)


class Spec:
    """A node as a check sees it."""

    def __init__(self, label):
        self.name, self.variant, self.inputs, self.component = label.name, label.settings, {}, None
        self.value_spec = AnalysisSpec()


@st.composite
def sweeps(draw, least=1):
    """One to three sweeps as a grid, or the first two in pairs; the seeds; the keys."""
    keys = ["first", "second", "third"][: draw(st.integers(least, 3))]
    values = {key: draw(AXES) for key in keys}
    rows = [dict(zip(values, row, strict=True)) for row in itertools.product(*values.values())]
    if len(keys) > 1 and draw(st.booleans()):
        pairs = [tuple(map(repr, pair)) for pair in zip(values["first"], values["second"], strict=False)]
        rows = [row for row in rows if (repr(row["first"]), repr(row["second"])) in pairs]
    seeds = draw(st.sampled_from([(None,), (4,), (0, 1, 2)]))
    return rows, seeds, keys


def label_of(row, seed, name="a"):
    swept = {f"node.of.{key}": value for key, value in row.items()}
    return NodeLabel(name, swept | ({} if seed is None else {SEED: seed}))


def fractions(number, **more):
    """Shares that occur nowhere else: the first class has `number` of the starts, the last the rest."""
    counts = dict.fromkeys(CLASSES, 0) | {CLASSES[0]: number, CLASSES[-1]: TOTAL - number}
    return EndShares.of(
        {"flow": "pf", "class": name, "count": count, "total": TOTAL, "fraction": count / TOTAL,
         "low": count / TOTAL, "high": count / TOTAL, "confidence": 0.95, **more}
        for name, count in counts.items()
    )  # fmt: skip


def shares_of(rows, seeds):
    """An analysis for each row and seed, and the mean over seeds in percent for each row."""
    analysis, means = {}, []
    for index, row in enumerate(rows):
        numbers = [101 * index + 7 * (place + 1) ** 2 for place in range(len(seeds))]
        analysis |= {label_of(row, seed): fractions(n) for seed, n in zip(seeds, numbers, strict=True)}
        means.append(100 * sum(numbers) / len(numbers) / TOTAL)
    return analysis, means


def saved(figure):
    """Drawn; a warning would be an error."""
    figure.savefig(io.BytesIO(), format="png", dpi=30)
    return [ax for ax in figure.axes if ax.get_visible()]


def is_tied(key, over, rows):
    """Whether the value of one key gives that of another."""
    return len({repr([row[over], row[key]]) for row in rows}) == len({repr(row[over]) for row in rows})


def row_of(value, means):
    (index,) = [index for index, mean in enumerate(means) if mean == pytest.approx(value, abs=1e-9)]
    return index


@settings(max_examples=25, deadline=None)
@given(sweeps(), st.booleans())
@example(([{"first": a, "second": b} for a in (1, 2) for b in ([1], [2])], (0, 1), ["first", "second"]), True)
def test_shares_over_a_sweep_have_each_number_once_or_are_refused(swept, with_style):
    rows, seeds, keys = swept
    analysis, means = shares_of(rows, seeds)
    style = keys[1] if with_style and len(keys) > 1 else None
    figure = FractionsOverSweep(("a",), over=keys[0], linestyle=style)
    issues = list(figure.check({"analysis": tuple(map(Spec, analysis))}))
    if issues:
        assert all(issue.field in ("analysis", "linestyle") for issue in issues)
        free = len({repr([row[key] for key in keys[1:]]) for row in rows})
        assert free > 24 or len({repr(row[style]) for row in rows if style}) > 4
        return
    found = []
    for ax in saved(figure.build(CONTEXT, analysis=analysis).value):
        for bars in ax.containers:
            if bars.get_label() != CLASSES[0]:
                continue
            drawn = [row_of(value, means) for value in bars.lines[0].get_ydata()]
            found += drawn
            others = {
                repr([rows[index][key] for key in keys if not is_tied(key, keys[0], rows)]) for index in drawn
            }
            joined = bars.lines[0].get_linestyle() != "None"
            numeric = all(type(row[keys[0]]) in (int, float) for row in rows)
            assert joined == numeric
            assert len(others) == 1
            places = list(bars.lines[0].get_xdata())
            assert places == sorted(set(places))
            if numeric:
                assert places == [rows[index][keys[0]] for index in drawn]
    assert sorted(found) == list(range(len(rows)))


@settings(max_examples=15, deadline=None)
@given(sweeps(least=2))
def test_a_map_has_each_number_once_or_is_refused(swept):
    rows, seeds, keys = swept
    analysis, means = shares_of(rows, seeds)
    figure = FractionsMap(("a",), keys[0], keys[1], (CLASSES[0],))
    if list(figure.check({"analysis": tuple(map(Spec, analysis))})):
        sides = [{repr(row[key]) for row in rows} for key in keys[:2]]
        pairs = {repr([row[key] for key in keys[:2]]) for row in rows}
        assert len(pairs) < len(sides[0]) * len(sides[1])
        return
    found = []
    for ax in saved(figure.build(CONTEXT, analysis=analysis).value):
        if not ax.images:
            continue
        cells = ax.images[0].get_array()
        drawn = [[row_of(value, means) for value in line] for line in cells.tolist()]
        found += itertools.chain.from_iterable(drawn)
        for line in drawn:
            assert len({repr(rows[index][keys[1]]) for index in line}) == 1
        for column in zip(*drawn, strict=True):
            assert len({repr(rows[index][keys[0]]) for index in column}) == 1
    assert sorted(found) == list(range(len(rows)))


@settings(max_examples=15, deadline=None)
@given(sweeps(), st.booleans())
def test_quality_has_a_line_a_setting_or_is_refused(swept, with_facet):
    rows, seeds, keys = swept
    facet = keys[0] if with_facet else None
    analysis = {
        label_of(row, seed): NetworkQuality(
            {
                "denoiser": ["net", "net"],
                "sigma": [0.1, 0.2],
                "cost": [index + place + 1.0, index + place + 1.5],
            }
        )
        for index, row in enumerate(rows)
        for place, seed in enumerate(seeds)
    }
    figure = QualityByLevel(("a",), ("cost",), facet)
    if list(figure.check({"analysis": tuple(map(Spec, analysis))})):
        assert len(rows) > 14
        return
    mean = (len(seeds) - 1) / 2
    lines = [
        list(line.get_ydata())
        for ax in saved(figure.build(CONTEXT, analysis=analysis).value)
        for line in ax.lines
        if not line.get_label().startswith("_")
    ]
    expected = [[index + mean + 1.0, index + mean + 1.5] for index in range(len(rows))]
    assert sorted(lines) == [pytest.approx(line) for line in expected]


@settings(max_examples=10, deadline=None)
@given(sweeps())
def test_shares_against_the_points_have_each_number_once(swept):
    rows, seeds, keys = swept
    analysis = {}
    for index, row in enumerate(rows):
        points = [repr(other[keys[0]]) for other in rows].index(repr(row[keys[0]]))
        for place, seed in enumerate(seeds):
            number = 101 * index + 7 * (place + 1) ** 2
            analysis[label_of(row, seed)] = fractions(number, points=points, final_time=None, predicted=None)
    _, means = shares_of(rows, seeds)
    axes = saved(ClassShares(("a",), "points").build(CONTEXT, analysis=analysis).value)
    bars = [bars for ax in axes for bars in ax.containers if bars.get_label() == CLASSES[0]]
    assert sorted(row_of(y, means) for one in bars for y in one.lines[0].get_ydata()) == list(range(len(rows)))


def bars_at(figure):
    """The ends of the one bar of the first class, and the note under the figure."""
    (ax,) = figure.axes
    bars = next(bars for bars in ax.containers if bars.get_label() == CLASSES[0])
    ((_, low), (_, high)) = bars.lines[2][0].get_segments()[0]
    return bars.lines[0].get_ydata()[0], low, high, figure.get_supxlabel()


def test_bars_over_seeds_are_those_of_student():
    shares = (0.45, 0.5, 0.55)
    analysis = {label_of({"n": 1}, seed): fractions(round(TOTAL * share)) for seed, share in enumerate(shares)}
    figure = FractionsOverSweep(("a",), over="n").build(CONTEXT, analysis=analysis).value
    mean, low, high, note = bars_at(figure)
    half = 4.302652729911275 * 0.05 / math.sqrt(3)  # the 97.5 % point of t with two degrees of freedom
    assert mean == pytest.approx(50)
    assert (low, high) == (pytest.approx(100 * (0.5 - half)), pytest.approx(100 * (0.5 + half)))
    assert note == "points and bars: mean and 95 % interval over 3 seeds"


def test_bars_of_one_seed_are_those_of_its_starts():
    row = {"flow": "pf", "class": CLASSES[0], "count": 0, "total": 30, "fraction": 0.0, "low": 0.0,
           "high": 1 - 0.025 ** (1 / 30), "confidence": 0.95}  # fmt: skip
    other = row | {"class": CLASSES[1], "count": 30, "fraction": 1.0, "low": 0.025 ** (1 / 30), "high": 1.0}
    analysis = {label_of({"n": 1}, None): EndShares.of([row, other])}
    figure = FractionsOverSweep(("a",), over="n").build(CONTEXT, analysis=analysis).value
    (ax,) = figure.axes
    ((_, low), (_, high)) = ax.containers[0].lines[2][0].get_segments()[0]
    assert (low, high) == (pytest.approx(100 * 0.025 ** (1 / 30)), 100)
    assert figure.get_supxlabel() == "points and bars: 95 % interval over 30 starts, one seed"


def test_two_shares_at_one_place_are_refused():
    first, second = (NodeLabel("a", {"node.x.n": 1, "node.y.n": k}) for k in (1, 2))
    analysis = {first: fractions(1), second: fractions(2)}
    with pytest.raises(NodeError, match="write the whole path"):
        FractionsOverSweep(("a",), over="n").build(CONTEXT, analysis=analysis)
    figure = FractionsOverSweep(("a",), over="node.x.n").build(CONTEXT, analysis=analysis).value
    assert len(figure.axes) == 2


@pytest.mark.parametrize("size", [None, "single", "double", (5.5, 4.0), (3.3, 7.0)])
@pytest.mark.parametrize("seeds", [(None,), (0, 1)])
def test_nothing_is_cut_at_any_size(size, seeds):
    rows = [{"width": n, "optimizer": o} for n in (20, 50, 100) for o in ("al", "wd")]
    analysis, _ = shares_of(rows, seeds)
    look = FigureLook(title="Where the flows end", size=size)
    for figure in (
        FractionsOverSweep(("a",), over="width", linestyle="optimizer", look=look),
        FractionsOverSweep(("a",), over="optimizer", look=look),
        FractionsMap(("a",), "width", "optimizer", look=look),
    ):
        picture = figure.build(CONTEXT, analysis=analysis).value
        saved(picture)
        across, up = picture.get_size_inches()
        box = picture.get_tightbbox()
        assert box.x0 >= -0.03
        assert box.x1 <= across + 0.03
        assert box.y0 >= -0.03
        assert box.y1 <= up + 0.03


def test_a_size_without_room_is_refused():
    rows = [{"width": n, "optimizer": o} for n in (20, 50, 100) for o in ("al", "wd")]
    analysis, _ = shares_of(rows, (None,))
    look = FigureLook(size=(1.5, 1.0))
    with pytest.raises(NodeError, match=r"1\.5 x 1 inches are too small"):
        FractionsOverSweep(("a",), over="width", look=look).build(CONTEXT, analysis=analysis)
