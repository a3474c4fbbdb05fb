"""Whether denoisers are minimum-norm, proved by a dual bound."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING

from attrs import frozen

from flowlab.api import Bank, Cell, Context, NodeError, Result, Table, nearest_level, parameter, reference

if TYPE_CHECKING:
    from flowlab.theory.cutting_planes import Certificate as Found


@frozen
class Certificate:
    """How far each denoiser's cost can be above the least possible: a dual lower bound beside it.

    No network that interpolates costs less than sum_i z_i . x_i / max(1, g), for multipliers z with
    sum_i z_i = 0, sum_i z_i y_i^T = 0 and g = max over |w| = 1, b of |sum_i z_i relu(w . y_i + b)|. z comes from
    cutting planes over neurons; g is exact in the plane, else the best of many ascents (no proof: more `starts`
    make it surer).
    A network of the least cost is "minimal", one above a known minimum "not minimal"; "open" means that
    `rounds` were not enough.
    """

    denoiser: tuple[str, ...] = reference(
        "denoiser", many=True, gather=True, help="banks of shallow ReLU networks"
    )
    sigma: tuple[float, ...] = parameter(
        (), help="levels to judge, the nearest are taken (default: all usable)", unit="data units", gt=0
    )
    gap: float = parameter(0.01, help="optimality gap 1 - bound / cost that counts as minimal", gt=0, lt=1)
    tolerance: float = parameter(
        1e-3,
        help="largest violation of an interpolating level, and sigma / 10",
        unit="shortest lengths",
        gt=0,
    )
    rounds: int = parameter(30, help="most rounds of cutting planes", ge=1)
    starts: int = parameter(128, help="random starting neurons of each search for g", ge=1)
    steps: int = parameter(60, help="steps of ascent in each search for g", ge=1)

    def build(self, context: Context, *, denoiser: Mapping[str, Bank]) -> Result:
        """One row a denoiser and level. Raises NodeError where a bank holds no ReLU networks."""
        from flowlab.theory.certificate import Search
        from flowlab.theory.interpolation import Interpolation
        from flowlab.theory.minimality import judge
        from flowlab.theory.relu_network import ReluNetwork
        from flowlab.theory.tolerance import largest_violation

        jobs = [(name, bank, level) for name, bank in denoiser.items() for level in self._levels(bank)]
        columns: dict[str, list[Cell]] = {}
        for done, (name, bank, level) in enumerate(jobs):
            if not isinstance(bank.network, ReluNetwork):
                raise NodeError(f"{name} holds no shallow ReLU networks: nothing to certify")
            sigma = bank.sigma[level : level + 1]
            samples = bank.training.draw(bank.sigma)[level : level + 1].double()
            verdict = judge(
                bank.network.at(level).to(samples.dtype),
                Interpolation(samples, bank.training.geometry.points.double(), sigma.double()),
                bank.training.geometry.pattern,
                None if bank.multipliers is None else bank.multipliers[level : level + 1].double(),
                float(largest_violation(self.tolerance, bank.training.geometry.scale, sigma)),
                self.gap,
                self.rounds,
                Search(self.starts, self.steps),
                context.generator(f"{name} {level}"),
                partial(_report, context, done, len(jobs)),
            )
            found = verdict.certificate
            row: dict[str, Cell] = {
                "denoiser": name,
                "sigma": float(sigma),
                "verdict": verdict.word,
                "violation_max": verdict.violation,
                "cost": verdict.cost,
                "cost_slab": _number(verdict.slab_cost),
                "slab_ratio": _number(verdict.cost / verdict.slab_cost),
                "bound": verdict.bound,
                "bound_multipliers": verdict.bound_multipliers,
                "gap": _number(verdict.gap),
                "slab_gap": _number(1 - verdict.bound / verdict.slab_cost),
                "settled": found.settled,
                "demand": found.bound.demand.value,
                "demand_exact": found.bound.demand.exact,
                "starts": found.bound.demand.starts,
                "rounds": found.rounds,
                "neurons": len(found.program.neurons),
            }
            for key, value in row.items():
                columns.setdefault(key, []).append(value)
            context.progress(done + 1, len(jobs), {"gap": verdict.gap})
        words = Counter(columns.get("verdict", []))
        metrics = {
            "levels": len(jobs),
            **{str(word): count for word, count in words.items()},
            "gap_max": max((gap for gap in columns.get("gap", []) if isinstance(gap, float)), default=None),
        }
        rest = {word: count for word, count in words.items() if word != "minimal"}
        shortfall = ", ".join(f"{count} of {len(jobs)} levels {word}" for word, count in rest.items()) or None
        return Result(columns, metrics, {"certificate": Table(columns)}, shortfall)

    def _levels(self, bank: Bank) -> list[int]:
        if self.sigma:
            return sorted({nearest_level(bank, sigma) for sigma in self.sigma})
        return [level for level, usable in enumerate(bank.usable.tolist()) if usable]


def _report(context: Context, done: int, total: int, turn: int, so_far: Found) -> None:
    context.progress(done, total, {"round": turn, "bound": so_far.bound.value})


def _number(value: float) -> float | None:
    return None if value != value else value
