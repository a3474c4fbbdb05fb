"""The class of the endpoint of a start, by the final time T of its flow."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from attrs import frozen

from flowlab.api import (
    CLASSES,
    ClassesByFinalTime,
    Context,
    DenoiserBank,
    Integrator,
    NodeError,
    NodeLabel,
    NodeSpec,
    Result,
    Table,
    ValidationIssue,
    check_exact_flow,
    parameter,
    probability_path,
    reference,
)
from flowlab.api.helpers.swept_keys import check_free_keys

if TYPE_CHECKING:
    from torch import Tensor

    from flowlab.theory.geometry.geometry import Geometry


@frozen
class EarlyStopping:
    """The classes of the endpoints of starts on a segment, by the probability flow from every final time T.

    Theory predicts them from the start alone: a vertex from tau = max_n (min(z_n, l_n - z_n) / alpha)^2 on, the
    interior below the least of these times, and the boundary between. With a threshold these times shift. alpha is
    that of the closed form; for a denoiser of samples, it is the mean radius that the samples reach, divided by
    sigma. It needs an orthogonal set along the axes. Source: arXiv 2506.19031, Theorem 4.4.
    """

    denoiser: tuple[str, ...] = reference(
        "denoiser", many=True, gather=True, help="banks of one dataset, each with another final time"
    )
    integrator: str = reference("integrator", help="how the flow steps from level to level")
    first: tuple[float, ...] = parameter(help="first start of the segment, coordinates in the box", unit="edges")
    last: tuple[float, ...] = parameter(help="last start of the segment, coordinates in the box", unit="edges")
    starts: int = parameter(200, help="number of starts on the segment", ge=2)
    threshold: float = parameter(1e-6, help="threshold of the classes, L-infinity", unit="shortest lengths", gt=0)

    def check(self, inputs: Mapping[str, tuple[NodeSpec, ...]]) -> Iterator[ValidationIssue]:
        """Check the segment and its box, that one sweep at most repeats the denoisers, and exact flows."""
        if len(self.first) != len(self.last):
            yield ValidationIssue("last", f"{len(self.last)} coordinates where `first` has {len(self.first)}")
        yield from check_free_keys("denoiser", inputs.get("denoiser", ()), 1, "one sweep can vary the final time")
        yield from check_exact_flow(inputs)
        for bank in inputs["denoiser"]:
            training = bank.value_spec.training
            if training.axis_box is False:
                yield ValidationIssue(
                    "denoiser",
                    f"the classes of {bank.name!r} are not predicted: they are for an orthogonal set with the "
                    'origin, frame = "standard"',
                )
            elif training.edges is not None and training.edges != len(self.first):
                yield ValidationIssue(
                    "first", f"{len(self.first)} coordinates, but the box has {training.edges} edges"
                )

    def places(self, inputs: Mapping[str, tuple[NodeSpec, ...]]) -> Iterator[str]:
        """The places of the numbers over all final times and starts."""
        yield from ("starts", "times", "steps", "alpha", "agreement", "agreement_worst")
        yield from ("becoming_vertex", "tau_bracketed")

    def build(
        self, context: Context, *, denoiser: Mapping[NodeLabel, DenoiserBank], integrator: Integrator
    ) -> Result[ClassesByFinalTime]:
        """Compare the classes by the flow with those by theory, in a table with one row per final time and start.

        Raises NodeError where theory predicts none: for other datasets, or banks with different alpha.
        """
        import torch

        from flowlab.theory.flows.outcomes import axis_box, box_coordinates, outcome_labels, stopping_times
        from flowlab.theory.geometry.classes import classify

        banks = sorted(denoiser.values(), key=lambda bank: float(bank.sigma[0]))
        geometry = banks[0].training.geometry
        lengths = axis_box(geometry)
        if lengths is None:
            raise NodeError('the classes are predicted for an orthogonal set with the origin, frame = "standard"')
        alpha = _alpha(banks, lengths)
        near = self.threshold * geometry.scale
        y = self._segment(geometry)
        z = box_coordinates(geometry, y)
        quiet = context.without_progress()
        exactly = getattr(integrator, "exact", False)
        times, by_flow, by_theory = [], [], []
        for done, bank in enumerate(banks):
            ends = integrator.integrate(probability_path(bank, exactly), y, quiet)[-1]
            by_flow.append(classify(ends, geometry, self.threshold, "linf").labels)
            radius = alpha * float(bank.sigma[0])
            by_theory.append(outcome_labels(z, lengths, radius, near))
            times.append(float(bank.sigma[0]) ** 2)
            context.progress(done + 1, len(banks), {})
        labels, predicted = torch.stack(by_flow), torch.stack(by_theory)
        stops = stopping_times(z, lengths, alpha, near)
        agree, place = labels == predicted, torch.linspace(0, 1, self.starts).tolist()
        value = ClassesByFinalTime(
            times=times,
            place=place,
            labels=labels.tolist(),
            leaves_interior=stops.amin(-1).tolist(),
            becomes_vertex=stops.amax(-1).tolist(),
            steps=len(banks[0].sigma),
            agreement=agree.double().mean().item(),
        )
        metrics = {
            "starts": self.starts,
            "times": len(times),
            "steps": value.steps,
            "alpha": alpha,
            "agreement": value.agreement,
            "agreement_worst": agree.double().mean(-1).min().item(),
            **_changes(labels, stops.new_tensor(times), stops.amax(-1)),
        }
        grid = Table(
            {
                "final_time": [time for time in times for _ in range(self.starts)],
                "place": place * len(times),
                "class": [CLASSES[k] for k in labels.flatten().tolist()],
                "predicted": [CLASSES[k] for k in predicted.flatten().tolist()],
            }
        )
        return Result(value, metrics, {"classes": grid})

    def _segment(self, geometry: Geometry) -> Tensor:
        """The starts (S, d) from the first to the last, at equal distances."""
        import torch

        edges = geometry.edges
        if len(self.first) != len(edges):
            raise NodeError(f"the box has {len(edges)} edges, a start {len(self.first)} coordinates")
        first, last = (torch.tensor(end).to(edges) @ edges for end in (self.first, self.last))
        share = torch.linspace(0, 1, self.starts).to(edges)[:, None]
        return geometry.anchor + first + share * (last - first)


def _alpha(banks: list[DenoiserBank], lengths: Tensor) -> float:
    """The alpha = rho / sigma of the closed forms; for other banks, of the mean radius that the samples reach."""
    from flowlab.theory.geometry.separation import cluster_gaps

    alphas = []
    for bank in banks:
        sigma, radius = bank.sigma[:1], bank.rho
        if radius is None:
            radius = (lengths - cluster_gaps(bank.training.draw(sigma), bank.training.geometry)).mean(-1) / 2
        alphas.append(float(radius[0] / sigma[0]))
    if max(alphas) > (1 + 1e-3) * min(alphas):  # the rounding of single precision, divided by a small sigma
        raise NodeError(f"one alpha for all final times is needed, found {min(alphas):.4g} to {max(alphas):.4g}")
    return max(alphas)


def _changes(labels: Tensor, times: Tensor, tau: Tensor) -> dict[str, float]:
    """The number of starts that end in a vertex at some time, and the share whose tau is bracketed by the flow.

    The bracket is the first time T at which a start ends in a vertex, and the time before it.
    """
    import torch

    vertex = labels <= CLASSES.index("virtual")
    ever, first = vertex.any(0), vertex.int().argmax(0)
    bounds = torch.cat([times.new_tensor([-torch.inf]), times, times.new_tensor([torch.inf])])
    index = torch.where(ever, first, len(times))
    inside = (bounds[index] < tau) & (tau <= bounds[index + 1])
    return {"becoming_vertex": int(ever.sum()), "tau_bracketed": inside.double().mean().item()}
