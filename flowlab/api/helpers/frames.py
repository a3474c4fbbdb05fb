"""Orthonormal frames in which a dataset lays its points."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from flowlab.api.context import Context

if TYPE_CHECKING:
    from torch import Tensor

Frame = Literal["random", "standard"]


def orthonormal_frame(kind: Frame, count: int, dimension: int, context: Context) -> Tensor:
    """`count` orthonormal rows in R^dimension: the first axes, or Haar-random by QR with fixed signs."""
    import torch

    if kind == "standard":
        return torch.eye(count, dimension, dtype=context.dtype, device=context.device)
    shape = (dimension, count)
    normal = torch.randn(shape, generator=context.generator("frame"), dtype=torch.float64)
    basis, triangle = torch.linalg.qr(normal)
    # without the signs QR does not sample the Haar measure
    rows = (basis * triangle.diagonal().sign()).mT
    return rows.to(context.device, context.dtype)
