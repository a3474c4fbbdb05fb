"""Orthonormal frames, along which a dataset places its points."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from flowlab.api.context import Context

if TYPE_CHECKING:
    from torch import Tensor

Frame = Literal["random", "standard"]


def orthonormal_frame(kind: Frame, count: int, dimension: int, context: Context) -> Tensor:
    """The orthonormal rows (count, dimension) of a frame: the first axes, or Haar-random.

    Source of the random frame, by QR with fixed signs: Mezzadri, Notices of the AMS 54 (2007), 592-604.
    """
    import torch

    if kind == "standard":
        return torch.eye(count, dimension, dtype=context.dtype, device=context.device)
    shape = (dimension, count)
    normal = torch.randn(shape, generator=context.generator("frame"), dtype=torch.float64)
    basis, triangle = torch.linalg.qr(normal)
    # without the signs QR does not sample the Haar measure
    rows = (basis * triangle.diagonal().sign()).mT
    return rows.to(context.device, context.dtype)
