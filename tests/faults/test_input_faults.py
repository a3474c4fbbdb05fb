"""Experiments, names and files that are refused: exit code 2, with the place, before any work."""

from __future__ import annotations

import io
import itertools
import os
import pickle
import re
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pytest
import torch
from built_in import BUILT_IN

from flowlab.api import ExperimentError
from flowlab.graph.graph import load_graph

Run = Callable[..., "subprocess.CompletedProcess[str]"]
REGISTRY = BUILT_IN
HEAD = '[experiment]\nname = "x"\n'
BOX = '[dataset.box]\nuse = "orthogonal"\ndimension = 4\npoints = 3\n'


def complaints(file: Path) -> list[str]:
    """What is said of a file, without its name, within a second."""
    start = time.monotonic()
    with pytest.raises(ExperimentError) as caught:
        load_graph(file, (), REGISTRY)
    assert time.monotonic() - start < 1
    return [str(problem).removeprefix(f"{file}:") for problem in caught.value.problems]


def written(folder: Path, text: bytes | str, name: str = "x.toml") -> Path:
    file = folder / name
    file.write_bytes(text.encode() if isinstance(text, str) else text)
    return file


BROKEN = [
    (b"", "1:1", r"an experiment needs a table \[experiment\]"),
    (b"x = 1\ny = \n", "2:5", "not valid TOML"),
    (b"x = 1\nx = 2\n", "2:6", "has a value already"),
    (b"[t]\n[t]\n", "2:", "twice"),
    (b"x = 1\ny = 'open\n", "3:1", "not valid TOML"),
    (b"x = [1, 2\n", "", "not valid TOML"),
    (b"x = 01\n", "1:", "not valid TOML"),
    (b"x = 2020-13-41\n", "1:", "not valid TOML"),
    (b"x = 1 y = 2\n", "1:", "not valid TOML"),
    (b"\xff", "1:1", r"not UTF-8 text \(byte 0\)"),
    (b"a = 1\nb = '\xff'\n", "2:6", r"not UTF-8 text \(byte 11\)"),
    ("x = 1".encode("utf-16"), "1:1", "not UTF-8"),
    (b"a = 1\nb = \x00", "2:5", "not valid TOML"),
    (b"x = '\0'", "1:", "not valid TOML: Found invalid character"),
]


@pytest.mark.parametrize(("text", "place", "words"), BROKEN)
def test_row_15_invalid_toml_has_a_place(tmp_path: Path, text: bytes, place: str, words: str) -> None:
    first = complaints(written(tmp_path, text))[0]
    assert first.startswith(place)
    assert re.match(r"\d+:\d+: ", first)
    assert re.search(words, first)


def test_row_15_missing_files_and_folders(tmp_path: Path) -> None:
    assert complaints(tmp_path / "none.toml") == ["1:1: there is no such file"]
    assert complaints(tmp_path) == ["1:1: Is a directory"]
    with pytest.raises(ExperimentError, match="null byte"):
        load_graph(tmp_path / "nul\0.toml", (), REGISTRY)


MONSTERS = [
    (b"y = 1\nx = " + b"[" * 500, "2:", ""),
    (b"[" * 1_000_000, "1:", ""),
    (b"x = " + b"[\n" * 700 + b"]\n" * 700, "", ""),
    (b"x = " + b"{a=" * 300 + b"1" + b"}" * 300, "1:1", "nested deeper"),
    (b"y = 1\nx = " + b"9" * 5000, "2:5", "a number of 5000 digits"),
    (b"x = 0x" + b"f" * 5000, "1:", ""),
    (b"y = 1\n" + b".".join([b"a"] * 900) + b" = 1", "2:1", "nested deeper"),
    (b"y = 1\n" + b".".join([b"a"] * 100_000) + b" = 1", "2:1", "TOML key has more than"),
    (b"[" + b".".join([b"a"] * 100_000) + b"]\n", "1:1", ""),
    (b"#" * (1 << 21), "1:1", "more than 1048576 bytes"),
]


@pytest.mark.parametrize(("text", "place", "words"), MONSTERS)
def test_row_16_monsters_are_refused_within_a_second(tmp_path: Path, text: bytes, place: str, words: str) -> None:
    first = complaints(written(tmp_path, text))[0]
    assert first.startswith(place)
    assert words in first


