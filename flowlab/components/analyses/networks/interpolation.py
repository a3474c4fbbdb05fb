"""Whether trained denoisers interpolate at minimum norm."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from attrs import frozen

from flowlab.api import (
    AnalysisSpec,
    Context,
    DenoiserBank,
    NetworkQuality,
    NodeSpec,
    Result,
    parameter,
    reference,
)

_FIGURES = ("levels", "interpolating", "violation_max", "slab_ratio", "mse")


@frozen
class Interpolation:
    """Violation, training MSE and representation cost of each level, beside the costs of closed form and slabs.

    The cost of the closed form is for the effective radius of the samples. Slabs interpolate, so a slab ratio
    above 1 + slack at an interpolating level means that the optimisation failed, and the result says so.
    """

    denoiser: tuple[str, ...] = reference("denoiser", many=True, help="trained banks")
    tolerance: float = parameter(
        1e-3,
        help="largest violation of an interpolating level (at most sigma / 10)",
        unit="shortest lengths",
        gt=0,
    )
    slack: float = parameter(1e-3, help="allowed excess over the slab cost, as a share of it", ge=0)

    def places(self, inputs: Mapping[str, tuple[NodeSpec, ...]]) -> Iterator[str]:
        """The places of the numbers of each denoiser."""
        for bank in inputs["denoiser"]:
            yield from (f"{bank.name}.{figure}" for figure in _FIGURES)

    def value_spec(self, inputs: Mapping[str, tuple[NodeSpec, ...]]) -> AnalysisSpec:
        """What is known of the table before the run."""
        return AnalysisSpec(empty=all(bank.value_spec.quality is False for bank in inputs["denoiser"]) or None)

    def build(self, context: Context, *, denoiser: Mapping[str, DenoiserBank]) -> Result[NetworkQuality]:
        """Collect the numbers, in a table with one row per denoiser and level.

        The metrics are the worst level of each denoiser, and the mean of the MSE.
        """
        from flowlab.theory.geometry.tolerance import largest_violation

        figures = dict.fromkeys(figure for bank in denoiser.values() for figure in bank.quality)
        columns: dict[str, list[float | str | None]] = {}
        metrics: dict[str, dict[str, float | int]] = {}
        failed = []
        for name, bank in denoiser.items():
            if not bank.quality:
                continue
            columns.setdefault("denoiser", []).extend([name] * len(bank.sigma))
            columns.setdefault("sigma", []).extend(bank.sigma.tolist())
            none = [None] * len(bank.sigma)
            for figure in figures:
                columns.setdefault(figure, []).extend(bank.quality.get(figure, none))
            most = largest_violation(self.tolerance, bank.training.geometry.scale, bank.sigma).tolist()
            judged = (bank.quality.get(figure, none) for figure in ("violation_max", "slab_ratio"))
            pairs = list(zip(*judged, strict=True))
            exact = [
                (v, ratio)
                for (v, ratio), allowed in zip(pairs, most, strict=True)
                if v is not None and v <= allowed
            ]
            ratios = [ratio for _, ratio in exact if ratio is not None]
            metrics[name] = {
                "levels": len(pairs),
                "interpolating": len(exact),
                "violation_max": max((v for v, _ in pairs if v is not None), default=float("nan")),
                "slab_ratio": max(ratios, default=float("nan")),
                "mse": _mean(bank.quality.get("mse", none)),
            }
            above = sum(ratio > 1 + self.slack for ratio in ratios)
            if above or len(exact) < len(pairs):
                failed.append(
                    f"{name}: {len(pairs) - len(exact)} of {len(pairs)} levels do not interpolate, {above} "
                    f"cost over {1 + self.slack:g} times the slabs"
                )
        table = NetworkQuality(columns)
        return Result(table, metrics, {"interpolation": table}, shortfall="; ".join(failed) or None)


def _mean(values: Sequence[float | None]) -> float:
    """The mean of the numbers; nan where one is missing or there is none."""
    known = [float("nan") if value is None else value for value in values]
    return sum(known) / len(known) if known else float("nan")
