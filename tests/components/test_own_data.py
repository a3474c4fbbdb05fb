"""Points of one's own: arrays of images, CSV as spreadsheets write it, folders of images, and damaged files."""

from __future__ import annotations

import io
import json
import os
import pickle
import re
import struct
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from attrs import evolve
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image
from safetensors.numpy import save as save_tensors

from flowlab.api import NodeError, TrainingSet
from flowlab.api.testing.suite import context
from flowlab.components.datasets import points_file as module
from flowlab.components.datasets.image_folder import ImageFolder
from flowlab.components.datasets.points_file import PointsFile

ROWS = np.array([[0.0, 0.0, 0.0], [1.0, 0.0, 0.5], [0.0, 2.0, 0.0]])


def built(dataset: Any) -> TrainingSet:
    value: TrainingSet = dataset.build(context()).value
    return value


def complaints(dataset: Any) -> list[str]:
    return [f"{issue.field}: {issue.message}" for issue in dataset.check({})]


def write_csv(path: Path, text: str, encoding: str = "utf-8") -> PointsFile:
    (path / "points.csv").write_bytes(text.encode(encoding))
    return PointsFile(str(path / "points.csv"))


# images in an array


@pytest.mark.parametrize("shape", [(5, 28, 28), (5, 3, 8, 8), (5, 1, 8, 8)])
@pytest.mark.parametrize("dtype", ["uint8", "float32", ">f8"])
@pytest.mark.parametrize("suffix", [".npy", ".safetensors"])
def test_an_array_of_images_has_a_row_an_image(tmp_path: Path, shape: Any, dtype: str, suffix: str) -> None:
    images = np.random.default_rng(0).integers(0, 256, shape).astype(dtype)
    file = tmp_path / f"images{suffix}"
    if suffix == ".npy":
        np.save(file, images)
    else:
        file.write_bytes(save_tensors({"images": images.astype(images.dtype.newbyteorder("="))}))
    dataset = PointsFile(str(file))
    assert not complaints(dataset)
    training = built(dataset)
    assert training.shape == shape[1:]
    assert np.array_equal(training.geometry.points.numpy(), images.reshape(5, -1).astype(float))


def test_an_array_in_fortran_order_has_the_same_points(tmp_path: Path) -> None:
    np.save(tmp_path / "points.npy", np.asfortranarray(ROWS))
    assert np.array_equal(built(PointsFile(str(tmp_path / "points.npy"))).geometry.points.numpy(), ROWS)


# CSV

TABLE = "x,y,z\n0,0,0\n1,0,.5\n0,2,0\n"


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        (TABLE, "utf-8"),
        (TABLE, "utf-8-sig"),
        (TABLE.replace("\n", "\r\n"), "utf-8-sig"),
        (TABLE.replace(",", ";"), "utf-8"),
        (TABLE.replace(",", "\t"), "utf-8"),
        (TABLE.removeprefix("x,y,z\n"), "utf-8-sig"),
        ("# made by hand\n" + TABLE + "\n\n", "utf-8"),
        ('"x","y, z","w"\n"0","0","0"\n1,0,5e-1\n 0 , 2 ,0\n', "utf-8"),
    ],
)
def test_csv_as_programs_write_it(tmp_path: Path, text: str, encoding: str) -> None:
    dataset = write_csv(tmp_path, text, encoding)
    assert not complaints(dataset)
    assert np.array_equal(built(dataset).geometry.points.numpy(), ROWS)


def test_columns_are_chosen_by_name(tmp_path: Path) -> None:
    text = "label,x,y,n\ncat,0,0,1\ndog,1,0,3\ncat,0,1,1\n"
    dataset = evolve(write_csv(tmp_path, text), columns=("y", "x"), repeats="n")
    assert not complaints(dataset)
    training = built(dataset)
    assert training.geometry.points.tolist() == [[0, 0], [0, 1], [1, 0]]
    assert training.counts == (1, 3, 1)


def test_repeated_rows_and_a_column_of_repeats_add_up(tmp_path: Path) -> None:
    training = built(evolve(write_csv(tmp_path, "x,n\n0,2\n1,1\n0,3\n"), repeats="n"))
    assert training.geometry.points.tolist() == [[0], [1]]
    assert training.counts == (5, 1)


def test_a_line_of_numbers_is_names_only_if_that_is_said(tmp_path: Path) -> None:
    counted = write_csv(tmp_path, "0,1,2\n3,4,5\n6,7,8\n")
    assert "Set header = true or false" in complaints(counted)[0]
    assert len(built(evolve(counted, header=True)).geometry.points) == 2
    assert len(built(evolve(counted, header=False)).geometry.points) == 3


