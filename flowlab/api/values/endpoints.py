"""What analyses of endpoints yield."""

from __future__ import annotations

from collections.abc import Sequence

from attrs import frozen

from flowlab.api.result import Table


@frozen
class EndShares(Table):
    """The shares of the classes in each flow, with intervals; one row per flow and class.

    Columns: flow, class, count, total, fraction, low, high, changed_at_half_step, predicted, points, final_time,
    confidence, same_starts (whether a seed of the flow's own gives them, at all seeds).
    """


@frozen
class ChangedShares(Table):
    """The shares of starts that change their class, with intervals; one row per flow.

    Columns: flow, changed, total, share, low, high, confidence, same_starts.
    """


@frozen
class ClassesOverTime(Table):
    """The shares of the classes along each flow; one row per flow and time.

    Columns: flow, kind, time, and one per class.
    """


@frozen
class ClassesByThreshold(Table):
    """The counts of the classes; one row per flow, norm and threshold.

    Columns: flow, metric, threshold, and one per class.
    """


@frozen
class IntegratorErrors(Table):
    """The errors of integrators; one row per denoiser, integrator and number of steps.

    Columns: denoiser, integrator, steps, scale, error_max, error_mean, changed, starts, changed_share.
    """


@frozen
class EndCounts(Table):
    """The number of starts that end in each training point; one row per flow and point.

    Columns: flow, point, repeats, count, share.
    """


@frozen
class PredictedVertices(Table):
    """Whether each start reaches the vertex that theory predicts; one row per flow and start.

    Columns: flow, start, reached, distance, margin.
    """


@frozen
class ClassesByFinalTime:
    """The classes of the endpoints of S starts on a segment, from F final times, and what theory predicts.

    labels (F, S) index CLASSES. By theory a start ends outside the interior from `leaves_interior` (S) on, and
    in a vertex from `becomes_vertex` (S) on. `place` (S) is its place on the segment, 0 to 1. `steps` is the
    number of steps of each flow, and `agreement` the share of labels that are as predicted.
    """

    times: Sequence[float]
    place: Sequence[float]
    labels: Sequence[Sequence[int]]
    leaves_interior: Sequence[float]
    becomes_vertex: Sequence[float]
    steps: int
    agreement: float
