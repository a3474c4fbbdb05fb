"""The noise levels that are in the low-noise regime."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from typing import Any

from attrs import frozen

from flowlab.api import Context, FigureLook, LowNoiseLevels, Result, key_group, reference, with_look
from flowlab.api.helpers.plotting import FAINT, SERIES, new_figure

# Inside the regime and outside it: marker, colour, name.
_MARKS: dict[bool, dict[str, Any]] = {
    True: {"marker": "o", "color": SERIES[0], "mew": 0, "label": "low-noise regime"},
    False: {"marker": "X", "color": SERIES[1], "mew": 0, "label": "outside it"},
}
_SIZES = (2.4, 4.0)  # of markers: many of them, few


@frozen
class RegimeCoverage:
    """The noise and the smallest gap between clusters of each level, with a tinted background at low noise."""

    analysis: str = reference("analysis", help="of the kind low-noise-coverage")
    look: FigureLook = key_group(FigureLook)

    @with_look
    def build(self, context: Context, *, analysis: LowNoiseLevels) -> Result:
        """Draw two panels over the levels."""
        low = [bool(flag) for flag in analysis["low_noise"]]
        size = min(_SIZES[1], max(_SIZES[0], 150 / len(low)))
        figure, axes = new_figure("single", 0.9, rows=2, sharex=True)
        noise, gap = axes[:, 0]
        for ax, name in ((noise, "sigma"), (gap, "gap")):
            for first, last in _runs(low):
                ax.axvspan(first - 0.5, last + 0.5, color=SERIES[0], alpha=0.1, lw=0, zorder=0)
            ax.plot(analysis[name], color=FAINT, lw=0.6, zorder=1)
            for inside, mark in _MARKS.items():
                levels = [level for level, flag in enumerate(low) if flag is inside]
                if levels:
                    places = [analysis[name][level] for level in levels]
                    ax.plot(levels, places, ls="", zorder=2, **mark, ms=size)
        # far above the regime, clusters overlap by many times the largest gap below it
        room = max(analysis["gap"])
        if 0 < room < -min(analysis["gap"]) / 2:
            gap.set_yscale("symlog", linthresh=10 ** math.ceil(math.log10(room)), linscale=0.6)
        gap.axhline(0, color="black", lw=0.6, ls=(0, (4, 2)), zorder=1)
        noise.set_yscale("log")
        noise.set_ylabel(r"noise level $\sigma$")
        gap.set(ylabel="smallest gap", xlabel="level", xlim=(-0.6, len(low) - 0.4))
        gap.xaxis.get_major_locator().set_params(integer=True)
        figure.align_ylabels([noise, gap])
        handles, names = noise.get_legend_handles_labels()
        figure.legend(handles, names, loc="outside upper center", ncols=2)
        return Result(figure)


def _runs(flags: Sequence[bool]) -> Iterator[tuple[int, int]]:
    """The first and last index of each run of true flags."""
    for flag, group in itertools.groupby(enumerate(flags), key=lambda pair: pair[1]):
        indices = [index for index, _ in group]
        if flag:
            yield indices[0], indices[-1]
