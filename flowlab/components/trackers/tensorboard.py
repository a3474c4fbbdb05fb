"""The numbers and figures of a run in TensorBoard."""

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
    """A TensorBoard log: numbers of trainings while they run, and metrics and figures of finished nodes.

    `tensorboard --logdir runs` shows it. It is written to `tensorboard/` in the folder of the run, in place of the
    log of a former run. The curve of a training that resumes begins where it resumes. Lists of numbers, one per
    noise level, are curves over the index of the level. With an executor, nodes report nothing before they are
    finished; their metrics and figures are there.
    """

    every: float = parameter(10.0, help="longest time until a report is in the file", unit="s", gt=0)

    def check(self, inputs: Mapping[str, tuple[NodeSpec, ...]]) -> Iterator[ValidationIssue]:
        """Check that TensorBoard is installed."""
        if importlib.util.find_spec("tensorboard") is None:
            yield ValidationIssue(
                "use", "it needs TensorBoard, which is missing: pip install 'flowlab[tensorboard]'"
            )

    def writes(self) -> tuple[str, ...]:
        """The folder in a run that it writes."""
        return (FOLDER,)

    @contextmanager
    def begin(self, run: str, settings: Mapping[str, Any], folder: Path) -> Iterator[Events]:
        """Open an event file for the run, and close it at the end."""
        from torch.utils.tensorboard import SummaryWriter

        for former in (folder / FOLDER).glob("events.out.tfevents.*"):  # TensorBoard would show both runs as one
            former.unlink()
        with SummaryWriter(folder / FOLDER, flush_secs=self.every) as writer:
            writer.add_text(run, f"```\n{json.dumps(settings, indent=2, default=str)}\n```")
            yield Events(writer)


@frozen
class Events:
    """The event file of a run."""

    writer: SummaryWriter

    def scalars(self, node: str, step: int, figures: Mapping[str, float]) -> None:
        """Add numbers as curves over the steps, apart from metrics that may have the same names."""
        for name, value in figures.items():
            self.writer.add_scalar(f"{node}/progress/{name}", value, step)

    def finished(self, node: str, metrics: Mapping[str, Any]) -> None:
        """Add numbers as points and lists as curves over the level; texts and missing values are ignored."""
        for name, metric in metrics.items():
            if isinstance(metric, Mapping):
                self.finished(f"{node}/{name}", metric)
            elif isinstance(metric, Sequence) and not isinstance(metric, str):
                for level, value in enumerate(metric):
                    self._point(f"{node}/{name}", value, level)
            else:
                self._point(f"{node}/{name}", metric, 0)

    def figure(self, node: str, png: bytes) -> None:
        """Add a figure as an image, from its PNG file."""
        from matplotlib.image import imread

        self.writer.add_image(node, imread(io.BytesIO(png), format="png"), dataformats="HWC")

    def _point(self, name: str, value: Any, step: int) -> None:
        if isinstance(value, int | float):
            self.writer.add_scalar(name, value, step)
