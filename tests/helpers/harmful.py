"""Components that do harm, for a distribution of their own."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Mapping
from pathlib import Path

from attrs import frozen

from flowlab.api import Context, Result, parameter, reference

ENTRY_POINTS = """\
[flowlab.api]
2 = flowlab.api
[flowlab.dataset]
nap = harmful:Nap
[flowlab.analysis]
sum = harmful:Sum
"""


@frozen
class Nap:
    """Sleeps; says first which process it is in."""

    seconds: float = parameter(0.0, help="how long")
    harm: str = parameter("", help="kill or exit: what becomes of its process")
    marks: str = parameter("marks", help="folder")

    def build(self, context: Context) -> Result:
        import torch

        folder = Path(self.marks)
        folder.mkdir(exist_ok=True)
        (folder / f"{context.node}.{os.getpid()}").touch()
        time.sleep(self.seconds)
        if self.harm == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        if self.harm == "exit":
            raise SystemExit(7)
        return Result(self.seconds, {"seconds": self.seconds, "threads": torch.get_num_threads()})


@frozen
class Sum:
    """All of them."""

    dataset: tuple[str, ...] = reference("dataset", many=True, help="what is added")

    def build(self, context: Context, *, dataset: Mapping[str, float]) -> Result:
        return Result(sum(dataset.values()), {"sum": sum(dataset.values())})
