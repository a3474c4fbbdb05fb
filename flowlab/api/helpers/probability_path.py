"""The equation of the probability flow of a bank, for any integrator."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from flowlab.api.errors import NodeError
from flowlab.api.kinds.denoiser import Denoiser, DenoiserBank
from flowlab.api.kinds.integrator import FlowODE

if TYPE_CHECKING:
    from torch import Tensor

    from flowlab.theory.flows.affine_regions import AffineRegions
    from flowlab.theory.flows.region_flow import RegionFlow


def probability_path(bank: DenoiserBank, exactly: bool = True) -> FlowODE:
    """The flow dy/dsigma = (y - h(y, sigma)) / sigma through the levels of the bank down to sigma = 0.

    With `exactly` it has its exact states, where these are known: for a closed form on separable points with radii
    proportional to sigma, and where all denoisers are piecewise affine. Raises NodeError where a level has no
    solution. Source: arXiv 2506.19031, Theorem 4.4.
    """
    import torch

    if not bool(bank.usable.all()):
        unsolved = bank.sigma[~bank.usable]
        raise NodeError(
            f"the denoiser has no solution at {len(unsolved)} levels, sigma {unsolved.min():.4g} to "
            f"{unsolved.max():.4g}; a final_time below {unsolved.min() ** 2:.4g} avoids them"
        )
    sigma = torch.cat([bank.sigma, bank.sigma.new_zeros(1)])
    return _path(sigma, bank.denoise, _exact(bank) if exactly else None)


def halved_probability_path(bank: DenoiserBank) -> FlowODE:
    """The same flow at half the step: with a level between every two in log sigma, and one at half the last.

    There, a closed form or a network with `at_sigma` is evaluated at the new level; any other denoiser is used
    twice.
    """
    import torch

    sigma = bank.sigma
    between = _between(sigma)
    middle = _network_between(bank)
    if middle is not None:

        def denoise(y: Tensor, i: int) -> Tensor:
            return bank.denoise(y, i // 2) if i % 2 == 0 else middle.at(i // 2)(y[None])[0]
    else:

        def denoise(y: Tensor, i: int) -> Tensor:
            return bank.denoise(y, i // 2)

    finer = torch.stack([sigma, between], 1).flatten()
    return _path(torch.cat([finer, sigma.new_zeros(1)]), denoise, None)


def _between(levels: Tensor) -> Tensor:
    """The geometric mean of every two neighbouring levels (L,), and half the last level: (L,)."""
    import torch

    return torch.cat([(levels[1:] * levels[:-1]).sqrt(), levels[-1:] / 2])


def _network_between(bank: DenoiserBank) -> Denoiser | None:
    """The denoisers between the levels of a bank; None where they are not known."""
    if hasattr(bank.network, "at_sigma"):
        return bank.network.at_sigma(_between(bank.sigma))
    form = bank.training.geometry.closed_form
    return None if bank.rho is None or form is None else form(_between(bank.rho))


def exact_end_known(bank: DenoiserBank) -> bool:
    """Whether the probability flow of a bank ends exactly in h_T(y_T).

    It does for closed forms on separable points with rho = alpha sigma. Source: arXiv 2506.19031, Theorem 4.4.
    """
    import torch

    if bank.rho is None or not bank.training.geometry.separable:
        return False
    ratio = bank.rho / bank.sigma
    # the tolerance allows for single precision
    return bool(torch.isclose(ratio, ratio[0], rtol=1e-6, atol=0).all())


def _affine_levels(bank: DenoiserBank) -> list[AffineRegions] | None:
    """The affine regions of each level's denoiser; None where one is not piecewise affine."""
    from flowlab.theory.flows.affine_regions import affine_regions

    levels = []
    for level in range(len(bank.sigma)):
        regions = affine_regions(bank.network.at(level))
        if regions is None:
            return None
        levels.append(regions)
    return levels


def _path(sigma: Tensor, denoise: Callable[[Tensor, int], Tensor], exact: _Exact | None) -> FlowODE:
    time = sigma.square()
    return FlowODE(sigma.log(), time, 0.5 / time, denoise, exact)


def _exact(bank: DenoiserBank) -> _Exact | None:
    import torch

    from flowlab.theory.flows.bank_flow import bank_flow
    from flowlab.theory.flows.region_flow import RegionFlow
    from flowlab.theory.flows.separable_flow import exact_probability_flow

    if exact_end_known(bank):
        ratio = torch.cat([bank.sigma, bank.sigma.new_zeros(1)]) / bank.sigma[0]
        top = bank.network.at(0)
        return lambda y, _: RegionFlow(exact_probability_flow(top, y, ratio))  # type: ignore[arg-type]
    levels = _affine_levels(bank)
    return None if levels is None else lambda y, report: bank_flow(levels, bank.sigma, y, report)


if TYPE_CHECKING:
    _Exact = Callable[[Tensor, Callable[[int, int], None]], RegionFlow]