@pytest.mark.parametrize(
    ("text", "keys", "message"),
    [
        (
            ",x,y\n0,1,2\n1,3,4\n",
            {},
            "column 1 has no name, as the index that pandas writes: save it with index=False",
        ),
        ("x,label\n0,cat\n1,dog\n", {}, "line 2, column 'label': 'cat' is no number; leave the column out"),
        ("x;y\n0,5;1\n1,5;2\n", {}, "no number; decimals need a point"),
        ("x,y\n0,1\n2\n", {}, "line 3 has 1 values, and the first has 2"),
        ("x,y\n0,1\n2,\n", {}, "line 3, column 'y': a value is missing"),
        ("x,y\n0,1\n2,1_0\n", {}, "'1_0' is no number"),
        ("x,y\n0,1\n2,nan\n", {}, "row 1 has a value that is not finite"),
        ("x,y\n0,1\n2,1e999\n", {}, "row 1 has a value that is not finite"),
        ("x,y\n", {}, "not two points or more"),
        ("", {}, "it has no values"),
        ("x,y\n0,1\n0,1\n", {}, "all rows are the same point"),
        ("x,n\n0,1\n1,0\n", {"repeats": "n"}, "line 3, column 'n': '0' is no count"),
        ("x,n\n0,1\n1,1.5\n", {"repeats": "n"}, "line 3, column 'n': '1.5' is no count"),
        ("x,n\n0,1\n1,1\n", {"repeats": "m"}, "no column is called 'm', there are: x, n"),
        ("0,1\n1,1\n", {"repeats": "m"}, "its first line has no names of columns"),
        ("x,x\n0,1\n1,1\n", {"columns": ("x",)}, "several columns are called 'x'"),
        ("x,y\n0,1\n1,1\n", {"anchor": 2}, "anchor row 2 of 2 rows"),
    ],
)
def test_what_is_wrong_with_a_csv_file_is_said_before_the_run(
    tmp_path: Path, text: str, keys: dict[str, Any], message: str
) -> None:
    dataset = evolve(write_csv(tmp_path, text), **keys)
    (found,) = complaints(dataset)
    assert message in found
    with pytest.raises(NodeError, match=re.escape(message)):
        built(dataset)


def test_another_encoding_is_named(tmp_path: Path) -> None:
    (found,) = complaints(write_csv(tmp_path, TABLE, "utf-16"))
    assert "save it as CSV in UTF-8" in found


# odd arrays


def npy(header: str, content: bytes = b"") -> bytes:
    text = header.encode("latin-1")
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text + content


def tensor(dtype: str, shape: list[int], content: bytes) -> bytes:
    head = json.dumps({"x": {"dtype": dtype, "shape": shape, "data_offsets": [0, len(content)]}}).encode()
    return struct.pack("<Q", len(head)) + head + content


NESTED = "{'descr': " + "(" * 4000 + ")" * 4000 + ", 'shape': (2, 2), 'fortran_order': False}"


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("float8.safetensors", tensor("F8_E4M3", [2, 2], b"1234"), "type F8_E4M3 are none that numpy has"),
        ("float4.safetensors", tensor("F4", [2, 2], b"12"), "by its content it is no|type F4 are none"),
        ("bfloat.safetensors", tensor("BF16", [2, 2], b"12345678"), "type BF16 .* save tensor.float"),
        ("short.safetensors", tensor("F64", [1 << 40, 2], b"12345678"), "it is no .safetensors file"),
        (
            "huge.npy",
            npy("{'descr': '<f8', 'shape': (1152921504606846976, 2), 'fortran_order': False}", b"12345678"),
            "and the file has 8",
        ),
        ("nested.npy", npy(NESTED), "the head of this .npy file can't be read"),
        ("token.npy", npy("{'descr': '<f8', 'shape': (2L, ((("), "the head of this .npy file can't be read"),
        ("shape.npy", npy("{'descr': '<f8', 'shape': (2, -2), 'fortran_order': False}"), "its head has no shape"),
        ("structured.npy", npy("{'descr': [('a', '<f8')], 'shape': (2,)}", b"1" * 16), "not real numbers"),
        ("time.npy", npy("{'descr': '<M8[s]', 'shape': (2, 1)}", b"1" * 16), "not real numbers"),
        ("list.npy", npy("[]"), "not real numbers"),
        ("tail.npy", npy("{'descr': '<f8', 'shape': (2, 1)}", b"1" * 17), "has 16 bytes, and the file has 17"),
    ],
)
def test_odd_files_are_refused_in_our_own_words(tmp_path: Path, name: str, content: bytes, message: str) -> None:
    (tmp_path / name).write_bytes(content)
    dataset = PointsFile(str(tmp_path / name))
    (found,) = complaints(dataset)
    assert re.search(message, found)
    with pytest.raises(NodeError, match=message):
        built(dataset)


