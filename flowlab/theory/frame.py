"""Coordinates in which the training points are of size one about the origin."""

from __future__ import annotations

from collections.abc import Callable

import torch
from attrs import frozen
from torch import Tensor

from flowlab.theory.geometry import Geometry
from flowlab.theory.relu_network import ReluNetwork


@frozen
class Frame:
    """z = (y - origin) / scale, origin (d,): what is a share of the scale outside is a plain number inside.

    A network keeps its weights in either frame, so its representation cost is the same: with
    h(y) = sum_k a_k relu(w_k . y + b_k) + V y + c and x_0 the origin, s the scale, inside it has the biases
    (b_k + w_k . x_0) / s and the offset (c + V x_0 - x_0) / s. Exact but for rounding; the frame at 0 of
    scale 1 changes no bit.
    """

    origin: Tensor
    scale: float

    @property
    def rounding(self) -> float:
        """What rounding leaves of a coordinate inside: the coordinates outside may be large beside the scale."""
        size = 1 + float(self.origin.norm()) / self.scale
        return size * torch.finfo(self.origin.dtype).eps

    def inside(self, y: Tensor) -> Tensor:
        """Points (..., d) in the frame."""
        return (y - self.origin) / self.scale

    def outside(self, z: Tensor) -> Tensor:
        """Points (..., d) of the frame in data units."""
        return self.origin + self.scale * z

    def denoiser_inside(self, denoise: Callable[[Tensor], Tensor]) -> Callable[[Tensor], Tensor]:
        """A denoiser of points (..., d), in the frame."""
        return lambda z: self.inside(denoise(self.outside(z)))

    def network_inside(self, network: ReluNetwork) -> ReluNetwork:
        """A bank of networks in the frame."""
        origin = self.origin.to(network.inner)
        return ReluNetwork(
            network.outer,
            network.inner,
            (network.biases + network.inner @ origin) / self.scale,
            network.skip,
            (network.offset + network.skip @ origin - origin) / self.scale,
        )

    def network_outside(self, network: ReluNetwork) -> ReluNetwork:
        """A bank of networks of the frame, in data units."""
        origin = self.origin.to(network.inner)
        return ReluNetwork(
            network.outer,
            network.inner,
            self.scale * network.biases - network.inner @ origin,
            network.skip,
            self.scale * network.offset - network.skip @ origin + origin,
        )


def frame_of(geometry: Geometry) -> Frame:
    """The frame about a geometry's anchor, in units of its scale."""
    return Frame(geometry.anchor, geometry.scale)
