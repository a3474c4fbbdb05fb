"""A claim of the paper, beside our figure and the closed form's."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any, Literal

from attrs import asdict, evolve, frozen

from flowlab.api import Context, Declared, Finding, Misfit, NodeError, Result, parameter, reference
from flowlab.api.nearest import nearest

Metrics = Mapping[str, Mapping[str, Any]]  # of each analysis, by its label


@frozen
class Claim:
    """One claim: what the paper says, our figure, the closed form's, and whether the claim holds of ours.

    A figure is one number among the metrics of an analysis, named by the keys that lead to it, joined by dots:
    `2.share`, `pf.virtual` (summary.json shows them); a place that holds several numbers names them all. Of a
    swept analysis, and of several, all figures are taken at once: each must keep the bounds, and `trend` looks at
    them in the sweep's order, where equal neighbours are allowed but not equal ends. Where a figure is null, as
    the cost ratio of a network that does not interpolate, it is not known whether the claim holds.
    """

    text: str = parameter(help="what is claimed, in words")
    source: str = parameter(help="where the paper claims it")
    ours: tuple[str, ...] = reference(
        "analysis", many=True, gather=True, metrics=True, help="the analyses that hold our figure"
    )
    metric: str | tuple[str, ...] = parameter(help="its place in their metrics, keys joined by dots, or several")
    theory: tuple[str, ...] = reference(
        "analysis", (), many=True, gather=True, metrics=True, help="those that hold the closed form's"
    )
    theory_metric: str | tuple[str, ...] | None = parameter(
        None, help="its place in their metrics (default: that of ours)"
    )
    paper: str | float | None = parameter(None, help="the paper's figure, as it is stated")
    percent: bool = parameter(False, help="show figures in percent: they are shares")
    at_least: float | None = parameter(None, help="least figure with which the claim holds")
    at_most: float | None = parameter(None, help="largest figure with which the claim holds")
    within: tuple[float, float] | None = parameter(None, help="a value, and how far from it a figure may be")
    alike: float | None = parameter(None, help="how far apart the figures may be", ge=0)
    trend: Literal["falling", "rising"] | None = parameter(None, help="how the figures of a sweep go")

    def check(self, inputs: Mapping[str, tuple[Declared, ...]]) -> Iterator[Misfit]:
        """There is a rule."""
        rules = (self.at_least, self.at_most, self.within, self.alike, self.trend)
        if all(rule is None for rule in rules):
            yield Misfit("text", "a claim needs a rule: at_least, at_most, within, alike or trend")

    @property
    def finding(self) -> Finding:
        """The claim as it stands before there are figures."""
        blank = Finding(self.text, self.source, percent=self.percent)
        rules = (
            self.at_least is not None and f">= {blank.shown(self.at_least)}",
            self.at_most is not None and f"<= {blank.shown(self.at_most)}",
            self.within is not None and " ± ".join(map(blank.shown, self.within)).removesuffix(" ± 0"),
            self.alike is not None and f"alike to {blank.shown(self.alike)}",
            self.trend,
        )
        paper = blank.shown(self.paper) if isinstance(self.paper, float) else self.paper
        return evolve(blank, paper=paper, rule=", ".join(rule for rule in rules if rule))

    def build(self, context: Context, *, ours: Metrics, theory: Metrics) -> Result:
        """Judge our figures. Raises NodeError where a metric isn't there, or one alone has no trend."""
        figures = _figures(ours, self.metric)
        if len(figures) < 2 and (self.trend or self.alike is not None):
            raise NodeError(f"{'trend' if self.trend else 'alike'} compares figures, and there is one only")
        forms = _figures(theory, self.theory_metric or self.metric)
        finding = evolve(self.finding, ours=figures, theory=forms)
        if all(map(math.isfinite, figures)):
            finding = evolve(finding, holds=self._holds(figures))
        shortfall = None
        if not finding.holds:
            shortfall = f"{self.text}: found {finding.shown(*figures)}, claimed {finding.rule}"
        return Result(finding, asdict(finding), shortfall=shortfall)

    def _holds(self, figures: tuple[float, ...]) -> bool:
        rising = figures if self.trend == "rising" else figures[::-1]
        return all(
            (
                self.at_least is None or min(figures) >= self.at_least,
                self.at_most is None or max(figures) <= self.at_most,
                self.within is None or all(abs(each - self.within[0]) <= self.within[1] for each in figures),
                self.alike is None or max(figures) - min(figures) <= self.alike,
                self.trend is None or (list(rising) == sorted(rising) and rising[0] < rising[-1]),
            )
        )


def _listed(places: str | tuple[str, ...]) -> tuple[str, ...]:
    return (places,) if isinstance(places, str) else places


def _figures(analyses: Metrics, places: str | tuple[str, ...]) -> tuple[float, ...]:
    """The number at each place of each analysis's metrics."""
    figures = []
    for label, metrics in analyses.items():
        found = dict(_numbers(metrics))
        for place in _listed(places):
            named = [figure for key, figure in found.items() if key == place or key.startswith(f"{place}.")]
            if not named:
                near = nearest(place, found)
                hint = f"did you mean {near!r}?" if near else f"there are: {', '.join(found) or 'none'}"
                raise NodeError(f"{label!r} has no number at {place!r} among its metrics ({hint})")
            figures += named
    return tuple(figures)


def _numbers(metrics: Any, above: str = "") -> Iterator[tuple[str, float]]:
    """Every number in nested metrics, nan for a null, with the keys that lead to it."""
    if isinstance(metrics, Mapping):
        for key, value in metrics.items():
            yield from _numbers(value, f"{above}.{key}" if above else str(key))
    elif isinstance(metrics, list | tuple):
        for index, value in enumerate(metrics):
            yield from _numbers(value, f"{above}.{index}")
    elif metrics is None or isinstance(metrics, int | float):
        yield above, math.nan if metrics is None else float(metrics)
