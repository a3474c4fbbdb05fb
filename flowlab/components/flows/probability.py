"""Probability flow."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from attrs import frozen

from flowlab.api import (
    Bank,
    Center,
    Context,
    Declared,
    Integrator,
    Misfit,
    NodeError,
    Path,
    Result,
    Trajectories,
    check_exact_map,
    gaussian_starts,
    parameter,
    reference,
)
from flowlab.components.flows.carry import carry

if TYPE_CHECKING:
    from torch import Tensor


@frozen
class ProbabilityFlow:
    """The probability flow dy/dsigma = (y - h(y, sigma)) / sigma, through the bank's levels down to sigma = 0.

    Starts y_T ~ N(m, s^2 I) at the bank's largest sigma. Source: arXiv 2506.19031, Eq. of the probability flow
    ODE, in sigma instead of t = sigma^2.
    """

    denoiser: str = reference("denoiser", help="the bank whose score is followed")
    integrator: str | None = reference(
        "integrator", None, help="how the flow steps from level to level (default: DDIM)"
    )
    samples: int = parameter(500, help="number of starts", ge=1)
    center: Center = parameter("cell", help="mean of the starts: anchor, centroid or the cell's middle")
    spread: float | None = parameter(
        None, help="standard deviation of the starts (default: the largest sigma)", unit="data units", gt=0
    )

    def check(self, inputs: Mapping[str, tuple[Declared, ...]]) -> Iterator[Misfit]:
        """An exact integrator needs a denoiser with an exact map."""
        return check_exact_map(inputs)

    def build(self, context: Context, *, denoiser: Bank, integrator: Integrator | None) -> Result:
        """Carry the starts to sigma = 0. Raises NodeError at a level without a solution."""
        import torch

        from flowlab.theory.separable_flow import exact_probability_flow

        if not bool(denoiser.usable.all()):
            lost = denoiser.sigma[~denoiser.usable]
            raise NodeError(
                f"the denoiser has no solution at {len(lost)} levels, sigma {lost.min():.4g} to "
                f"{lost.max():.4g}; a final_time below {lost.min() ** 2:.4g} avoids them"
            )
        sigma = torch.cat([denoiser.sigma, denoiser.sigma.new_zeros(1)])
        starts = gaussian_starts(denoiser, self.samples, self.center, self.spread, context)
        top = denoiser.network.at(0)

        def exact(y: Tensor) -> Tensor:
            return exact_probability_flow(top, y, sigma / sigma[0])  # type: ignore[arg-type]

        time = sigma.square()
        known = denoiser.exact_map and _proportional(denoiser)
        path = Path(sigma.log(), time, 0.5 / time, denoiser.denoise, exact if known else None)
        states = carry(path, starts, integrator, context)
        metrics = {"samples": self.samples, "levels": len(denoiser.sigma), "sigma_start": sigma[0].item()}
        return Result(Trajectories(states, sigma, denoiser, "probability"), metrics)


def _proportional(bank: Bank) -> bool:
    """Whether rho = alpha * sigma at every level, without which the exact map does not hold."""
    import torch

    if bank.rho is None:
        return False
    ratio = bank.rho / bank.sigma
    # the tolerance admits single precision
    return bool(torch.isclose(ratio, ratio[0], rtol=1e-6, atol=0).all())