def test_row_15_16_the_command_line_refuses_all_of_them_at_once(flowlab: Run, tmp_path: Path) -> None:
    files = [written(tmp_path, text, f"{number}.toml") for number, (text, *_) in enumerate([*BROKEN, *MONSTERS])]
    done = flowlab("check", *files)
    assert (done.returncode, done.stdout) == (2, "")
    assert "Traceback" not in done.stderr
    assert {line.partition(".toml:")[0] for line in done.stderr.splitlines()} == {
        str(file.with_suffix("")) for file in files
    }


FAULTY = """\
[experiment]
name = "good"

[dataset.box]
use = "orthogonal"
dimensoin = 4
points = 3

[schedule.ve]
use = "variance-exploding"
final_time = nan
levels = "4"

[denoiser.theory]
use = "closed-from"
dataset = "box"
schedule = "ve"

[denoiser.one]
use = "spliced"
low = "two"
high = "two"

[denoiser.two]
use = "spliced"
low = "one"
high = "one"

[integrator.ddim]
use = "ddim"

[flow.pf]
use = "probability"
denoiser = "theory"
integrator = "dimm"

[classifier.ends]
use = "stable-points"
flow = ["pf"]
threshold = inf
"""


def test_row_17_all_mistakes_at_once_with_the_nearest_names(tmp_path: Path) -> None:
    found = complaints(written(tmp_path, FAULTY))
    assert [line for line in found if "circle" not in line] == [
        "4:1: 'orthogonal' needs 'dimension': ambient dimension d",
        "6:1: 'dimensoin' is no parameter of 'orthogonal' (did you mean 'dimension'?)",
        "11:14: final_time must be a number, found nan",
        "12:10: levels must be an integer, found the string '4'",
        "15:7: no denoiser is called 'closed-from'; there are: closed-form, empirical-mmse, shallow-relu, "
        "spliced, torch-module (did you mean 'closed-form'?)",
        "35:14: integrator = 'dimm' names no [integrator.dimm] (did you mean 'ddim'?)",
        "40:13: threshold must be a number, found inf",
    ]
    [circle] = [line for line in found if "circle" in line]
    assert re.match(r"(19|24):1: a circle of references: denoiser\.(one|two)", circle)


def values(count: int) -> str:
    return f"[{', '.join(f'{index}.5' for index in range(count))}]"


