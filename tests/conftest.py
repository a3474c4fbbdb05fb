"""A distribution of made-up components on the path, and the command line in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from hypothesis import settings
from site_packages import SitePackages

settings.register_profile("shared machine", deadline=None)  # what a test takes depends on what runs beside it
settings.load_profile("shared machine")

for name in [name for name in os.environ if name.startswith("FLOWLAB_") and name != "FLOWLAB_REGENERATE"]:
    del os.environ[name]  # a test sets what it needs

if "PYTEST_XDIST_WORKER" in os.environ:
    os.environ.setdefault("OMP_NUM_THREADS", "1")  # the cores are shared out among the processes of pytest already

COMPONENTS = '''
"""Components for tests."""

from __future__ import annotations

import time
from pathlib import Path

from attrs import frozen

from flowlab.api import NodeError, Result, Table, parameter, reference


@frozen
class Source:
    """Made-up points.

    More about them.
    """

    points: int = parameter(3, help="how many", unit="points", ge=1)
    nap: float = parameter(0.0, help="seconds of sleep", ge=0)
    fault: str = parameter("", help="how to fail")

    def build(self, context):
        if self.fault == "node":
            raise NodeError("too few points")
        if self.fault == "exit":
            raise SystemExit(0)
        if self.fault == "defect":
            raise ZeroDivisionError("oh")
        if self.fault == "tables":
            Path("runs/tiny/tables").write_text("in the way")
        context.progress(1, 2, {})
        time.sleep(self.nap)
        return Result(self.points, {"points": self.points}, {"all": Table({"n": list(range(self.points))})})


@frozen
class Count:
    """How many made-up points there are."""

    dataset: str = reference("dataset", help="what is counted")

    def build(self, context, *, dataset):
        return Result(dataset, {"points": dataset})


@frozen
class Picture:
    """A made-up picture."""

    dataset: str = reference("dataset", help="what it shows")
    fault: str = parameter("", help="how to fail")

    def build(self, context, *, dataset):
        if self.fault == "exit":
            raise SystemExit(0)
        from matplotlib.figure import Figure

        return Result(Figure())
'''

EXPERIMENT = """
[experiment]
name = "tiny"
seed = 3

[dataset.a]
use = "made-source"

[dataset.b]
use = "made-source"
points = 2

[figure.f]
use = "made-picture"
dataset = "a"

[figure.g]
use = "made-picture"
dataset = "b"
"""

Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="session")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, str]:
    """The environment in which the made-up distribution is installed."""
    site = tmp_path_factory.mktemp("site")
    (site / "made_up.py").write_text(COMPONENTS)
    info = site / "made_up-1.5.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: made-up\nVersion: 1.5\n")
    (info / "entry_points.txt").write_text(
        "[flowlab.dataset]\nmade-source = made_up:Source\n[flowlab.figure]\nmade-picture = made_up:Picture\n"
        "[flowlab.analysis]\nmade-count = made_up:Count\n"
    )
    path = os.pathsep.join(filter(None, [str(site), os.environ.get("PYTHONPATH")]))
    return {**os.environ, "PYTHONPATH": path}


@pytest.fixture
def experiment(tmp_path: Path) -> Path:
    """A small experiment of made-up components."""
    file = tmp_path / "tiny.toml"
    file.write_text(EXPERIMENT)
    return file


@pytest.fixture
def flowlab(environment: Mapping[str, str], tmp_path: Path) -> Run:
    """Run the command line in tmp_path."""

    def call(*arguments: object) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "flowlab", *map(str, arguments)]
        return subprocess.run(
            command, env=environment, cwd=tmp_path, capture_output=True, text=True, timeout=100, check=False
        )

    return call


@pytest.fixture
def site(tmp_path: Path) -> SitePackages:
    """A folder for distributions, none there yet."""
    folder = tmp_path / "site-packages"
    folder.mkdir()
    return SitePackages(folder)
