"""The largest violation at which a denoiser counts as interpolating."""

from __future__ import annotations

import torch
from torch import Tensor

# A violation as large as the noise is no interpolation, however small the noise is against the points.
_OF_SIGMA = 0.1
# Evaluating a sum of slabs takes several roundings: 1.5 measured in one case, the rest is margin.
_ROUNDINGS = 100
_FEWEST_STEPS = 10


def largest_violation(tolerance: float, scale: float, sigma: Tensor) -> Tensor:
    """The largest |h(y_nm) - x_n| that counts as interpolation at levels sigma (L,), data units: (L,).

    It is `tolerance` times the shortest length of the geometry (`Geometry.scale`), and at most sigma / 10.
    """
    return (_OF_SIGMA * sigma).clamp_max(tolerance * scale)


def evaluation_tolerance(solved: float, dtype: torch.dtype) -> float:
    """The tolerance of a network that is solved to `solved`, in float64, and evaluated in a dtype.

    As a share of the shortest length. float32 has a rounding of 1.2e-7: no network in it interpolates to 1e-8.
    """
    return max(solved, _ROUNDINGS * torch.finfo(dtype).eps)


def check_resolution(points: Tensor, shortest: float) -> None:
    """Raise ValueError where points (N, d) are too far out for their dtype to tell their distances.

    The distance of neighbouring numbers there must be below a tenth of the `shortest` length.
    """
    farthest = float(points.abs().max())
    step = torch.finfo(points.dtype).eps * farthest
    if step * _FEWEST_STEPS > shortest:
        name = str(points.dtype).removeprefix("torch.")
        raise ValueError(
            f"coordinates reach {farthest:.3g}, where numbers in {name} are {step:.2g} apart, but the shortest "
            f"length is {shortest:.3g}: move the points nearer to the origin, or use a finer dtype"
        )
