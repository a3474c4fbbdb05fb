"""`flowlab doctor`, and the hints that lead to it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest
from site_packages import STAR, SitePackages

PROJECT = """
[build-system]
requires = ["setuptools"]
build-backend = "setuptools.build_meta"

[project]
name = "stars"
version = "1.0"

[tool.setuptools]
py-modules = ["stars"]
"""
POINTS = "[flowlab.dataset]\nstar = stars:Star\n"
TABLE = '\n[project.entry-points."flowlab.dataset"]\nstar = "stars:Star"\n'


def mends(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.startswith("    ")]


def experiment(folder: Path) -> Path:
    file = folder / "x.toml"
    file.write_text('[experiment]\nname = "x"\n\n[dataset.d]\nuse = "star"\n')
    return file


def test_all_is_well(site: SitePackages, tmp_path: Path) -> None:
    sources = tmp_path / "stars"
    site.add("stars", POINTS, {"stars.py": STAR, "pyproject.toml": PROJECT + TABLE}, editable=sources)
    done = site.flowlab("doctor", OMP_NUM_THREADS="1")
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert lines[0].startswith("flowlab ")
    assert lines[1].startswith("torch ")
    assert lines[1].endswith("threads 1")
    assert (
        int(re.fullmatch(r"\d+ components of (\d+) distributions", lines[2])[1]) >= 2
    )  # more where more is installed
    assert lines[-1] == "all is well"


def test_an_entry_point_added_after_an_editable_install(site: SitePackages, tmp_path: Path) -> None:
    sources = tmp_path / "my stars"
    modules = {"stars.py": STAR, "pyproject.toml": PROJECT + TABLE}
    site.add("stars", "[flowlab.flow]\nold = stars:Old\n", modules, editable=sources)
    done = site.flowlab("doctor")
    assert done.returncode == 1
    changes = "flowlab.dataset 'star' was added, flowlab.flow 'old' was removed"
    assert f"{sources}/pyproject.toml was edited after it was installed: {changes}" in done.stdout
    assert f"{sys.executable} -m pip install --no-deps -e '{sources}'" in mends(done.stdout)
    file = experiment(tmp_path)
    run = site.flowlab("run", file)
    hint = f"{sources}/pyproject.toml has it, but was installed without it; `flowlab doctor` tells more"
    assert (run.returncode, run.stderr) == (2, f"{file}:5:7: no dataset is called 'star'; {hint}\n")
    assert "`flowlab doctor` tells more" in site.flowlab("describe", "star").stderr


@pytest.mark.slow
def test_the_command_that_mends_a_stale_install_mends_it(tmp_path: Path) -> None:
    sources = tmp_path / "sources"  # not the module's name: the folder would be found first
    sources.mkdir()
    (sources / "stars.py").write_text(STAR)
    (sources / "pyproject.toml").write_text(PROJECT)
    venv = tmp_path / "venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", venv], check=True)
    python = venv / "bin/python"
    (library,) = venv.glob("lib/python*/site-packages")
    # what is installed here is seen there, but not written to
    (library / "outer.pth").write_text("".join(f"import site; site.addsitedir({path!r})\n" for path in _sites()))

    def call(*command: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([python, *command], cwd=tmp_path, capture_output=True, text=True, check=False)

    def install() -> None:
        options = ("--no-index", "--no-deps", "--no-build-isolation", "--quiet")
        done = call("-m", "pip", "install", *options, "-e", str(sources))
        assert done.returncode == 0, done.stderr

    install()
    assert call("-m", "flowlab", "doctor").returncode == 0
    (sources / "pyproject.toml").write_text(PROJECT + TABLE)
    stale = call("-m", "flowlab", "doctor")
    assert (stale.returncode, mends(stale.stdout)) == (
        1, [f"{python} -m pip install --no-deps -e {sources}"],
    )  # fmt: skip
    assert call("-m", "flowlab", "check", str(experiment(tmp_path))).returncode == 2
    install()
    assert call("-m", "flowlab", "doctor").returncode == 0
    assert call("-m", "flowlab", "check", str(experiment(tmp_path))).returncode == 0


def _sites() -> list[str]:
    return [path for path in sys.path if os.path.basename(path) == "site-packages"]


def test_an_unreadable_project_and_a_folder_that_is_gone(site: SitePackages, tmp_path: Path) -> None:
    site.add("torn", "", {"pyproject.toml": "[project\n"}, editable=tmp_path / "torn")
    site.add("bytes", "", {"pyproject.toml": b"\xff"}, editable=tmp_path / "bytes")
    site.add("odd", "", {"pyproject.toml": "[project]\nentry-points = 3\n"}, editable=tmp_path / "odd")
    site.add("gone", "", {"pyproject.toml": PROJECT}, editable=tmp_path / "gone")
    shutil.rmtree(tmp_path / "gone")
    site.add("setup-py", POINTS, {"setup.py": "", "stars.py": STAR}, editable=tmp_path / "setup-py")
    dynamic = PROJECT.replace('version = "1.0"', 'version = "1.0"\ndynamic = ["entry-points"]')
    site.add("dynamic", "", {"pyproject.toml": dynamic}, editable=tmp_path / "dynamic")
    done = site.flowlab("doctor")
    assert (done.returncode, done.stderr) == (1, "")
    for name in ("torn", "bytes", "odd"):
        assert f"{tmp_path}/{name}/pyproject.toml can't be read: " in done.stdout
    assert f"its folder {tmp_path}/gone is gone" in done.stdout
    assert len(mends(done.stdout)) == 4
    assert site.flowlab("list-components").returncode == 0


def test_broken_plugins(site: SitePackages, tmp_path: Path) -> None:
    both = "[flowlab.dataset]\none = lost:Star\ntwo = lost:Star\n"
    site.add("lost", both, {"lost.py": "import no_such_package\n" + STAR})
    site.add("edited", "[flowlab.dataset]\nthree = edited:Star\n", {"edited.py": "import no_such_package\n"},
             editable=tmp_path / "edited")  # fmt: skip
    site.add("exiting", "[flowlab.dataset]\nfour = exiting:Star\n", {"exiting.py": "raise SystemExit(0)\n"})
    site.add("twin", "[flowlab.dataset]\nline = twin:Star\n", {"twin.py": STAR})
    site.add("newer", "[flowlab.api]\n3 = newer\n[flowlab.dataset]\nfive = newer:Star\n", {"newer.py": STAR})
    site.add("older", "[flowlab.api]\n1 = older\n[flowlab.dataset]\nsix = older:Star\n", {"older.py": STAR})
    site.add("bad-bytes", b"\xff")
    done = site.flowlab("doctor")
    assert (done.returncode, done.stderr) == (1, "")
    pip = f"{sys.executable} -m pip"
    said = dict(zip(*[iter(line.strip() for line in done.stdout.splitlines()[4:] if line)] * 2, strict=True))
    missing = "can't be loaded: ModuleNotFoundError: No module named 'no_such_package'"
    expected = {
        f"lost 1.0 {missing}: dataset 'one', dataset 'two'": f"{pip} install --force-reinstall lost",
        f"edited 1.0 {missing}: dataset 'three'": f"{pip} install -e {tmp_path}/edited",
        "exiting 1.0 can't be loaded: SystemExit: 0: dataset 'four'": f"{pip} uninstall exiting",
        'the dataset \'line\' is claimed by flowlab and twin: write use = "flowlab:line" or use = "twin:line", '
        "or remove one": f"{pip} uninstall twin",
        "newer 1.0 is written for API 3, but this flowlab has API 2": f"{pip} install --upgrade flowlab",
        "older 1.0 is written for API 1, but this flowlab has API 2": f"{pip} install --upgrade older",
    }
    assert expected.items() <= said.items()
    (unreadable,) = said.keys() - expected.keys()
    assert unreadable.startswith(f"bad-bytes 1.0 in {site.folder}: its entry_points.txt can't be read (Unicode")
    without = site.flowlab("--no-plugins", "doctor")
    disabled = re.search("^disabled by FLOWLAB_DISABLE_PLUGINS: (.*)$", without.stdout, re.MULTILINE)[1].split(
        ", "
    )
    assert {"edited", "exiting", "lost", "newer", "older", "twin"} <= set(disabled)
    assert len(mends(without.stdout)) == 1


REQUIRES = "Metadata-Version: 2.1\nName: stars\nVersion: 1.0\nProvides-Extra: plot\n"


@pytest.mark.parametrize(
    ("requires", "issue"),
    [
        ("attrs>=999", f"stars needs attrs>=999, and {version('attrs')} is installed"),
        ("no-such-package>=2", "stars needs no-such-package>=2, which is not installed"),
        ("attrs>=999; extra == 'plot'", f"stars needs attrs>=999, and {version('attrs')} is installed"),
        ("no-such-package>=2; extra == 'plot'", None),
        ("attrs>=999; python_version < '3'", None),
        ("attrs>=1", None),
    ],
)
def test_versions_that_a_distribution_needs(site: SitePackages, requires: str, issue: str | None) -> None:
    text = f"{REQUIRES}Requires-Dist: {requires}\n"
    site.add("stars", POINTS, {"stars.py": STAR}, metadata=text)
    done = site.flowlab("doctor")
    assert done.returncode == int(issue is not None)
    if issue is None:
        assert done.stdout.endswith("all is well\n")
    else:
        assert issue in done.stdout
        package = requires.partition(";")[0]
        assert f"{sys.executable} -m pip install '{package}'" in mends(done.stdout)
