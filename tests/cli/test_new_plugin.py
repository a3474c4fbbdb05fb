"""A new plugin installs, is listed, passes its suite and runs; a name that won't do is said."""

from __future__ import annotations

import shutil
import subprocess
import sysconfig
import tomllib
import venv
import zipfile
from pathlib import Path

import pytest

from flowlab import __version__
from flowlab.api import API_VERSION, KINDS, ExperimentError
from flowlab.registry.registry import Registry
from flowlab.scaffold.new_plugin import Plugin, supported_kinds, write_plugin

ROOT = Path(__file__).parents[2]


def mistakes(name, out, kind="dataset"):
    with pytest.raises(ExperimentError) as caught:
        write_plugin(Plugin(name, kind), out, Registry.installed())
    assert not (out / name / "pyproject.toml").exists()
    return str(caught.value)


@pytest.mark.parametrize("kind", supported_kinds())
def test_its_files_are_named_for_it(kind, tmp_path):
    folder = write_plugin(Plugin("flowlab-my-own", kind), tmp_path / "deep/er", Registry.installed())
    assert {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()} == {
        "pyproject.toml",
        "README.md",
        "my-own.toml",
        "flowlab_my_own/__init__.py",
        "flowlab_my_own/my_own.py",
        "tests/test_my_own.py",
    }
    project = tomllib.loads((folder / "pyproject.toml").read_text())["project"]
    assert project["name"] == "flowlab-my-own"
    assert project["entry-points"] == {
        "flowlab.api": {str(API_VERSION): "flowlab_my_own"},
        f"flowlab.{kind}": {"my-own": "flowlab_my_own.my_own:MyOwn"},
    }
    assert f"flowlab>={__version__}" in project["dependencies"]
    assert not any("$" in path.read_text() for path in folder.rglob("*") if path.is_file())


@pytest.mark.parametrize(
    "name",
    [
        "",
        "Star",
        "2d",
        "flowlab-2d",
        "a_b",
        "a--b",
        "a-",
        "-a",
        "../a",
        "/etc/a",
        "a.b",
        "a b",
        "a\n",
        "a" * 61,
        "ä",
    ],
)
def test_an_invalid_name_is_refused(name, tmp_path):
    assert "small letters" in mistakes(name, tmp_path)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("flowlab-class", "word of Python"),
        ("context", "word of Python or flowlab.api"),
        ("tests", "package 'tests'"),
        ("torch", "package 'torch'"),
        ("flowlab", "package 'flowlab'"),
        ("flowlab-line", "dataset 'line' is installed"),
    ],
)
def test_a_name_that_is_taken_is_refused(name, words, tmp_path):
    assert words in mistakes(name, tmp_path)


def test_a_folder_that_exists_is_left_alone(tmp_path):
    (tmp_path / "star").mkdir()
    (tmp_path / "star/notes").write_text("mine")
    assert "star: exists already" in mistakes("star", tmp_path)
    assert (tmp_path / "star/notes").read_text() == "mine"


def test_every_mistake_is_said_and_the_kinds_that_there_are(flowlab, tmp_path):
    run = flowlab("new-plugin", "Star", "--kind", "datset")
    assert run.returncode == 2
    kind, name = run.stderr.splitlines()
    assert kind.endswith(f"supported: {', '.join(KINDS)} (did you mean 'dataset'?)")
    assert name.startswith("Star: ")
    assert "Traceback" not in run.stderr
    assert supported_kinds() == tuple(KINDS)


def test_a_folder_that_cannot_be_written_is_an_output_error(flowlab, tmp_path):
    (tmp_path / "file").write_text("")
    run = flowlab("new-plugin", "star", "--kind", "dataset", "--out", "file/x")
    assert run.returncode == 4
    assert "can't be written" in run.stderr


@pytest.fixture(scope="module")
def python(tmp_path_factory):
    """The Python of an environment of its own that sees the packages of this one."""
    home = tmp_path_factory.mktemp("environment")
    venv.create(home, with_pip=False)
    (site,) = home.glob("lib/python*/site-packages")
    # so that editable installs of this environment are seen too, which a path alone would not do
    (site / "outer.pth").write_text(f"import site; site.addsitedir({sysconfig.get_path('purelib')!r})\n")
    return home / "bin/python"


@pytest.mark.slow
@pytest.mark.parametrize("kind", supported_kinds())
def test_a_new_plugin_installs_passes_its_suite_and_runs(kind, python, tmp_path):
    def call(*command, cwd=tmp_path):
        run = subprocess.run(
            [python, "-m", *command], cwd=cwd, capture_output=True, text=True, timeout=200, check=False
        )
        assert run.returncode == 0, run.stdout + run.stderr
        return run.stdout

    name = f"flowlab-new-{kind}"
    told = call("flowlab", "new-plugin", name, "--kind", kind)
    assert f"pip install -e '{name}[test]'" in told
    folder = tmp_path / name
    call("pip", "install", "--quiet", "--no-deps", "--no-index", "--no-build-isolation", "-e", name)
    row = next(line for line in call("flowlab", "list-components").splitlines() if f"new-{kind}" in line)
    assert name in row
    assert "passed" in call("pytest", "-W", "error", "-p", "no:cacheprovider", cwd=folder)
    assert f"new-{kind}" in call("flowlab", "run", f"{name}/new-{kind}.toml")


@pytest.mark.slow
def test_the_templates_are_in_the_wheel(python, tmp_path):
    # built from a copy: what an earlier build left beside the sources would end in the wheel
    source = tmp_path / "source"
    shutil.copytree(ROOT / "flowlab", source / "flowlab", ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    options = ("--quiet", "--no-deps", "--no-index", "--no-build-isolation", "-w", str(tmp_path))
    subprocess.run([python, "-m", "pip", "wheel", *options, str(source)], check=True, timeout=200)
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as content:
        held = set(content.namelist())
    sources = {str(path.relative_to(ROOT)) for path in (ROOT / "flowlab/scaffold/templates").rglob("*.txt")}
    assert len(sources) == 3 + 3 * len(supported_kinds())
    assert sources <= held
