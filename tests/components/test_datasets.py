"""Datasets: the points they lay, the rules they keep, and what they refuse.

Tolerance: lengths, angles and inner products of points of order one in float64 are rounded to 1e-15; 1e-12
leaves room for a QR and a Cholesky factor in 30 dimensions.
"""

import math
import pickle

import attrs
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.numpy import save_file

from flowlab import Experiment
from flowlab.api import Context, ExperimentError, NodeError
from flowlab.components.datasets.digits import Digits
from flowlab.components.datasets.equilateral_triangle import EquilateralTriangle
from flowlab.components.datasets.line import Line
from flowlab.components.datasets.obtuse_simplex import ObtuseSimplex
from flowlab.components.datasets.orthogonal import Orthogonal
from flowlab.components.datasets.perturbed_orthogonal import PerturbedOrthogonal
from flowlab.components.datasets.points_file import PointsFile
from flowlab.components.datasets.simplex import Simplex
from flowlab.theory.geometry.subset_sums import fixed_points, subset_masks

CLOSE = {"atol": 1e-12, "rtol": 1e-12}
seeds = st.integers(0, 10**6)
frames = st.sampled_from(["random", "standard"])

ALL = [
    Orthogonal(dimension=4, points=3),
    Orthogonal(dimension=4, points=3, origin=False),
    ObtuseSimplex(dimension=3, points=3),
    EquilateralTriangle(dimension=3),
    Simplex(vertices=((0.0, 0.0), (1.0, 0.0), (0.45, 0.8))),
    Line(coordinates=(0.0, 1.0, 3.0)),
    PerturbedOrthogonal(dimension=4, points=3),
    Digits(digits=(3, 0), each=2, scale=2.0),
]
names = [f"{type(dataset).__name__}-{index}" for index, dataset in enumerate(ALL)]


def context(seed=0, dtype=torch.float64):
    return Context(seed, "data", dtype, torch.device("cpu"))


def geometry(dataset, seed=0, dtype=torch.float64):
    return dataset.build(context(seed, dtype)).value.geometry


def blamed(dataset):
    return [misfit.field for misfit in dataset.check({})]


# what all share


@pytest.mark.parametrize("dataset", ALL, ids=names)
def test_samples_are_equal_at_every_call_and_independent_between_levels(dataset):
    training = dataset.build(context()).value
    sigma = torch.tensor([0.3, 0.1], dtype=torch.float64)
    samples = training.draw(sigma)
    points = training.geometry.points
    assert samples.shape == (2, len(points), dataset.samples, points.shape[1])
    assert torch.equal(samples, training.draw(sigma))
    high, low = (samples - points[:, None]) / sigma[:, None, None, None]
    assert not torch.allclose(high, low)
    # several hundred standard normal numbers: their spread is 1 to within six standard errors
    assert high.std().item() == pytest.approx(1, abs=6 / math.sqrt(2 * high.numel()))


@pytest.mark.parametrize("dataset", ALL, ids=names)
def test_the_closed_form_keeps_the_points_and_the_table_holds_them(dataset):
    result = dataset.build(context())
    points = result.value.geometry.points
    denoised = result.value.geometry.closed_form(torch.tensor([0.05], dtype=torch.float64))(points[None])
    torch.testing.assert_close(denoised[0], points, **CLOSE)
    table = result.tables["points"].columns
    assert torch.equal(
        torch.tensor([table[f"x{k}"] for k in range(points.shape[1])], dtype=points.dtype).mT, points
    )
    assert (result.metrics["points"], result.metrics["dimension"]) == points.shape


# orthogonal


@settings(max_examples=30, deadline=None)
@given(seeds, st.integers(1, 8), st.integers(0, 3), st.booleans(), frames, st.floats(1e-3, 1e3), st.data())
def test_orthogonal_points_have_their_norms(seed, count, extra, origin, frame, scale, data):
    count = max(count, 2 - origin)
    norms = tuple(scale * data.draw(st.floats(0.5, 2)) for _ in range(count))
    dataset = Orthogonal(dimension=count + extra, points=count + origin, norm=norms, origin=origin, frame=frame)
    assert not blamed(dataset)
    built = geometry(dataset, seed)
    gram = built.points[int(origin) :] @ built.points[int(origin) :].mT / scale**2
    expected = (torch.tensor(norms, dtype=torch.float64) / scale).square().diag()
    torch.testing.assert_close(gram, expected, **CLOSE)
    assert built.separable is origin
    if origin:
        # the origin's weight ties at rho = 0, at any scale and any norms: it must win
        assert torch.equal(built.anchor, torch.zeros_like(built.anchor))
        assert torch.equal(built.edges, built.points[1:])
        assert built.conjecture is None


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_paper_scale_set_is_anchored_at_the_origin(dtype):
    built = geometry(Orthogonal(dimension=30, points=31), 0, dtype)
    assert torch.equal(built.edges, built.points[1:])
    assert built.conjecture is None


