"""The rules of every tracker: it accepts all reports of a run, and has no effect on the run."""

from __future__ import annotations

import io
import random
import tempfile
from pathlib import Path
from typing import Any, ClassVar

import numpy
import torch
from hypothesis import given
from hypothesis import strategies as st

from flowlab.api.kinds.tracker import Tracker
from flowlab.api.testing.suite import Suite, few

_NODES = ("denoiser.trained", "flow.pf[samples=30,use=a b]")
_NUMBERS = (1, 0.5, float("inf"), float("nan"))
_METRICS = {
    "n": 3,
    "yes": True,
    "none": None,
    "text": "a/b",
    "levels": [0.1, None],
    "nested": {"pf": {"training": 2}},
}


class TrackerSuite(Suite):
    """The rules of a tracker, on an artificial run.

    A tracker that reports to a server needs a server that answers.
    """

    kind: ClassVar[str] = "tracker"

    @few
    @given(st.data())
    def test_its_own_check_admits_it(self, data: st.DataObject) -> None:
        component = self.drawn(data)
        misfits = list(component.check({})) if hasattr(component, "check") else []
        assert not misfits, misfits

    @few
    @given(st.data())
    def test_it_writes_only_what_it_says(self, data: st.DataObject) -> None:
        component = self.drawn(data)
        with tempfile.TemporaryDirectory() as folder:
            report_all(component, Path(folder))
            found = {path.name for path in Path(folder).iterdir()}
        declared = set(component.writes()) if hasattr(component, "writes") else set()
        assert found <= declared, f"{sorted(found - declared)} is written, and not named by writes()"

    @few
    @given(st.data())
    def test_it_draws_no_random_numbers(self, data: st.DataObject) -> None:
        before = _states()
        with tempfile.TemporaryDirectory() as folder:
            report_all(self.drawn(data), Path(folder))
        assert _states() == before, "the global random numbers are not as they were"

    @few
    @given(st.data())
    def test_what_ends_a_run_goes_through_it(self, data: st.DataObject) -> None:
        component = self.drawn(data)
        for error in (KeyboardInterrupt(), ValueError()):
            raised = None
            try:
                with tempfile.TemporaryDirectory() as folder, component.begin("cut-short", {}, Path(folder)):
                    raise error
            except (KeyboardInterrupt, ValueError) as left:
                raised = left
            assert raised is error, f"a {type(error).__name__} is swallowed"


def report_all(component: Tracker, folder: Path) -> None:
    """Send a tracker reports of every type: numbers at steps, metrics, and a figure."""
    with component.begin("made-up", {"experiment": {"name": "made-up"}, "flow": {}}, folder) as tracking:
        for node in _NODES:
            for step, value in enumerate(_NUMBERS):
                tracking.scalars(node, step, {"violation": value})
            tracking.finished(node, _METRICS)
        tracking.figure("figure.plane", _png())


def _states() -> tuple[Any, ...]:
    numbers = numpy.random.get_state()  # noqa: NPY002 - whether somebody draws from it is the question
    return random.getstate(), str(numbers), torch.get_rng_state().tolist()


def _png() -> bytes:
    from matplotlib.figure import Figure

    stream = io.BytesIO()
    Figure(figsize=(1, 1)).savefig(stream, format="png")
    return stream.getvalue()
