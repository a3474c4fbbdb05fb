"""A cluster for all tests, and a place for each, where the command line runs."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import harmful
import pytest
from attrs import frozen
from running import Running
from site_packages import SitePackages


@frozen
class Place:
    """A folder in which flowlab runs, and the cluster that it may use."""

    folder: Path
    cluster: Running

    def run(self, file: str, *options: str, cluster: bool = True) -> subprocess.Popen[str]:
        """`flowlab run`, on the cluster or in one process."""
        scheduler = f"executor.scheduler_file={self.cluster.file}"
        there = ("--executor", "dask", "--set", scheduler) if cluster else ()
        return subprocess.Popen(
            [sys.executable, "-m", "flowlab", "run", file, "--device", "cpu", *there, *options],
            cwd=self.folder, env=self.cluster.environment, text=True, start_new_session=True,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip


@pytest.fixture(scope="session")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, str]:
    """The environment in which harmful nodes are installed."""
    site = SitePackages(tmp_path_factory.mktemp("site"))
    site.add("harmful", harmful.ENTRY_POINTS, {"harmful.py": Path(harmful.__file__).read_text()})
    return site.environment(OMP_NUM_THREADS="1")


@pytest.fixture(scope="session")
def _running(tmp_path_factory: pytest.TempPathFactory, environment: Mapping[str, str]) -> Iterator[Running]:
    running = Running(tmp_path_factory.mktemp("cluster"), environment)
    try:
        yield running
    finally:
        running.close()


@pytest.fixture
def cluster(_running: Running) -> Running:
    """A scheduler and two workers."""
    _running.staff()
    return _running


@pytest.fixture
def place(tmp_path: Path, cluster: Running) -> Place:
    """An empty folder, a store of its own."""
    return Place(tmp_path, cluster)
