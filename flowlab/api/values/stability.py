"""What analyses of stable points yield."""

from __future__ import annotations

from collections.abc import Sequence

from attrs import frozen

from flowlab.api.result import Table


@frozen
class StableShares(Table):
    """The share of the sums of training points that are stable; one row per number of points in a sum.

    Columns: order, sigma, samples, stable, tested, total, share, undecided, unconverged.
    """


@frozen
class StableSharesOverDraws(Table):
    """The mean, least and largest share of stable sums over draws; one row per order and setting.

    Columns: order, samples or sigma, draws, mean, least, largest.
    """


@frozen
class FixedPointCounts(Table):
    """The numbers of fixed points; one row per level.

    Columns: sigma, rho, fixed, stable, training, virtual, other, sums, undecided, undecided_regions.
    """


@frozen
class StableSumCounts(Table):
    """The numbers of stable subset sums, one row per level; and the radius from which on each is stable by theory.

    Columns: rho, stable, predicted, differing. `critical` has one radius per sum.
    """

    critical: Sequence[float]