def test_orthogonal_points_without_the_origin_are_an_acute_simplex():
    built = geometry(Orthogonal(dimension=3, points=3, origin=False, frame="standard"))
    torch.testing.assert_close(built.anchor, torch.full((3,), 1 / 3, dtype=torch.float64), atol=1e-8, rtol=0)
    built = geometry(Orthogonal(dimension=4, points=4, origin=False))
    assert "upper bound of the minimum" in built.conjecture


@pytest.mark.parametrize(
    ("dataset", "fields"),
    [
        (Orthogonal(dimension=3, points=4), []),
        (Orthogonal(dimension=3, points=5), ["points"]),
        (Orthogonal(dimension=3, points=4, origin=False), ["points"]),
        (Orthogonal(dimension=3, points=3, norm=(1.0, 2.0, 3.0)), ["norm"]),
    ],
)
def test_orthogonal_check(dataset, fields):
    assert blamed(dataset) == fields


# orthogonal but for a displacement


@settings(max_examples=20, deadline=None)
@given(seeds, st.integers(1, 6), st.integers(0, 3), frames, st.floats(1e-3, 0.9), st.floats(1e-3, 1e3))
def test_points_are_displaced_by_as_much_as_is_said_in_one_direction(seed, count, extra, frame, length, norm):
    fields = {"dimension": count + extra, "points": count + 1, "frame": frame, "norm": norm}
    still, moved, far = (
        geometry(PerturbedOrthogonal(**fields, displacement=by), seed).points / norm for by in (0.0, length, 0.95)
    )
    torch.testing.assert_close(still[1:] @ still[1:].mT, torch.eye(count, dtype=torch.float64), **CLOSE)
    steps, steps_far = moved[1:] - still[1:], far[1:] - still[1:]
    assert torch.equal(moved[0], torch.zeros_like(moved[0]))
    torch.testing.assert_close(steps.norm(dim=-1), torch.full((count,), length, dtype=torch.float64), **CLOSE)
    # the same directions whatever the displacement, so that a sweep compares like with like
    torch.testing.assert_close(steps / length, steps_far / 0.95, atol=1e-12 / length, rtol=0)


