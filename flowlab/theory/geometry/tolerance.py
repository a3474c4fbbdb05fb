"""When a denoiser counts as interpolating."""

from __future__ import annotations

from torch import Tensor

# A violation of the order of the noise is no interpolation, however small the noise is beside the points.
_OF_SIGMA = 0.1


def largest_violation(tolerance: float, scale: float, sigma: Tensor) -> Tensor:
    """The largest |h(y_nm) - x_n| of an interpolating denoiser at levels sigma (L,), data units: (L,).

    A share `tolerance` of the shortest length of the points (`Geometry.scale`), and at most sigma / 10.
    """
    return (_OF_SIGMA * sigma).clamp_max(tolerance * scale)
