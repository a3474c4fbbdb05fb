"""TensorBoard."""

from __future__ import annotations

import importlib.util
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from attrs import frozen

from flowlab.api import NodeSpec, ValidationIssue, parameter

if TYPE_CHECKING:
    from torch.utils.tensorboard import SummaryWriter

FOLDER = "tensorboard"


@frozen
class TensorBoard:
    """What `tensorboard --logdir runs` shows: trainings as they go on, metrics and pictures of finished nodes.

    Written to the run's folder `tensorboard/`, beside what former runs left there. Lists of numbers, one a noise
    level, are shown over the level's index. With an executor nodes at work don't report; metrics and pictures are
    there all the same.
    """

    every: float = parameter(10.0, help="most time until the file has what was told", unit="s", gt=0)

    def check(self, inputs: Mapping[str, tuple[NodeSpec, ...]]) -> Iterator[ValidationIssue]:
        """TensorBoard is there."""
        if importlib.util.find_spec("tensorboard") is None:
            yield ValidationIssue(
                "use", "it needs TensorBoard, which is missing: pip install 'flowlab[tensorboard]'"
            )

    def writes(self) -> tuple[str, ...]:
        """Its folder."""
        return (FOLDER,)

    @contextmanager
    def begin(self, run: str, settings: Mapping[str, Any], folder: Path) -> Iterator[Events]:
        """An event file of the run."""
        from torch.utils.tensorboard import SummaryWriter

        with SummaryWriter(folder / FOLDER, flush_secs=self.every) as writer:
            writer.add_text(run, f"```\n{json.dumps(settings, indent=2, default=str)}\n```")
            yield Events(writer)


@frozen
class Events:
    """A run's event file."""

    writer: SummaryWriter

    def scalars(self, node: str, step: int, figures: Mapping[str, float]) -> None:
        """Curves over the steps, apart from the metrics, some of which have the same names."""
        for name, value in figures.items():
            self.writer.add_scalar(f"{node}/progress/{name}", value, step)

    def finished(self, node: str, metrics: Mapping[str, Any]) -> None:
        """Numbers as points, lists of them as curves over the level; texts and what is missing pass."""
        for name, metric in metrics.items():
            if isinstance(metric, Mapping):
                self.finished(f"{node}/{name}", metric)
            elif isinstance(metric, Sequence) and not isinstance(metric, str):
                for level, value in enumerate(metric):
                    self._point(f"{node}/{name}", value, level)
            else:
                self._point(f"{node}/{name}", metric, 0)

    def figure(self, node: str, png: bytes) -> None:
        """The picture."""
        from matplotlib.image import imread

        self.writer.add_image(node, imread(io.BytesIO(png), format="png"), dataformats="HWC")

    def _point(self, name: str, value: Any, step: int) -> None:
        if isinstance(value, int | float):
            self.writer.add_scalar(name, value, step)
