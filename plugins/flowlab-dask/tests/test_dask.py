"""Dask's workers keep what every executor keeps: a real scheduler, and two real workers that all rules share."""

from __future__ import annotations

from pathlib import Path

import pytest
from attrs import evolve
from distributed.client import AllExit
from flowlab_dask.dask import Dask
from living import wait_for
from running import Running, kill

from flowlab.api import EngineError, Task
from flowlab.api.sample_task import sample_task
from flowlab.api.testing import ExecutorSuite


class TestDask(ExecutorSuite):
    """The rules of every executor."""

    @pytest.fixture(autouse=True)
    def _cluster(self, cluster: Running) -> None:
        self.file = str(cluster.file)

    def component(self) -> Dask:
        return Dask(scheduler_file=self.file)


def refusal(dask: Dask) -> str:
    """What it says in place of opening a crew; nothing if it opens one."""
    try:
        with dask.open_pool(sample_task, "cpu", 1):
            return ""
    except EngineError as error:
        return str(error)


def test_no_scheduler_is_told(tmp_path: Path) -> None:
    dask = Dask(scheduler_file=str(tmp_path / "scheduler"), greeting=0.5)
    assert "scheduler: there is no such file" in refusal(dask)
    (tmp_path / "scheduler").write_text('{"address": "tcp://127.0.0.1:9"}')
    assert "tcp://127.0.0.1:9: no scheduler answers" in refusal(dask)
    assert "tcp://127.0.0.1:9: no scheduler answers" in refusal(Dask(address="tcp://127.0.0.1:9", greeting=0.5))
    for text in ('{"address', "{}", "[]", ""):
        (tmp_path / "scheduler").write_text(text)
        assert "scheduler: not a file of `dask scheduler`" in refusal(dask)


@pytest.mark.parametrize("dask", [Dask(), Dask(scheduler_file="f", address="tcp://127.0.0.1:9")])
def test_a_scheduler_is_named_once(dask: Dask) -> None:
    [misfit] = dask.check(None)
    assert misfit.field == "scheduler_file"
    assert not list(evolve(dask, scheduler_file="f", address=None).check(None))


@pytest.mark.parametrize("address", ["10.0.0.1:8786", "http://10.0.0.1:8786", "tcp://10.0.0.1", "tcp://:x"])
def test_an_address_that_can_be_none_is_refused(address: str) -> None:
    [misfit] = Dask(address=address).check(None)
    assert misfit.field == "address"
    assert repr(address) in misfit.message


def test_tls_without_keys_is_told() -> None:
    assert "names no certificate and key for a client" in refusal(Dask(address="tls://127.0.0.1:9"))


def test_a_cluster_without_workers_is_told(cluster: Running) -> None:
    cluster.kill_workers()
    dask = Dask(scheduler_file=str(cluster.file), patience=0.5)
    with dask.open_pool(sample_task, "cpu", 1) as pool:
        pool.submit(Task("node", "say so"))
        with pytest.raises(EngineError, match=r"no worker for 0\.5 s"):
            pool.completed()


def test_workers_of_several_threads_are_refused(cluster: Running) -> None:
    dask = Dask(scheduler_file=str(cluster.file))
    assert not refusal(dask)
    worker = cluster.worker(2)
    try:
        wait_for(lambda: "at 2 nodes at once: start workers with --nthreads 1" in refusal(dask))
    finally:
        kill(worker)
    wait_for(lambda: not refusal(dask))


def test_a_wait_that_dask_gave_up_is_not_told(cluster: Running, caplog: pytest.LogCaptureFixture) -> None:
    with Dask(scheduler_file=str(cluster.file)).open_pool(sample_task, "cpu", 1) as pool:
        loop = pool.client.loop.asyncio_loop
        loop.call_exception_handler({"message": "Task exception was never retrieved", "exception": AllExit()})
        assert not caplog.records
        loop.call_exception_handler({"message": "another", "exception": ValueError()})
    assert [record.getMessage() for record in caplog.records] == ["another"]
