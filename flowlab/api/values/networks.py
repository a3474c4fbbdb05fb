"""What analyses of denoisers as networks yield."""

from __future__ import annotations

from collections.abc import Sequence

from attrs import frozen

from flowlab.api.node_label import NodeLabel
from flowlab.api.result import Table


@frozen
class NetworkQuality(Table):
    """The quality of denoisers; one row per denoiser and level.

    Columns: denoiser, sigma, and those that the denoisers report (`quality` of DenoiserBank).
    """


@frozen
class Certificates(Table):
    """Verdicts on minimum norm with their bounds; one row per denoiser and level.

    Columns: denoiser, sigma, verdict, cost, gap_proved, gap_estimate and others. `labels` has the label of each
    row's denoiser.
    """

    labels: Sequence[NodeLabel]


@frozen
class SeparableLevels(Table):
    """The levels at which hyperplanes separate the clusters; one row per level.

    Columns: sigma, separable.
    """


@frozen
class LowNoiseLevels(Table):
    """The levels that are in the low-noise regime; one row per level.

    Columns: sigma, gap, violation, low_noise.
    """


@frozen
class CollapseStrengths(Table):
    """The strength of weight decay from which on a network has no neurons; one row per level.

    Columns: sigma, strength, exact, affine_rms.
    """