def test_at_no_displacement_the_theory_is_the_orthogonal_one():
    dataset = PerturbedOrthogonal(dimension=5, points=4)
    ours, theirs = geometry(dataset), geometry(Orthogonal(dimension=5, points=4))
    rho = torch.tensor([0.1, 0.3], dtype=torch.float64)
    assert torch.equal(ours.points, theirs.points)  # the same frame, from the same node's name
    y = torch.randn(2, 50, 5, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    torch.testing.assert_close(ours.closed_form(rho)(y), theirs.closed_form(rho)(y), **CLOSE)
    assert ours.conjecture is None
    assert "not orthogonal" in geometry(PerturbedOrthogonal(dimension=5, points=4, displacement=0.1)).conjecture


@settings(max_examples=20, deadline=None)
@given(seeds, st.floats(0.02, 0.5), st.floats(0.02, 0.4))
def test_displaced_sums_are_stable_while_the_projections_of_the_others_stay_within_rho(seed, length, rho):
    built = geometry(PerturbedOrthogonal(dimension=6, points=5, displacement=length), seed)
    if 2 * rho >= built.edges.norm(dim=-1).min():
        return
    cross = torch.nn.functional.normalize(built.edges, dim=-1) @ built.edges.mT
    cross = cross.fill_diagonal_(0)
    subsets = subset_masks(4)
    others = subsets.double() @ cross.mT  # u_k . sum of the chosen v_n, n != k
    clear = ((others.abs() - rho).abs() > 1e-9).all(-1)  # not on the edge between the two, for rounding
    kept = torch.where(subsets, others >= -rho, others <= rho).all(-1)
    found, _ = fixed_points(built.closed_form(torch.tensor([rho], dtype=torch.float64)))
    stable = (subsets[:, None] == found).all(-1).any(-1)
    assert torch.equal(stable[clear], kept[clear])


def test_more_directions_than_dimensions_are_refused_and_so_are_dependent_points():
    assert blamed(PerturbedOrthogonal(dimension=3, points=4)) == []
    assert blamed(PerturbedOrthogonal(dimension=3, points=5)) == ["points"]


# digits


def test_digits_are_the_images_they_are_said_to_be():
    from sklearn.datasets import load_digits

    data, target = load_digits(return_X_y=True)
    result = Digits(digits=(7, 2), each=3, scale=5.0).build(context())
    names = result.tables["points"].columns["digit"]
    assert list(names) == [7, 7, 7, 2, 2, 2]
    for name, image in zip(names, result.value.geometry.points.numpy() * 16 / 5, strict=True):
        # pixels are whole numbers up to 16, exact after scaling up to rounding
        (row,) = (abs(data - image).max(1) < 1e-12).nonzero()[0]
        assert target[row] == name


def test_another_seed_draws_other_digits():
    assert not torch.equal(geometry(Digits(), 0).points, geometry(Digits(), 1).points)


def test_digits_form_a_simplex_about_an_inner_point():
    built = geometry(Digits())
    assert len(built.edges) == len(built.points) == 10
    assert "upper bound of the minimum" in built.conjecture
    assert bool((built.cell.depths(built.anchor) > 0).all())


@pytest.mark.parametrize(
    ("dataset", "fields"),
    [
        (Digits(), []),
        (Digits(digits=(1, 1)), ["digits"]),
        (Digits(digits=(1,)), ["digits"]),
        (Digits((1,), 2), []),
    ],
)
def test_digits_check(dataset, fields):
    assert blamed(dataset) == fields


def test_digits_without_their_package_say_how_to_get_it(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    (misfit,) = Digits().check({})
    assert "pip install 'flowlab[digits]'" in misfit.message


@pytest.mark.parametrize(
    ("dataset", "message"),
    [(Digits(digits=(8,), each=175), "174 images of the digit 8"), (Digits(each=7), "no simplex")],
)
def test_too_many_digits_are_a_node_error(dataset, message):
    with pytest.raises(NodeError, match=message):
        geometry(dataset)


# obtuse


@settings(max_examples=30, deadline=None)
@given(seeds, st.integers(3, 7), st.integers(0, 2), frames, st.floats(0.05, 0.95), st.data())
def test_obtuse_edges_have_their_lengths_and_angle(seed, count, extra, frame, share, data):
    edges = count - 1
    widest = math.degrees(math.acos(-1 / (edges - 1))) if edges > 2 else 180.0
    angle = 90 + share * (widest - 90)
    lengths = tuple(data.draw(st.floats(0.5, 2)) for _ in range(edges))
    dataset = ObtuseSimplex(dimension=edges + extra, points=count, angle=angle, length=lengths, frame=frame)
    assert not blamed(dataset)
    built = geometry(dataset, seed)
    norms = torch.tensor(lengths, dtype=torch.float64)
    cosines = torch.full((edges, edges), math.cos(math.radians(angle)), dtype=torch.float64).fill_diagonal_(1)
    torch.testing.assert_close(built.edges @ built.edges.mT, cosines * norms * norms[:, None], **CLOSE)
    assert torch.equal(built.anchor, built.points[0])
    assert built.conjecture is None


@pytest.mark.parametrize(
    ("dataset", "fields"),
    [
        (ObtuseSimplex(dimension=2, points=3, angle=179.0), []),
        (ObtuseSimplex(dimension=3, points=4, angle=119.9), []),
        (ObtuseSimplex(dimension=3, points=4, angle=120.0), ["angle"]),
        (ObtuseSimplex(dimension=3, points=4, angle=150.0), ["angle"]),
        (ObtuseSimplex(dimension=2, points=4), ["points"]),
        (ObtuseSimplex(dimension=3, points=3, length=(1.0,)), ["length"]),
    ],
)
def test_obtuse_check(dataset, fields):
    assert blamed(dataset) == fields


def test_the_widest_angle_is_said():
    (misfit,) = ObtuseSimplex(dimension=3, points=4, angle=130.0).check({})
    assert "below 120" in misfit.message


def test_an_angle_within_rounding_of_the_widest_is_refused():
    with pytest.raises(NodeError):
        geometry(ObtuseSimplex(dimension=3, points=4, angle=120.0))


@pytest.mark.parametrize("angle", [90.0, 180.0])
def test_an_angle_that_is_not_obtuse_is_refused(angle):
    with pytest.raises(ValueError, match="angle must be"):
        ObtuseSimplex(dimension=3, points=3, angle=angle)


# triangle, simplex, line


@given(st.floats(1e-2, 1e2), st.integers(2, 4))
@settings(max_examples=20, deadline=None)
def test_the_triangle_is_centred_and_equilateral(radius, dimension):
    built = geometry(EquilateralTriangle(radius=radius, dimension=dimension))
    sides = torch.nn.functional.pdist(built.points) / radius
    torch.testing.assert_close(sides, torch.full_like(sides, math.sqrt(3)), **CLOSE)
    torch.testing.assert_close(built.points.mean(0) / radius, torch.zeros(dimension).double(), **CLOSE)
    # the cost at the centre is flat to second order: Weiszfeld finds it to the root of rounding
    torch.testing.assert_close(built.anchor / radius, torch.zeros(dimension).double(), atol=1e-7, rtol=0)
    assert len(built.edges) == 3
    assert built.conjecture is None


@pytest.mark.parametrize(
    ("vertices", "fields"),
    [
        (((0.0, 0.0), (1.0, 0.0), (0.0, 1.0)), []),
        (((0.0, 0.0),), ["vertices"]),
        (((0.0, 0.0), (1.0,)), ["vertices"]),
        (((), ()), ["vertices"]),
        (((0.0, 0.0), (1.0, 1.0), (2.0, 2.0)), ["vertices"]),
        (((0.0, 0.0), (1.0, 0.0), (0.0, 1.0), (1.0, 1.0)), ["vertices"]),
    ],
)
def test_simplex_check(vertices, fields):
    assert blamed(Simplex(vertices=vertices)) == fields


def test_points_that_are_no_simplex_are_a_node_error():
    with pytest.raises(NodeError, match="no simplex"):
        geometry(Simplex(vertices=((0.0, 0.0), (1.0, 1.0), (2.0, 2.0))))


@settings(max_examples=20, deadline=None)
@given(seeds, st.lists(st.integers(-20, 20), min_size=2, max_size=6, unique=True), frames)
def test_a_line_is_sorted_and_straight(seed, places, frame):
    built = geometry(Line(coordinates=tuple(map(float, places)), dimension=3, frame=frame), seed)
    gaps = built.points.diff(dim=0)
    torch.testing.assert_close(gaps.norm(dim=-1), torch.tensor(sorted(places)).diff().double(), **CLOSE)
    units = gaps / gaps.norm(dim=-1, keepdim=True)
    torch.testing.assert_close(units, units[:1].expand_as(units), **CLOSE)
    assert built.separable
    assert built.edges.shape == (0, 3)
    assert built.pattern.sum().item() == len(places) * (len(places) - 1) // 2


@pytest.mark.parametrize("coordinates", [(), (1.0,), (1.0, 1.0), (0.0, 1.0, 0.0)])
def test_a_line_needs_two_distinct_points(coordinates):
    assert blamed(Line(coordinates=coordinates)) == ["coordinates"]


# points from a file

ROWS = np.array([[0.0, 0.0, 0.0], [1.0, 0.0, 0.5], [0.0, 2.0, 0.0]])


@pytest.mark.parametrize("suffix", [".npy", ".csv", ".safetensors"])
def test_every_format_holds_the_same_points(tmp_path, suffix):
    path = tmp_path / f"points{suffix}"
    match suffix:
        case ".npy":
            np.save(path, ROWS)
        case ".csv":
            np.savetxt(path, ROWS, delimiter=",")
        case _:
            save_file({"rows": ROWS, "other": ROWS + 1}, path)
    dataset = PointsFile(path=str(path), key="rows", anchor=1)
    assert not blamed(dataset)
    built = geometry(dataset)
    assert np.array_equal(built.points.numpy(), ROWS)
    assert np.array_equal(built.edges.numpy(), ROWS[[0, 2]] - ROWS[1])
    assert built.cell is not None
    assert built.closed_form is None


def test_dependent_edges_have_no_cell(tmp_path):
    path = tmp_path / "square.npy"
    np.save(path, np.array([[0.0, 0], [1, 0], [0, 1], [1, 1]]))
    assert geometry(PointsFile(path=str(path))).cell is None


def test_points_file_check_knows_formats_and_missing_files(tmp_path):
    (pickled,) = PointsFile(path=str(tmp_path / "a.pt")).check({})
    assert "only .npy, .csv, .safetensors" in pickled.message
    (missing,) = PointsFile(path=str(tmp_path / "a.npy")).check({})
    assert "there is no file" in missing.message


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (ROWS[0], "array of shape"),
        (ROWS[:1], "array of shape"),
        (ROWS[None], "array of shape"),
        (np.where(ROWS == 0.5, np.nan, ROWS), "not finite"),
        (np.where(ROWS == 0.5, np.inf, ROWS), "not finite"),
        (ROWS[[0, 0, 0]], "two points or more"),
        (ROWS.astype(complex), "not real numbers"),
        (ROWS.astype(str), "not real numbers"),
        (np.array([[{}], [{}]], dtype=object), "can't read points"),
    ],
)
def test_bad_arrays_are_node_errors(tmp_path, array, message):
    path = tmp_path / "bad.npy"
    np.save(path, array)
    with pytest.raises(NodeError, match=message):
        geometry(PointsFile(path=str(path)))


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("empty.npy", b""),
        ("pickle.npy", pickle.dumps([[0.0], [1.0]])),
        ("words.csv", b"x,y\n0,1\n"),
        ("ragged.csv", b"0,1\n2\n"),
        ("bytes.csv", b"\xff\xfe\x00"),
        ("noise.safetensors", b"\x00" * 20),
        ("empty.safetensors", b""),
        ("pickle.pt", pickle.dumps([[0.0], [1.0]])),
    ],
)
def test_bad_files_are_node_errors(tmp_path, name, content):
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(NodeError, match="can't read points"):
        geometry(PointsFile(path=str(path)))


