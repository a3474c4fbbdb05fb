"""Nodes that do harm; the tests install them beside flowlab."""

import os
import signal
import time
from pathlib import Path

from attrs import frozen

from flowlab.api import Result, parameter, reference


@frozen
class Nap:
    """Sleeps; says first which process it is in."""

    marks: str = parameter(help="folder")
    seconds: float = parameter(0.0, help="how long")
    harm: bool = parameter(False, help="whether to kill the process")

    def build(self, context):
        folder = Path(self.marks)
        folder.mkdir(exist_ok=True)
        (folder / f"{context.node}.{os.getpid()}").touch()
        time.sleep(self.seconds)
        if self.harm:
            os.kill(os.getpid(), signal.SIGKILL)
        return Result(self.seconds, {"seconds": self.seconds})


@frozen
class Sum:
    """All of them."""

    dataset: tuple[str, ...] = reference("dataset", many=True, help="what is added")

    def build(self, context, *, dataset):
        return Result(sum(dataset.values()), {"sum": sum(dataset.values())})
