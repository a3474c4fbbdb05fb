"""What a person has who installed the wheel alone: experiments, listed, copied and run from an empty folder."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SHIPPED = sorted(path.name for path in (ROOT / "experiments").glob("*.toml"))
Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The repository without what git or a build leave there."""
    folder = tmp_path_factory.mktemp("sources") / "flowlab"
    folder.mkdir()
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, folder)
    for name in ("flowlab", "experiments"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__", "locks"))
    return folder


@pytest.fixture(scope="module")
def wheel(sources: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, made as pip makes it."""
    folder = tmp_path_factory.mktemp("wheel")
    options = ["-q", "--no-deps", "--no-build-isolation", "--disable-pip-version-check", "-w", folder]
    subprocess.run([sys.executable, "-m", "pip", "wheel", *options, sources], check=True, timeout=200)
    [file] = folder.glob("*.whl")
    return file


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The command of a fresh environment with this wheel; all else comes from the environment of the tests."""
    venv = tmp_path_factory.mktemp("fresh") / "venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", venv], check=True)
    [site] = venv.glob("lib/python*/site-packages")
    others = [path for path in sys.path if path.endswith("site-packages")]
    (site / "zz-others.pth").write_text("\n".join(others) + "\n")
    options = ["-q", "--no-deps", "--force-reinstall", "--disable-pip-version-check"]
    subprocess.run(
        [sys.executable, "-m", "pip", "--python", venv / "bin/python", "install", *options, wheel],
        check=True,
        timeout=200,
    )
    return venv / "bin/flowlab"


@pytest.fixture
def flowlab(installed: Path, tmp_path: Path) -> Run:
    """Run the installed command in an empty folder."""

    def call(*arguments: str) -> subprocess.CompletedProcess[str]:
        environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
        return subprocess.run(
            [installed, *arguments],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            timeout=200,
            check=False,
        )

    return call


def test_the_wheel_has_each_experiment_once_and_nothing_at_its_top(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    shipped = [name for name in names if name.startswith("flowlab/experiments/")]
    assert sorted(name.rpartition("/")[2] for name in shipped if name.endswith(".toml")) == SHIPPED
    assert "flowlab/experiments/square.csv" in shipped
    assert {name.partition("/")[0] for name in names} == {
        "flowlab",
        wheel.name.rpartition("-py3")[0] + ".dist-info",
    }


def test_a_source_distribution_has_them_too(sources: Path, tmp_path: Path) -> None:
    script = f"from setuptools.build_meta import build_sdist; build_sdist({str(tmp_path)!r})"
    subprocess.run([sys.executable, "-c", script], cwd=sources, check=True, timeout=200, stdout=subprocess.DEVNULL)
    [file] = tmp_path.glob("*.tar.gz")
    with tarfile.open(file) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert {f"experiments/{name}" for name in SHIPPED} <= names


def test_they_are_listed_and_copied_with_their_data(flowlab: Run, tmp_path: Path, installed: Path) -> None:
    listed = flowlab("examples")
    assert listed.returncode == 0, listed.stderr
    names = [line.split()[0] for line in listed.stdout.splitlines() if line][:-1]
    assert names == [name.removesuffix(".toml") for name in SHIPPED]
    assert "simplex               Where diffusion flows end on an obtuse simplex\n" in listed.stdout
    copied = flowlab("examples", "certified")
    assert (copied.returncode, copied.stdout) == (0, "experiments/certified.toml\nexperiments/square.csv\n")
    for name in ("certified.toml", "square.csv"):
        assert (tmp_path / "experiments" / name).read_bytes() == (ROOT / "experiments" / name).read_bytes()
    checked = flowlab("check", "experiments/certified.toml")
    assert checked.returncode == 0, checked.stderr
    assert flowlab("examples", "certified").returncode == 0  # the same again
    (tmp_path / "experiments/certified.toml").write_text("mine")
    again = flowlab("examples", "certified")
    assert again.returncode == 2
    assert again.stderr.startswith("experiments/certified.toml: is there already with other content")
    assert (tmp_path / "experiments/certified.toml").read_text() == "mine"
    everything = flowlab("examples", "--all", "--out", "all")
    assert len(everything.stdout.splitlines()) == len(list((tmp_path / "all").iterdir()))
    assert sorted(path.name for path in (tmp_path / "all").glob("*.toml")) == SHIPPED


def test_one_runs_by_its_name(flowlab: Run, tmp_path: Path, installed: Path) -> None:
    ran = flowlab("run", "simplex", "--only", "flow.pf-theory", "--quiet")
    assert ran.returncode == 0, ran.stderr
    summary = json.loads((tmp_path / "runs/simplex-flow.pf-theory/summary.json").read_text())
    assert Path(summary["experiment"]["file"]).is_relative_to(installed.parents[1])
    assert summary["nodes"]["flow"]["pf-theory"]["status"] == "done"


def test_a_mistyped_name_says_what_to_do(flowlab: Run, tmp_path: Path) -> None:
    for command in ("run", "check", "plan"):
        missing = flowlab(command, "simplx")
        assert missing.returncode == 2
        assert missing.stderr == (
            "simplx: there is no such file, and no experiment of this name comes with flowlab; "
            "'flowlab examples' lists them (did you mean 'simplex'?)\n"
        )
    assert flowlab("run", "simplx.toml").stderr == "simplx.toml:1:1: there is no such file\n"
    assert flowlab("examples", "simplx").stderr.endswith("(did you mean 'simplex'?)\n")
    assert list(tmp_path.iterdir()) == []


def test_a_file_here_goes_before_one_that_comes_with_flowlab(flowlab: Run, tmp_path: Path) -> None:
    (tmp_path / "simplex").write_text("[experiment]\nname = 'mine'\n")
    assert flowlab("check", "simplex").stdout == "simplex: ok, 0 nodes\n"


def test_an_editable_install_has_those_of_the_repository() -> None:
    from flowlab.scaffold.examples import examples_folder, find_examples

    assert examples_folder() == ROOT / "experiments"
    assert sorted(path.name for path in find_examples().values()) == SHIPPED
