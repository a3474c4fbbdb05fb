"""A claim of the paper, with our number and the closed form's."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Literal

from attrs import asdict, evolve, frozen

from flowlab.api import (
    ClaimResult,
    Context,
    NodeError,
    NodeLabel,
    NodeSpec,
    Result,
    ValidationIssue,
    parameter,
    reference,
)
from flowlab.api.metric_places import known_places, leads_to_one
from flowlab.api.nearest_name import nearest
from flowlab.api.node_label import SEED

if TYPE_CHECKING:
    from flowlab.theory.statistics.over_seeds import Judgement, OverSeeds

Metrics = Mapping[NodeLabel, Mapping[str, Any]]  # of each analysis


@frozen
class Claim:
    """One claim: the paper's number, ours and the closed form's, and whether the claim holds for ours.

    A number is one of the metrics of an analysis, named by its keys joined by dots: `2.share`, `pf.virtual`
    (summary.json shows them). A place with several numbers stands for all of them. From a swept analysis, and from
    several analyses, all numbers are used together.

    If the experiment has several seeds (`seeds = 5`), a claim is about the mean over seeds. A bound holds if the
    95 % interval of each mean (Student's t) is wholly inside, fails if one is wholly outside, and is undecided
    otherwise. `alike` judges the paired differences of any two numbers in the same way. A `trend` holds if Page's
    test over the order of the sweep, with one block per seed, is significant at 5 %. It fails if the opposite
    trend is, or if one step goes the other way (5 % in all, Bonferroni). For two settings it is a sign test, which
    needs five seeds. Seeds that do not differ at all are no replication, and count as one. With `every_seed` the
    claim is about each seed, and one seed against it refutes it.

    With one seed, numbers are judged as they are, which is no statistics: a trend allows equal neighbours, but not
    equal ends. Where a number is null, like the cost ratio of a network that does not interpolate, the claim is
    not known. Source: Student, Biometrika 6 (1908), 1-25; Page, JASA 58 (1963), 216-230.
    """

    text: str = parameter(help="the claim in words")
    source: str = parameter(help="where the paper claims it")
    ours: tuple[str, ...] = reference(
        "analysis", many=True, gather=True, metrics=True, seeds=True, help="the analyses that have our number"
    )
    metric: str | tuple[str, ...] = parameter(help="its place in their metrics, keys joined by dots, or several")
    theory: tuple[str, ...] = reference(
        "analysis",
        (),
        many=True,
        gather=True,
        metrics=True,
        seeds=True,
        help="the analyses that have the closed form's number",
    )
    theory_metric: str | tuple[str, ...] | None = parameter(
        None, help="its place in their metrics (default: metric)"
    )
    paper: str | float | None = parameter(None, help="the paper's number, as stated there")
    percent: bool = parameter(False, help="show numbers in percent: they are shares")
    at_least: float | None = parameter(None, help="least number for which the claim holds")
    at_most: float | None = parameter(None, help="largest number for which the claim holds")
    within: tuple[float, float] | None = parameter(None, help="a value, and the largest distance from it")
    alike: float | None = parameter(None, help="largest difference of any two numbers", ge=0)
    trend: Literal["falling", "rising"] | None = parameter(None, help="trend of the numbers over the sweep")
    every_seed: bool = parameter(False, help="the claim is about each seed, not about the mean over seeds")

    def check(self, inputs: Mapping[str, tuple[NodeSpec, ...]]) -> Iterator[ValidationIssue]:
        """Check that there is a rule, and that the analyses have the numbers, where they know before the run."""
        rules = (self.at_least, self.at_most, self.within, self.alike, self.trend)
        if all(rule is None for rule in rules):
            yield ValidationIssue("text", "a claim needs a rule: at_least, at_most, within, alike or trend")
        if self.at_least is not None and self.at_most is not None and self.at_least > self.at_most:
            yield ValidationIssue(
                "at_most", f"no figure is at least {self.at_least:g} and at most {self.at_most:g}"
            )
        if self.within is not None and self.within[1] < 0:
            yield ValidationIssue(
                "within", f"no figure is within {self.within[1]:g} of another: the second number is a distance"
            )

        both = (
            ("metric", self.metric, inputs.get("ours", ())),
            ("theory_metric", self.theory_metric or self.metric, inputs.get("theory", ())),
        )
        if (self.trend or self.alike is not None) and _is_single(self.metric, inputs.get("ours", ())):
            rule = "trend" if self.trend else "alike"
            yield ValidationIssue(rule, f"{rule} compares figures, and there is one only")
        for key, places, analyses in both:
            for analysis in analyses:
                yield from _absent(key if getattr(self, key) else "metric", places, analysis)

    @property
    def finding(self) -> ClaimResult:
        """The row of the claim before there are numbers."""
        blank = ClaimResult(self.text, self.source, percent=self.percent)
        rules = (
            self.at_least is not None and f">= {blank.format_numbers(self.at_least)}",
            self.at_most is not None and f"<= {blank.format_numbers(self.at_most)}",
            self.within is not None and " ± ".join(map(blank.format_numbers, self.within)).removesuffix(" ± 0"),
            self.alike is not None and f"alike to {blank.format_numbers(self.alike)}",
            self.trend,
            self.every_seed and "each seed",
        )
        paper = blank.format_numbers(self.paper) if isinstance(self.paper, float) else self.paper
        return evolve(blank, paper=paper, rule=", ".join(rule for rule in rules if rule))

    def places(self, inputs: Mapping[str, tuple[NodeSpec, ...]]) -> Iterator[str]:
        """The places of the numbers of the claim, by setting and by seed."""
        yield from ("paper", "percent", "by_seed.*.*")
        for numbers in ("ours", "theory"):
            yield from (f"{numbers}.*", f"{numbers}_intervals.*.*")

    def build(self, context: Context, *, ours: Metrics, theory: Metrics) -> Result[ClaimResult]:
        """Judge our numbers.

        Raises NodeError where a metric is missing, the seeds have different numbers, or a single number is
        compared.
        """
        from flowlab.theory.statistics.over_seeds import OverSeeds

        rows, starts, same_starts = _by_seed(ours, self.metric)
        if len(rows[0]) < 2 and (self.trend or self.alike is not None):
            raise NodeError(f"{'trend' if self.trend else 'alike'} compares figures, and there is one only")
        figures = OverSeeds(rows, starts, same_starts)
        finding = evolve(self.finding, by_seed=rows, ours=figures.means, ours_intervals=_intervals(figures))
        if theory:
            forms = OverSeeds(*_by_seed(theory, self.theory_metric or self.metric))
            finding = evolve(finding, theory=forms.means, theory_intervals=_intervals(forms))
        if all(math.isfinite(figure) for row in rows for figure in row):
            finding = self._judge(finding, figures)
        shortfall = None
        if finding.verdict != "holds":
            verdict = finding.verdict or "not known"
            because = f" ({finding.reason})" if finding.reason else ""
            shortfall = f"{self.text}: {verdict}{because}; found {finding.our_figures}, claimed {finding.rule}"
        return Result(finding, asdict(finding), shortfall=shortfall)

    def _judge(self, finding: ClaimResult, figures: OverSeeds) -> ClaimResult:
        """The finding with its verdict and its reason."""
        from flowlab.theory.statistics.over_seeds import OverSeeds, combine_verdicts

        if not self.every_seed:
            judged = list(self._rules(figures))
            words = [
                word
                for rule, judgement in judged
                if (word := self._words(finding, rule, judgement, figures.random))
            ]
            if len(figures.rows) > 1 and not figures.random and not any(figures.starts):
                words = ["the same at each seed"]
            return evolve(
                finding,
                verdict=combine_verdicts(judgement.verdict for _, judgement in judged),
                reason="; ".join(words),
            )
        each = [
            combine_verdicts(judgement.verdict for _, judgement in self._rules(OverSeeds((row,))))
            for row in figures.rows
        ]
        against = [
            finding.format_numbers(*row)
            for row, judgement in zip(figures.rows, each, strict=True)
            if judgement == "fails"
        ]
        reason = f"against it {len(against)} of {len(each)} seeds, the first with {against[0]}" if against else ""
        return evolve(finding, verdict=combine_verdicts(each), reason=reason)

    def _rules(self, figures: OverSeeds) -> Iterator[tuple[str, Judgement]]:
        if self.at_least is not None:
            yield "at_least", figures.between(self.at_least, math.inf)
        if self.at_most is not None:
            yield "at_most", figures.between(-math.inf, self.at_most)
        if self.within is not None:
            value, off = self.within
            yield "within", figures.between(value - off, value + off)
        if self.alike is not None:
            yield "alike", figures.alike(self.alike)
        if self.trend == "rising":
            yield "trend", figures.rising()
        if self.trend == "falling":
            yield "trend", figures.falling()

    def _words(self, finding: ClaimResult, rule: str, judged: Judgement, random: bool) -> str:
        """The reason of a verdict, where the numbers do not show it."""
        if judged.p is not None:
            steps = [f"{word} {', '.join(map(str, numbers))}" for word, numbers in (
                ("the other way goes step", judged.contrary), ("open step", judged.open)
            ) if numbers]  # fmt: skip
            return "; ".join([f"Page p = {judged.p:.2g}", *steps])
        if judged.verdict == "holds" or judged.interval is None or not random:
            return ""
        interval = f"[{finding.format_numbers(judged.interval[0])}, {finding.format_numbers(judged.interval[1])}]"
        of = "difference " if rule == "alike" else ""
        return f"{of}{interval} {'is outside' if judged.verdict == 'fails' else 'crosses the bound'}"


def _by_seed(
    analyses: Metrics, places: str | tuple[str, ...]
) -> tuple[tuple[tuple[float, ...], ...], tuple[int | None, ...], tuple[bool, ...]]:
    """The numbers of each seed, one row without a sweep over seeds, and the starts of which they are shares.

    Last is said of each number whether all seeds have the same starts.
    Raises NodeError where the seeds have different numbers.
    """
    seeds: dict[int | None, dict[NodeLabel, Mapping[str, Any]]] = {}
    for label, metrics in analyses.items():
        seeds.setdefault(label.seed, {})[label.without(SEED)] = metrics
    numbers = [_figures(analyses_of_seed, places) for analyses_of_seed in seeds.values()]
    rows = tuple(tuple(figure for figure, _, _ in row) for row in numbers)
    if len(set(map(len, rows))) > 1 or len(set(map(frozenset, seeds.values()))) > 1:
        raise NodeError(f"the seeds have different numbers of figures at {places!r}: they cannot be compared")
    return rows, tuple(starts for _, starts, _ in numbers[0]), tuple(same for _, _, same in numbers[0])


def _intervals(figures: OverSeeds) -> tuple[tuple[float, float], ...]:
    """The 95 % interval of each mean; none for one seed."""
    return figures.intervals if len(figures.rows) > 1 else ()


def _absent(key: str, places: str | tuple[str, ...], analysis: NodeSpec) -> Iterator[ValidationIssue]:
    """The places at which an analysis will have no number, as far as its component knows."""
    known = known_places(analysis)
    for place in _as_tuple(places):
        if known is not None and not leads_to_one(place, known):
            yield ValidationIssue(
                key, f"{analysis.name!r} has no number at {place!r} among its metrics ({_hint(place, known)})"
            )


def _is_single(places: str | tuple[str, ...], analyses: Collection[NodeSpec]) -> bool:
    """Whether there is one number only at each seed, as far as the components know."""
    settings = {
        (analysis.name, *((path, repr(value)) for path, value in analysis.variant.items() if path != SEED))
        for analysis in analyses
    }
    known = [known_places(analysis) for analysis in analyses]
    return (
        len(settings) == len(_as_tuple(places)) == 1
        and all(place in each for each in known if each is not None for place in _as_tuple(places))
        and None not in known
    )


def _hint(place: str, known: Collection[str]) -> str:
    near = nearest(place, known)
    return f"did you mean {near!r}?" if near else f"there are: {', '.join(known) or 'none'}"


def _as_tuple(places: str | tuple[str, ...]) -> tuple[str, ...]:
    return (places,) if isinstance(places, str) else places


def _figures(analyses: Metrics, places: str | tuple[str, ...]) -> list[tuple[float, int | None, bool]]:
    """The numbers at the places in the metrics of each analysis, the starts of which they are shares, and whether
    all seeds have these starts.
    """
    figures: list[tuple[float, int | None, bool]] = []
    for label, metrics in analyses.items():
        numbers = dict(_numbers(metrics))
        for place in _as_tuple(places):
            named = [
                (figure, _starts(numbers, key), bool(numbers.get(_beside(key, "same_starts"))))
                for key, figure in numbers.items()
                if key == place or key.startswith(f"{place}.")
            ]
            if not named:
                raise NodeError(
                    f"{str(label)!r} has no number at {place!r} among its metrics ({_hint(place, numbers)})"
                )
            figures += named
    return figures


def _starts(numbers: Mapping[str, float], key: str) -> int | None:
    """The number `starts` that is beside a share in the metrics; None for other numbers."""
    starts = numbers.get(_beside(key, "starts"))
    return int(starts) if starts and 0 <= numbers[key] <= 1 and not key.endswith(".starts") else None


def _beside(key: str, name: str) -> str:
    """The place of a number beside another."""
    return f"{key.rpartition('.')[0]}.{name}"


def _numbers(metrics: Any, above: str = "") -> Iterator[tuple[str, float]]:
    """Every number in nested metrics with its place; a null is nan."""
    if isinstance(metrics, Mapping):
        for key, value in metrics.items():
            yield from _numbers(value, f"{above}.{key}" if above else str(key))
    elif isinstance(metrics, list | tuple):
        for index, value in enumerate(metrics):
            yield from _numbers(value, f"{above}.{index}")
    elif metrics is None or isinstance(metrics, int | float):
        yield above, math.nan if metrics is None else float(metrics)