class Payload:
    """Leaves a folder behind where it is unpickled."""

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return (os.mkdir, ("executed",))


def saved(array: Any, allow_pickle: bool = False) -> bytes:
    stream = io.BytesIO()
    np.save(stream, array, allow_pickle=allow_pickle)
    return stream.getvalue()


SEEDS = {
    ".npy": [saved(ROWS), saved(np.zeros((2, 2, 2), "<f4")), saved(np.array([Payload(), 1], object), True)],
    ".csv": [TABLE.encode(), b"0,0\n1,2\n", b"\xef\xbb\xbfx;n\n0;1\n1;2\n"],
    ".safetensors": [
        save_tensors({"x": ROWS}),
        tensor("F8_E4M3", [2, 2], b"1234"),
        tensor("F16", [2, 1], b"12" * 2),
    ],
}
FOREIGN = [
    pickle.dumps(Payload()),
    b"PK\x03\x04",
    b"\x93NUMPY",
    b"{'descr': '|O', 'shape': (1,)}",
    b"(" * 300,
    b"\0" * 9,
]
# how Python, numpy and safetensors speak
THEIR_WORDS = re.compile(
    r"\b\w*(Error|Exception|Traceback)\b|has no attribute|could not convert|codec can't|invalid literal"
)


@st.composite
def mutated_files(draw: st.DrawFn) -> tuple[str, bytes]:
    suffix = draw(st.sampled_from(list(SEEDS)))
    content = bytearray(draw(st.sampled_from(SEEDS[suffix])))
    for _ in range(draw(st.integers(0, 4))):
        place = draw(st.integers(0, len(content)))
        match draw(st.integers(0, 3)):
            case 0:
                content[place : place + 1] = draw(st.binary(min_size=1, max_size=1))
            case 1:
                content[place : place + draw(st.integers(1, 40))] = b""
            case 2:
                content[place:place] = draw(st.sampled_from(FOREIGN))
            case _:
                content[place:place] = draw(
                    st.sampled_from([b"9" * 30, b"(", b"'", b"\\N{x}", b'"', b",", b"nan", b"-"])
                )
    return suffix, bytes(content)


@settings(max_examples=600, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(mutated_files(), st.sampled_from([None, "x"]), st.sampled_from(["auto", 0, 1, 2]))
def test_a_mutated_file_is_read_or_refused_in_our_own_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mutated: tuple[str, bytes], name: str | None, anchor: Any
) -> None:
    monkeypatch.chdir(tmp_path)
    suffix, content = mutated
    (tmp_path / f"p{suffix}").write_bytes(content)
    keys = {"repeats": "n"} if suffix == ".csv" and name else {}
    dataset = PointsFile(f"p{suffix}", key=name, anchor=anchor, **keys)
    found = complaints(dataset)
    assert not [text for text in found if THEIR_WORDS.search(text)]
    if found:
        with pytest.raises(NodeError) as refused:
            built(dataset)
        assert not THEIR_WORDS.search(str(refused.value))
    else:
        try:
            points = built(dataset).geometry.points
        except NodeError as refusal:
            if "move the points nearer to the origin" not in str(refusal):
                raise  # what the run's dtype decides is all that `check` can't know
            return
        assert len(points) >= 2
        assert bool(torch.isfinite(points).all())
    assert not Path("executed").exists()


def test_check_imports_no_torch_and_reads_the_head_of_a_large_file_alone(tmp_path: Path) -> None:
    header = "{'descr': '<f8', 'shape': (10000, 1000), 'fortran_order': False}"
    with (tmp_path / "large.npy").open("wb") as file:
        file.write(npy(header))
        file.truncate(len(npy(header)) + 8 * 10_000_000)  # holes: zeros that take no place
    np.save(tmp_path / "small.npy", ROWS)
    code = """
import sys, time
from flowlab.components.datasets.points_file import PointsFile
start = time.perf_counter()
for name in sys.argv[1:]:
    assert not list(PointsFile(name).check({}))
assert "torch" not in sys.modules
print(time.perf_counter() - start)
"""
    files = [str(tmp_path / name) for name in ("large.npy", "small.npy")]
    ended = subprocess.run([sys.executable, "-c", code, *files], check=True, capture_output=True, text=True)
    assert float(ended.stdout) < 2
    assert complaints(PointsFile(files[0], anchor=10_000)) == [
        "anchor: anchor row 10000 of 10000 rows; the first is row 0"
    ]


