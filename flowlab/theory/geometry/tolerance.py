"""The largest violation at which a denoiser counts as interpolating."""

from __future__ import annotations

from torch import Tensor

# A violation as large as the noise is no interpolation, however small the noise is against the points.
_OF_SIGMA = 0.1


def largest_violation(tolerance: float, scale: float, sigma: Tensor) -> Tensor:
    """The largest |h(y_nm) - x_n| that counts as interpolation at levels sigma (L,), data units: (L,).

    It is `tolerance` times the shortest length of the geometry (`Geometry.scale`), and at most sigma / 10.
    """
    return (_OF_SIGMA * sigma).clamp_max(tolerance * scale)
