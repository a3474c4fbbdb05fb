"""The workers of a running Dask cluster."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from attrs import frozen

from flowlab.api import EngineError, TaskFunction, ValidationIssue, parameter

if TYPE_CHECKING:
    from asyncio import AbstractEventLoop

    from distributed import Client

    from flowlab_dask.cluster import Cluster


@frozen
class Dask:
    """Workers of a running Dask cluster, which see the folder of the run and its store.

    Each works at one node at a time: start them with `dask worker --nthreads 1`. Those that are at a node when the
    run ends early are killed, and started again by their nannies.
    """

    scheduler_file: str | None = parameter(None, help="file in which the scheduler tells its address")
    address: str | None = parameter(None, help="of the scheduler, such as tcp://10.0.0.1:8786")
    patience: float = parameter(60.0, help="how long a cluster may be without any worker", unit="seconds", gt=0)
    greeting: float = parameter(30.0, help="how long the scheduler has to answer at first", unit="seconds", gt=0)

    def check(self, inputs: object) -> Iterator[ValidationIssue]:
        """The scheduler is found in one of two ways."""
        if (self.scheduler_file is None) == (self.address is None):
            yield ValidationIssue(
                "scheduler_file", "name the running scheduler: scheduler_file or address, one of them"
            )
        if self.address is not None and not re.fullmatch(r"(tcp|tls|ucx|ws|wss)://\S+:\d+", self.address):
            yield ValidationIssue("address", f"must be like tcp://10.0.0.1:8786, found {self.address!r}")

    @contextmanager
    def open_pool(self, work: TaskFunction, device: str, threads: int) -> Iterator[Cluster]:
        """The cluster's workers. Raises EngineError where no scheduler answers."""
        from flowlab_dask.cluster import Cluster

        with _quiet(), self._client() as client:
            cluster = Cluster(client, work, self.patience)
            try:
                yield cluster
            finally:
                cluster.stop()

    @contextmanager
    def _client(self) -> Iterator[Client]:
        from distributed import Client, Security

        address = self._address()
        try:
            keys = Security().get_connection_args("client")
            if address.startswith("tls://") and keys["ssl_context"] is None:
                raise EngineError(f"{address}: Dask's configuration names no certificate and key for a client")
            client = Client(address, timeout=self.greeting, set_as_default=False, name="flowlab")
        except (OSError, ValueError) as error:
            raise EngineError(f"{address}: no scheduler answers: {error}") from error
        client.loop.asyncio_loop.set_exception_handler(_ignore_abandoned_waits)
        try:
            yield client
        finally:
            client.close(timeout=2)

    def _address(self) -> str:
        """The scheduler's address. Raises EngineError for a file that holds none."""
        if self.address is not None or self.scheduler_file is None:
            return self.address or ""
        file = Path(self.scheduler_file)
        if not file.is_file():
            raise EngineError(f"{file}: there is no such file; start `dask scheduler` with it")
        try:
            return str(json.loads(file.read_bytes())["address"])
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise EngineError(f"{file}: not a file of `dask scheduler`: {error}") from error


def _ignore_abandoned_waits(loop: AbstractEventLoop, context: dict[str, Any]) -> None:
    """Pass an event loop's complaint on, unless it is of a wait that Dask gave up when a worker died.

    Dask leaves such a task behind with an AllExit in it. Python complains when it collects the task, at any time.
    """
    from distributed.client import AllExit

    if not isinstance(context.get("exception"), AllExit):
        loop.default_exception_handler(context)


@contextmanager
def _quiet() -> Iterator[None]:
    """Silence Dask's log within: the run reports what goes wrong, once."""
    import distributed  # noqa: F401  (which makes its loggers and sets their levels)

    names = [name for name in logging.root.manager.loggerDict if name.partition(".")[0] == "distributed"]
    former = {logger: logger.level for logger in map(logging.getLogger, names)}
    for logger in former:
        logger.setLevel(logging.CRITICAL + 1)
    try:
        yield
    finally:
        for logger, level in former.items():
            logger.setLevel(level)