def test_an_unclear_key_lists_the_keys(tmp_path):
    path = tmp_path / "two.safetensors"
    save_file({"a": ROWS, "b": ROWS}, path)
    with pytest.raises(NodeError, match=r"one of \['a', 'b'\]"):
        geometry(PointsFile(path=str(path)))


def test_an_anchor_beyond_the_rows_is_refused(tmp_path):
    path = tmp_path / "points.npy"
    np.save(path, ROWS)
    with pytest.raises(NodeError, match="anchor row 3"):
        geometry(PointsFile(path=str(path), anchor=3))


# points that stand in the training set several times


@pytest.mark.parametrize("suffix", [".npy", ".csv"])
def test_a_row_that_stands_twice_is_one_point_with_twice_the_samples(tmp_path, suffix):
    path = tmp_path / f"points{suffix}"
    rows = ROWS[[1, 0, 1, 2, 1]]
    np.save(path, rows) if suffix == ".npy" else np.savetxt(path, rows, delimiter=",")
    training = PointsFile(path=str(path), anchor=2, samples=4).build(context()).value
    assert np.array_equal(training.geometry.points.numpy(), ROWS[[1, 0, 2]])
    assert np.array_equal(training.geometry.anchor.numpy(), ROWS[1])
    assert training.counts == (3, 1, 1)


