"""Whether denoisers have minimum norm: a proved dual bound, and an estimate of a better one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from functools import partial

from attrs import frozen

from flowlab.api import (
    Cell,
    Certificates,
    Context,
    DenoiserBank,
    NodeError,
    NodeLabel,
    NodeSpec,
    Result,
    Table,
    ValidationIssue,
    nearest_level,
    parameter,
    reference,
)


@frozen
class Certificate:
    """Lower bounds on the least cost beside the cost of each denoiser: how far it can be above the minimum.

    No network that interpolates costs less than sum_i z_i . x_i / g, for multipliers z with sum_i z_i = 0 and
    sum_i z_i y_i^T = 0, and g = max over |w| = 1, b of |sum_i z_i relu(w . y_i + b)|. z comes from cutting planes
    over neurons. `bound_proved` and `gap_proved` rest on an upper bound on g. It is exact on a line and in the
    plane, and from branch and bound over `regions` regions of directions in more dimensions. `bound_estimate` and
    `gap_estimate` rest on the largest g of ascents from `starts` neurons, and may claim too much.

    A network is "minimal" if its proved gap is at most `gap`, and "not minimal" if a network is known that costs
    less by more than the gap. It is "estimated" if it is minimal by the estimate, and "open" otherwise. Source:
    weak duality; nearest published, cutting planes over neurons, arXiv 2002.11219.
    """

    denoiser: tuple[str, ...] = reference(
        "denoiser", many=True, gather=True, help="banks of shallow ReLU networks"
    )
    sigma: tuple[float, ...] = parameter(
        (), help="levels to judge; the nearest ones are used (default: all usable)", unit="data units", gt=0
    )
    gap: float = parameter(0.01, help="proved gap 1 - bound / cost that counts as minimal", gt=0, lt=1)
    tolerance: float = parameter(
        1e-3,
        help="largest violation of an interpolating level (at most sigma / 10)",
        unit="shortest lengths",
        gt=0,
    )
    rounds: int = parameter(30, help="most rounds of cutting planes", ge=1)
    regions: int = parameter(2_000_000, help="most regions of directions bounded in a proof", ge=1)
    starts: int = parameter(128, help="random starting neurons of each search for g", ge=1)
    steps: int = parameter(60, help="steps of ascent in each search for g", ge=1)

    def check(self, inputs: Mapping[str, tuple[NodeSpec, ...]]) -> Iterator[ValidationIssue]:
        """Check that the banks are ReLU networks."""
        for bank in inputs["denoiser"]:
            if bank.value_spec.relu is False:
                yield ValidationIssue("denoiser", f"{bank.name!r} is no shallow ReLU network: nothing to certify")

    def places(self, inputs: Mapping[str, tuple[NodeSpec, ...]]) -> Iterator[str]:
        """The places of the counts of each verdict that occurs, and of the largest gaps."""
        yield from ("levels", "minimal", "not minimal", "estimated", "open", "gap_proved_max", "gap_estimate_max")

    def build(self, context: Context, *, denoiser: Mapping[NodeLabel, DenoiserBank]) -> Result[Certificates]:
        """Judge every network, in a table with one row per denoiser and level.

        Raises NodeError where a bank has no ReLU networks.
        """
        from flowlab.theory.certificates.certificate import Search
        from flowlab.theory.certificates.minimality import judge
        from flowlab.theory.certificates.proving import ProofBudget
        from flowlab.theory.geometry.tolerance import largest_violation
        from flowlab.theory.networks.interpolation import Interpolation
        from flowlab.theory.networks.relu_network import ReluNetwork

        networks = [(label, bank, level) for label, bank in denoiser.items() for level in self._levels(bank)]
        columns: dict[str, list[Cell]] = {}
        for done, (label, bank, level) in enumerate(networks):
            if not isinstance(bank.network, ReluNetwork):
                raise NodeError(f"{label} holds no shallow ReLU networks: nothing to certify")
            sigma = bank.sigma[level : level + 1]
            samples = bank.training.draw(bank.sigma)[level : level + 1].double()
            verdict = judge(
                bank.network.at(level).to(samples.dtype),
                Interpolation(samples, bank.training.geometry.points.double(), sigma.double()),
                bank.training.geometry.pattern,
                None if bank.multipliers is None else bank.multipliers[level : level + 1].double(),
                float(largest_violation(self.tolerance, bank.training.geometry.scale, sigma)),
                self.gap,
                ProofBudget(regions=self.regions, rounds=self.rounds),
                Search(self.starts, self.steps),
                context.level_generator("", f"{label} {level}", float(sigma)),
                partial(_report, context, done, len(networks)),
            )
            certificate = verdict.certificate
            row: dict[str, Cell] = {
                "denoiser": str(label),
                "sigma": float(sigma),
                "verdict": verdict.word,
                "violation_max": verdict.violation,
                "cost": verdict.cost,
                "cost_slab": _number(verdict.slab_cost),
                "slab_ratio": _number(verdict.cost / verdict.slab_cost),
                "bound_proved": verdict.bound_proved,
                "gap_proved": _number(verdict.gap_proved),
                "bound_estimate": verdict.bound_estimate,
                "gap_estimate": _number(verdict.gap_estimate),
                "multipliers_estimate": verdict.multipliers_estimate,
                "slab_gap_proved": _number(1 - verdict.bound_proved / verdict.slab_cost),
                "demand_proved": verdict.proof.demand.upper,
                "demand_estimate": certificate.bound.demand.value,
                "starts": certificate.bound.demand.starts,
                "rounds": certificate.rounds,
                "neurons": len(certificate.program.neurons),
            }
            for key, value in row.items():
                columns.setdefault(key, []).append(value)
            context.progress(done + 1, len(networks), {"gap_proved": verdict.gap_proved})
        words = Counter(columns.get("verdict", []))
        metrics = {
            "levels": len(networks),
            **{str(word): count for word, count in words.items()},
            **{f"{name}_max": _largest(columns.get(name, [])) for name in ("gap_proved", "gap_estimate")},
        }
        rest = {word: count for word, count in words.items() if word != "minimal"}
        shortfall = ", ".join(f"{count} of {len(networks)} levels {word}" for word, count in rest.items()) or None
        certificates = Certificates(columns, [label for label, _, _ in networks])
        return Result(certificates, metrics, {"certificate": Table(columns)}, shortfall)

    def _levels(self, bank: DenoiserBank) -> list[int]:
        if self.sigma:
            return sorted({nearest_level(bank, sigma) for sigma in self.sigma})
        return [level for level, usable in enumerate(bank.usable.tolist()) if usable]


def _report(context: Context, done: int, total: int, name: str, value: float) -> None:
    context.progress(done, total, {name: value})


def _largest(cells: Sequence[Cell]) -> float | None:
    return max((cell for cell in cells if isinstance(cell, float)), default=None)


def _number(value: float) -> float | None:
    return None if value != value else value
