"""Datasets: the points they lay, the rules they keep, and what they refuse.

Tolerance: lengths, angles and inner products of points of order one in float64 are rounded to 1e-15; 1e-12
leaves room for a QR and a Cholesky factor in 30 dimensions.
"""

import math
import pickle

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.numpy import save_file

from flowlab.api import Context, NodeError
from flowlab.components.datasets.equilateral_triangle import EquilateralTriangle
from flowlab.components.datasets.line import Line
from flowlab.components.datasets.obtuse_simplex import ObtuseSimplex
from flowlab.components.datasets.orthogonal import Orthogonal
from flowlab.components.datasets.points_file import PointsFile
from flowlab.components.datasets.simplex import Simplex

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
    assert "conjectured" in built.conjecture


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
        (ROWS[[0, 1, 0]], "same point twice"),
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
