"""The violation and the cost of denoisers against the noise level."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from attrs import frozen

from flowlab.api import (
    Context,
    FigureLook,
    NetworkQuality,
    NodeError,
    NodeLabel,
    NodeSpec,
    Result,
    ValidationIssue,
    key_group,
    parameter,
    reference,
    with_look,
)
from flowlab.api.helpers.plotting import (
    FAINT,
    MOST_SERIES,
    NOTE,
    WIDTHS,
    add_legend,
    add_note,
    new_figure,
    series_style,
    width_in_inches,
)
from flowlab.api.helpers.swept_keys import arrange_labels, check_keys, labels_of, setting_text, swept_value
from flowlab.api.metric_labels import metric_label

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Row = dict[str, Any]

# Least values shown, as shares of the largest sigma (for the MSE of its square); smaller ones would stretch the
# axis.
_NIL = {"violation_max": 1e-5, "violation_rms": 1e-5, "mse": 1e-6}


@frozen
class _Level:
    """The values of a quantity of one denoiser at one noise level, one per seed."""

    values: tuple[float | None, ...]

    def mean(self) -> tuple[float, float, float]:
        """The mean over seeds with the ends of its 95 % interval; nan where a seed has no value."""
        from flowlab.theory.statistics.intervals import student

        numbers = [value for value in self.values if value is not None]
        if len(numbers) < len(self.values):
            return math.nan, math.nan, math.nan
        return math.fsum(numbers) / len(numbers), *student(numbers)


# The levels of each denoiser: label in the sweeps, and name in the analysis.
Lines = dict[tuple[NodeLabel, str], dict[float, list[Row]]]


@frozen
class QualityByLevel:
    """Measures of quality against the noise level, one panel each, with one line per denoiser.

    Each setting of the sweeps has its own line, or with `facet` its own row of panels. With several seeds a point
    is the mean over seeds, and its bar the 95 % interval of Student's t. Ratios have a line at 1. Violations and
    the training MSE are on a logarithmic scale. It ends at 1e-5 of the largest sigma for violations, and at 1e-6
    of its square for the MSE.
    """

    analysis: tuple[str, ...] = reference(
        "analysis", many=True, gather=True, seeds=True, help="of the kind interpolation"
    )
    quantities: tuple[str, ...] = parameter(
        ("violation_rms", "slab_ratio"), help="columns of the analysis to draw, one panel each"
    )
    facet: str | None = parameter(None, help="a swept key whose values have a row of panels each")
    look: FigureLook = key_group(FigureLook)

    @property
    def _keys(self) -> dict[str, str]:
        return {} if self.facet is None else {"facet": self.facet}

    def check(self, inputs: Mapping[str, tuple[NodeSpec, ...]]) -> Iterator[ValidationIssue]:
        """Check that the key is swept, and that a panel has no more lines than can be told apart."""
        nodes = inputs.get("analysis", ())
        if nodes and all(node.value_spec.empty for node in nodes):
            yield ValidationIssue(
                "analysis", "no denoiser reports how well it interpolates: only trained networks and slabs do"
            )
        issues = list(check_keys(labels_of(nodes), self._keys))
        yield from issues
        if issues:
            return
        denoisers = {node.name: max(1, len(node.inputs.get("denoiser", ()))) for node in nodes}
        lines: dict[str, set[NodeLabel]] = {}
        for shown in arrange_labels(labels_of(nodes), list(self._keys.values())).values():
            lines.setdefault(repr(shown.values), set()).add(shown.rest)
        most = max((sum(denoisers[label.name] for label in labels) for labels in lines.values()), default=0)
        if most > MOST_SERIES:
            rule = f"{most} lines in a panel, at most {MOST_SERIES} can be told apart"
            yield ValidationIssue("analysis", f"{rule}: name a swept key as facet, or draw several figures")

    @with_look
    def build(self, context: Context, *, analysis: Mapping[NodeLabel, NetworkQuality]) -> Result:
        """Draw the panels.

        Raises NodeError for a column that the analysis does not have.
        """
        facets = self._collect_lines(analysis)
        rows = [
            row
            for lines in facets.values()
            for levels in lines.values()
            for seeds in levels.values()
            for row in seeds
        ]
        for quantity in self.quantities:
            if not any(quantity in row for row in rows):
                raise NodeError(f"the analysis has no column {quantity!r}: it has {', '.join(rows[0])}")
        inches = WIDTHS["double"] if self.look.size is None else width_in_inches(self.look.size)
        # a narrow figure has its panels one below the other
        across = len(self.quantities) if inches > WIDTHS["single"] else 1
        down = len(facets) * len(self.quantities) // across
        aspect = 0.72 if across == 1 else 0.84 / across
        figure, axes = new_figure(
            "single" if across == 1 else "double",
            aspect * down,
            rows=down,
            columns=across,
            sharex=True,
            sharey="col" if across == len(self.quantities) else False,
        )
        names = _line_names(facets)
        noisiest = max(row["sigma"] for row in rows)
        by_facet = axes.reshape(len(facets), len(self.quantities))
        for line_of_axes, (title, lines) in zip(by_facet, facets.items(), strict=True):
            for ax, quantity in zip(line_of_axes, self.quantities, strict=True):
                least = _NIL.get(quantity, 0.0) * noisiest ** (2 if quantity == "mse" else 1)
                drawn = False
                for line, levels in lines.items():
                    label = names[line]
                    style = series_style(list(dict.fromkeys(names.values())).index(label))
                    drawn |= _draw_line(ax, levels, quantity, least, label, style)
                ax.set(ylabel=metric_label(quantity))
                _scale(ax, quantity)
                if not drawn:  # such as the ratio of costs of networks that don't interpolate
                    ax.text(0.5, 0.5, "no values", transform=ax.transAxes, ha="center", va="center", color=NOTE)
            line_of_axes[0].set_title(title, loc="left")
        for ax in axes[-1]:
            ax.set_xlabel(r"noise level $\sigma$")
        handles = {
            name: handle for ax in axes.flat for handle, name in zip(*ax.get_legend_handles_labels(), strict=True)
        }
        add_legend(figure, list(handles.values()), list(handles))
        seeds = len({label.seed for label in analysis})
        if seeds > 1:
            add_note(figure, f"points and bars: mean and 95 % interval over {seeds} seeds")
        return Result(figure)

    def _collect_lines(self, analysis: Mapping[NodeLabel, NetworkQuality]) -> dict[str, Lines]:
        """The lines of each row of panels, by its title; seeds together."""
        shown = arrange_labels(analysis, list(self._keys.values()))
        facets: dict[str, Lines] = {}
        for label, table in analysis.items():
            values = shown[label].values
            title = f"{self.facet} = {swept_value(values[0])}" if values else ""
            lines = facets.setdefault(title, {})
            for row in table.rows:
                levels = lines.setdefault((shown[label].rest, row["denoiser"]), {})
                levels.setdefault(row["sigma"], []).append(row)
        return facets


def _line_names(facets: Mapping[str, Lines]) -> dict[tuple[NodeLabel, str], str]:
    """The shortest names that tell lines apart: the denoiser, its swept values, the analysis if need be."""
    lines = dict.fromkeys(line for of_panel in facets.values() for line in of_panel)
    several = len({name for _, name in lines}) > 1
    swept = {line: setting_text(line[0]) for line in lines}
    names = {
        line: ", ".join(text for text in (line[1] if several or not swept[line] else "", swept[line]) if text)
        for line in lines
    }
    if len(set(names.values())) < len(names):
        return {line: f"{line[0].name}: {name}" for line, name in names.items()}
    return names


def _draw_line(
    ax: Axes,
    levels: Mapping[float, Sequence[Row]],
    quantity: str,
    least: float,
    label: str,
    style: Mapping[str, Any],
) -> bool:
    """Draw a line with the means over seeds, and bars where there are several; whether there is any value."""
    sigma = sorted(levels)
    means = [_Level(tuple(row.get(quantity) for row in levels[s])).mean() for s in sigma]
    middle = [_number(mean, least) for mean, _, _ in means]
    ax.plot(sigma, middle, label=label, **style)
    if any(len(rows) > 1 for rows in levels.values()):
        below = [max(0.0, value - _number(low, least)) for value, (_, low, _) in zip(middle, means, strict=True)]
        above = [max(0.0, high - value) for value, (_, _, high) in zip(middle, means, strict=True)]
        ax.errorbar(sigma, middle, [below, above], ls="", elinewidth=0.7, capsize=1.5, color=style["color"])
    return any(math.isfinite(value) for value in middle)


def _number(value: float, least: float) -> float:
    return value if math.isnan(value) else max(value, least)


def _scale(ax: Axes, quantity: str) -> None:
    if quantity == "mse" or quantity.startswith("violation"):
        ax.set_yscale("log")
        return
    ax.set_ylim(bottom=0)
    if quantity.endswith("ratio"):
        ax.axhline(1, color=FAINT, lw=0.5, zorder=0)