@pytest.mark.parametrize(
    "dataset",
    [
        Orthogonal(dimension=3, points=3, samples=5, repeats=(1, 4, 2)),
        ObtuseSimplex(dimension=2, points=3, samples=5, repeats=(1, 4, 2)),
        Simplex(vertices=((0.0, 0.0), (1.0, 0.1), (0.2, 1.0)), samples=5, repeats=(1, 4, 2)),
    ],
)
def test_a_repeated_point_has_samples_of_its_own_each_time(dataset):
    assert not blamed(dataset)
    training = dataset.build(context()).value
    samples = training.draw(torch.tensor([0.1, 0.01], dtype=torch.float64))
    assert samples.shape[:3] == (2, 3, training.samples) == (2, 3, 20)
    distinct = [len({tuple(row) for row in cluster.tolist()}) for cluster in samples[0]]
    assert distinct == [5, 20, 10]
    assert blamed(attrs.evolve(dataset, repeats=(1, 2))) == ["repeats"]
    once = attrs.evolve(dataset, repeats=(1, 1, 1)).build(context()).value
    plain = attrs.evolve(dataset, repeats=()).build(context()).value
    assert torch.equal(once.draw(torch.ones(1)), plain.draw(torch.ones(1)))


@pytest.mark.parametrize("length", [1e308, -1e150, 1e-200])
def test_lengths_whose_squares_are_no_numbers_are_refused_before_the_run(length, tmp_path):
    text = f"""
[experiment]
name = "huge"
[dataset.points]
use = "simplex"
vertices = [[0, 0], [{length!r}, 0], [0, {length!r}]]
"""
    path = tmp_path / "huge.toml"
    path.write_text(text)
    with pytest.raises(ExperimentError) as caught:
        Experiment.from_toml(path)
    (problem,) = caught.value.problems
    assert str(problem).startswith(
        f"{path}:6:12: vertices must be zero, or between 1e-100 and 1e+100 in size, found "
    )
    np.save(tmp_path / "points.npy", np.array([[0.0, 0.0], [length, 0.0], [0.0, length]]))
    file = PointsFile(str(tmp_path / "points.npy"))
    with pytest.raises(ExperimentError) as refused:
        Experiment("file", {"dataset.points": file}).run(quiet=True)
    message = str(refused.value)
    assert "the largest coordinate has to be 1e-100 to 1e+100 in size" in message
    assert f"holds {abs(length):g}" in message