def test_the_largest_file_that_check_reads_whole_takes_seconds(tmp_path: Path) -> None:
    values = np.random.default_rng(0).normal(size=(1000, module._CHECKED_BYTES // 10_000))
    np.savetxt(tmp_path / "points.csv", values, delimiter=",", fmt="%.6f")
    assert (tmp_path / "points.csv").stat().st_size <= module._CHECKED_BYTES
    start = time.perf_counter()
    assert not complaints(PointsFile(str(tmp_path / "points.csv")))
    assert time.perf_counter() - start < 10


# the anchor


@pytest.mark.parametrize("row", [0, 3, 5])
@pytest.mark.parametrize("kind", ["orthogonal", "obtuse"])
def test_sums_start_at_the_row_where_all_edges_meet_at_wide_angles(tmp_path: Path, row: int, kind: str) -> None:
    edges = np.eye(5) * [1, 2, 3, 4, 5]
    if kind == "obtuse":
        edges -= 0.05
    points = np.insert(edges, row, 0, axis=0) + 7
    np.save(tmp_path / "points.npy", points)
    dataset = PointsFile(str(tmp_path / "points.npy"))
    result = dataset.build(context())
    assert result.metrics["anchor"] == row
    assert result.metrics["edges_wide"]
    assert result.value.geometry.anchor.tolist() == points[row].tolist()
    fixed = evolve(dataset, anchor=1).build(context())
    assert fixed.metrics["anchor"] == 1
    assert not fixed.metrics["edges_wide"]
    assert "less than 90 degrees" in dataset.headline(fixed)


def test_points_without_such_a_row_start_at_the_first(tmp_path: Path) -> None:
    np.save(tmp_path / "points.npy", np.array([[0.0, 0], [1, 0], [0, 1], [1, 1]]))
    result = PointsFile(str(tmp_path / "points.npy")).build(context())
    assert result.metrics["anchor"] == 0
    assert not result.metrics["edges_wide"]


# folders


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "faces"
    (folder / "b").mkdir(parents=True)
    colours = np.random.default_rng(0).integers(0, 256, (4, 6, 5, 3), dtype=np.uint8)
    for name, image in zip(("a.png", "b/c.png", "b/d.PNG", "z.bmp"), colours, strict=True):
        Image.fromarray(image).save(folder / name, format="BMP" if name.endswith("bmp") else "PNG")
    (folder / "read.me").write_text("no image")
    (folder / ".a.png").write_text("hidden")
    return folder


def test_a_folder_has_a_point_an_image(folder: Path) -> None:
    grey, colour = ImageFolder(str(folder)), ImageFolder(str(folder), channels="colour", most=3)
    assert not complaints(grey)
    assert not complaints(colour)
    assert built(grey).shape == (6, 5)
    assert built(colour).shape == (3, 6, 5)
    points = built(colour).geometry.points.numpy()
    with Image.open(folder / "b/c.png") as image:
        assert np.array_equal(points[1], np.asarray(image).transpose(2, 0, 1).ravel() / 255)
    assert built(grey).geometry.points.shape == (4, 30)


def test_sixteen_bits_are_read_whole(folder: Path) -> None:
    for file in folder.rglob("*.*"):
        file.unlink()
    for value in (1000, 65535):
        Image.fromarray(np.full((6, 5), value, dtype=np.uint16)).save(folder / f"{value}.png")
    assert built(ImageFolder(str(folder))).geometry.points[:, 0].tolist() == [1000 / 65535, 1]


def test_images_that_make_no_points_are_refused(folder: Path) -> None:
    assert "there is no folder" in complaints(ImageFolder(str(folder / "none")))[0]
    assert complaints(ImageFolder(str(folder), anchor=4)) == ["anchor: anchor row 4 of 4 rows; the first is row 0"]
    Image.new("RGB", (7, 6)).save(folder / "wide.png")
    assert "wide.png' has 7 x 6 pixels, and 'a.png' has 5 x 6" in complaints(ImageFolder(str(folder)))[0]
    (folder / "wide.png").write_bytes(b"%!PS-Adobe-3.0 EPSF-3.0\n")  # a program, to some readers
    assert "wide.png' can't be read as an image" in complaints(ImageFolder(str(folder)))[0]
    for file in folder.rglob("*.*"):
        file.unlink()
    assert "has 0 images" in complaints(ImageFolder(str(folder)))[0]