PARTS = f"""{HEAD}{BOX}
[schedule.ve]
use = "variance-exploding"
final_time = 0.01
levels = 3
[denoiser.h]
use = "closed-form"
dataset = "box"
schedule = "ve"
[integrator.i]
use = "ddim"
[flow.f]
use = "probability"
denoiser = "h"
integrator = "i"
"""
SWEPT = {
    # one table, a product of its lists
    "1010000 combinations": f'[sweep.a]\n"dataset.box.norm" = {values(1000)}\n'
    f'"schedule.ve.final_time" = {values(1010)}\n',
    # two tables that meet in one node
    "1000004 nodes": f'[sweep.a]\n"dataset.box.norm" = {values(1000)}\n'
    f'[sweep.b]\n"dataset.box.samples" = {list(range(1, 1001))}\n',
    # two tables that meet in the nodes that need both: a denoiser and a flow
    "2002001 nodes": f'[sweep.a]\n"dataset.box.norm" = {values(1000)}\n'
    f'[sweep.b]\n"schedule.ve.final_time" = {values(1000)}\n',
}
# Answers as the command line does, and tells the most memory it ever took, in MiB.
MEASURED = """
import resource, sys
from flowlab.cli.app import main

try:
    main()
finally:
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="reads the memory taken in KiB")
@pytest.mark.parametrize("count", SWEPT)
def test_row_18_a_sweep_beyond_a_million_nodes_is_counted_not_built(tmp_path: Path, count: str) -> None:
    def checked(text: str) -> tuple[int, str, float]:
        command = [sys.executable, "-c", MEASURED, "check", str(written(tmp_path, text))]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
        return done.returncode, done.stderr, float(done.stdout.splitlines()[-1])

    code, _, usual = checked(PARTS)
    assert code == 0
    start = time.monotonic()
    code, error, taken = checked(PARTS + SWEPT[count])
    assert code == 2
    assert count in error
    assert "at most 100000" in error
    # a node takes more than a hundred bytes, a million of them a hundred MiB
    assert taken - usual < 50
    assert time.monotonic() - start < 20


@pytest.mark.parametrize("name", ["../x", "/etc/x", "a/b", ".hidden", "a\\u0000b", "x" * 300, "", "x\\ny"])
def test_row_19_names_that_are_no_names(tmp_path: Path, name: str) -> None:
    text = f'[experiment]\nname = "{name}"\n[dataset."{name}"]\nuse = "line"\n'
    found = complaints(written(tmp_path, text))
    rule = "must be 1 to 100 letters, digits, '_', '-' or '.', the first a letter or digit, found"
    assert [line[: line.index(rule)] for line in found] == ["2:8: name ", "3:1: a node's name "]


def test_row_19_names_on_the_command_line(flowlab: Run, experiment: Path, tmp_path: Path) -> None:
    before = set(tmp_path.rglob("*"))
    done = flowlab("run", experiment, "--set", "experiment.name=../x")
    assert done.returncode == 2
    assert done.stderr.startswith("--set experiment.name: name must be 1 to 100 letters")
    assert set(tmp_path.rglob("*")) == before


@pytest.mark.slow
@pytest.mark.parametrize("inner", ["tables", "figures", "checkpoints"])
def test_row_19_a_link_that_leads_out(flowlab: Run, experiment: Path, tmp_path: Path, inner: str) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "mine").write_text("mine")
    (tmp_path / "o").mkdir()
    (tmp_path / "o" / inner).symlink_to(outside)
    done = flowlab("run", experiment, "--out", "o")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f"o/{inner}: leads out of the run's folder, to {outside}\n"
    assert [path.name for path in outside.iterdir()] == ["mine"]


def test_row_19_a_file_that_is_a_link_is_replaced_and_not_followed(
    flowlab: Run, experiment: Path, tmp_path: Path
) -> None:
    outside = written(tmp_path, "mine", "outside")
    (tmp_path / "o").mkdir()
    for name in ("summary.json", "lock.toml", "report.html"):
        (tmp_path / "o" / name).symlink_to(outside)
    assert flowlab("run", experiment, "--out", "o").returncode == 0
    assert outside.read_text() == "mine"
    assert not (tmp_path / "o/summary.json").is_symlink()


@pytest.mark.slow
def test_row_19_a_long_swept_name_makes_a_file(flowlab: Run, experiment: Path, tmp_path: Path) -> None:
    names = [letter * 100 for letter in "pq"]
    tables = "".join(f'[dataset.{name}]\nuse = "made-source"\n' for name in names)
    sweeps = "".join(f'[sweep.{figure}]\n"figure.{figure}.dataset" = {names}\n' for figure in "fg")
    experiment.write_text(experiment.read_text() + tables + sweeps)
    done = flowlab("run", experiment, "--set", f"experiment.name={'n' * 100}")
    assert done.returncode == 0, done.stderr
    assert len(list((tmp_path / "runs" / ("n" * 100) / "figures").glob("*.png"))) == 4


class Payload:
    """Leaves a file behind where it is unpickled."""

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return (os.mkdir, ("executed",))


def foreign(form: str) -> bytes:
    """A file that runs the payload in whoever unpickles it."""
    stream = io.BytesIO()
    if form == "torch":
        torch.save({"x": Payload()}, stream)
    elif form == "objects":
        np.save(stream, np.array([Payload(), 1], dtype=object), allow_pickle=True)
    else:
        pickle.dump(Payload(), stream)
    return stream.getvalue()


@pytest.mark.parametrize(
    ("form", "suffix"),
    [*itertools.product(("torch", "pickle"), (".pt", ".pkl", ".safetensors", ".npy")), ("objects", ".npy")],
)
def test_row_20_a_pickle_is_never_opened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, form: str, suffix: str
) -> None:
    monkeypatch.chdir(tmp_path)
    written(tmp_path, foreign(form), f"p{suffix}")
    found = complaints(written(tmp_path, f'{HEAD}[dataset.d]\nuse = "points-file"\npath = "p{suffix}"\n'))
    assert len(found) == 1
    assert found[0].startswith("5:1: path: only .npy, .csv, .safetensors files hold points")
    assert not Path("executed").exists()


@pytest.mark.slow
def test_row_20_a_pickle_in_the_store_is_set_aside(
    flowlab: Run, environment: Mapping[str, str], experiment: Path, tmp_path: Path
) -> None:
    long = ("--set", "dataset.a.nap=0.2")
    assert flowlab("run", experiment, *long).returncode == 0
    [file] = (tmp_path / "runs/.store").glob("*.safetensors")
    file.write_bytes(foreign("pickle"))
    again = flowlab("run", experiment, *long)
    assert again.returncode == 0
    assert "damaged" in again.stderr
    assert "dataset.a is computed again, and the file is now in runs/.store/quarantine" in again.stderr
    assert not (tmp_path / "executed").exists()
