"""Dask's workers keep what every executor keeps: a real scheduler and two real workers on loopback."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from conftest import Place
from flowlab_dask.dask import Dask

from flowlab.api.testing import ExecutorSuite


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """One cluster for all rules: whoever leaves it leaves it fit for the next."""
    with Place.of(tmp_path_factory.mktemp("cluster")) as place:
        place.scheduler()
        place.worker()
        place.worker()
        yield place


class TestDask(ExecutorSuite):
    """The rules of every executor."""

    @pytest.fixture(autouse=True)
    def _running(self, cluster: Place) -> None:
        self.cluster = cluster

    def component(self) -> Dask:
        return Dask(scheduler_file=str(self.cluster.folder / "scheduler"))
