"""Score flow."""

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
    nearest_level,
    parameter,
    reference,
    start_law,
)
from flowlab.components.flows.carry import carry

if TYPE_CHECKING:
    from torch import Tensor


@frozen
class ScoreFlow:
    """The score flow dy/dr = h(y) - y of one denoiser, at one noise level, for a long time.

    Starts are those of the probability flow; it ends in the stable points of h. The step is uniform in r.
    Source: arXiv 2506.19031, Eq. of the score flow, Theorems 4.2 and 4.3.
    """

    denoiser: str = reference("denoiser", help="the bank one of whose levels is followed")
    integrator: str | None = reference("integrator", None, help="how the flow steps (default: DDIM)")
    sigma: float | None = parameter(
        None, help="noise level, the nearest one is taken (default: the least)", unit="data units", gt=0
    )
    duration: float = parameter(100.0, help="time r at the end", gt=0)
    steps: int = parameter(400, help="number of steps", ge=1)
    samples: int = parameter(500, help="number of starts", ge=1)
    center: Center = parameter("cell", help="mean of the starts: anchor, centroid or the cell's middle")
    spread: float | None = parameter(
        None, help="standard deviation of the starts (default: the largest sigma)", unit="data units", gt=0
    )

    def check(self, inputs: Mapping[str, tuple[Declared, ...]]) -> Iterator[Misfit]:
        """An exact integrator needs a denoiser with an exact map."""
        return check_exact_map(inputs)

    def build(self, context: Context, *, denoiser: Bank, integrator: Integrator | None) -> Result:
        """Follow the score. Raises NodeError where no level has a solution."""
        import torch

        from flowlab.theory.separable_flow import exact_score_flow

        if not bool(denoiser.usable.any()):
            raise NodeError("the denoiser has no solution at any level")
        level = nearest_level(denoiser, self.sigma)
        network = denoiser.network.at(level)
        starts = gaussian_starts(denoiser, self.samples, self.center, self.spread, context)
        r = torch.linspace(0, self.duration, self.steps + 1).to(starts)

        def denoise(y: Tensor, _: int) -> Tensor:
            return network(y[None])[0]

        def exact(y: Tensor) -> Tensor:
            return exact_score_flow(network, y, r)  # type: ignore[arg-type]

        path = Path(-r, r, torch.full_like(r, -1), denoise, exact if denoiser.exact_map else None)
        states = carry(path, starts, integrator, context)
        residual = (denoise(states[-1], 0) - states[-1]).abs().max().item()
        shortfall = None
        if residual > 1e-3:
            shortfall = (
                f"not at rest at r = {self.duration:g}: |h(y) - y| is still {residual:.2g} for one of "
                f"{self.samples} starts"
            )
        law = start_law(denoiser, self.center, self.spread)
        metrics = {
            "samples": self.samples,
            "sigma": denoiser.sigma[level].item(),
            "residual_max": residual,
        }
        return Result(Trajectories(states, r, denoiser, "score", level, law), metrics, shortfall=shortfall)
