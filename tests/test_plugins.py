"""The plugins of this repository as anybody's: built as wheels, installed beside flowlab, at work together."""

from __future__ import annotations

import csv
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

PLUGINS = Path(__file__).parents[1] / "plugins"
NAMES = ("flowlab-rays", "flowlab-dpm", "flowlab-dask")

BOTH = """
[experiment]
name = "both"
seed = 0

[dataset.rays]
use = "flowlab-rays:rays"
distances = [[0.8, 2.0], [1.2]]

[schedule.low]
use = "variance-exploding"
final_time = 0.0064
levels = 6
spacing = "sigma"

[denoiser.closed]
use = "closed-form"
dataset = "rays"
schedule = "low"

[integrator.dpm]
use = "flowlab-dpm:dpm-solver-2m"

[integrator.exact]
use = "exact"

[analysis.discretisation]
use = "discretisation"
denoiser = ["closed"]
integrator = ["dpm"]
samples = 50
spread = 0.5

[flow.exact]
use = "probability"
denoiser = "closed"
integrator = "exact"
samples = 50

[flow.dpm]
use = "probability"
denoiser = "closed"
integrator = "dpm"
samples = 50

[classifier.ends]
use = "stable-points"
flow = ["exact", "dpm"]
"""

pytestmark = pytest.mark.slow


def call(*command: object, **options: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", *map(str, command)],
        capture_output=True,
        text=True,
        timeout=200,
        check=True,
        **options,
    )


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, str]:
    """The environment in which the wheels are installed."""
    sources, wheels, site = map(tmp_path_factory.mktemp, ("sources", "wheels", "site"))
    offline = ("--quiet", "--no-deps", "--no-index")
    for name in NAMES:
        # built from a copy: what an earlier build left beside the sources would end in the wheel
        copied = shutil.copytree(
            PLUGINS / name, sources / name, ignore=shutil.ignore_patterns("build", "*.egg-info", "__pycache__")
        )
        call("pip", "wheel", *offline, "--no-build-isolation", "-w", wheels, copied)
    call("pip", "install", *offline, "--target", site, *sorted(wheels.glob("*.whl")))
    path = os.pathsep.join(filter(None, [str(site), os.environ.get("PYTHONPATH")]))
    return {**os.environ, "PYTHONPATH": path}


def test_wheels_hold_the_package_and_no_tests(environment: Mapping[str, str]) -> None:
    site = Path(environment["PYTHONPATH"].split(os.pathsep)[0])
    installed = {path.relative_to(site).parts[0] for path in site.rglob("*.py")}
    assert installed == {"flowlab_rays", "flowlab_dpm", "flowlab_dask"}


def test_all_are_listed(environment: Mapping[str, str]) -> None:
    listing = call("flowlab", "list-components", env=environment).stdout
    for name, distribution in (
        ("rays", "flowlab-rays"),
        ("dpm-solver-2m", "flowlab-dpm"),
        ("dask", "flowlab-dask"),
    ):
        assert any(name in line and distribution in line for line in listing.splitlines())


def test_an_experiment_uses_both(environment: Mapping[str, str], tmp_path: Path) -> None:
    (tmp_path / "both.toml").write_text(BOTH)
    call("flowlab", "run", "both.toml", "--out", "out", env=environment, cwd=tmp_path)
    rows = table(tmp_path / "out/tables/analysis.discretisation.discretisation.csv")
    # straight lines in sigma: exact to rounding in six steps
    assert max(float(row["error_max"]) for row in rows) < 1e-12
    summary = json.loads((tmp_path / "out/summary.json").read_text())
    counts = summary["nodes"]["classifier"]["ends"]["metrics"]
    assert counts["exact"] == counts["dpm"]


def test_the_experiment_of_the_integrator_runs(environment: Mapping[str, str], tmp_path: Path) -> None:
    call("flowlab", "run", PLUGINS / "flowlab-dpm/dpm.toml", "--out", "out", env=environment, cwd=tmp_path)


def test_the_experiment_of_rays_certifies_its_slabs(environment: Mapping[str, str], tmp_path: Path) -> None:
    call("flowlab", "run", PLUGINS / "flowlab-rays/rays.toml", "--out", "out", env=environment, cwd=tmp_path)
    (row,) = table(tmp_path / "out/tables/analysis.certificate.certificate.csv")
    assert row["verdict"] == "minimal"
    assert float(row["gap_proved"]) <= 0.01


def table(path: Path) -> list[dict[str, str]]:
    """The rows of a CSV file."""
    return list(csv.DictReader(path.read_text().splitlines()))
