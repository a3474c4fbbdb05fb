"""A shallow ReLU denoiser as affine maps, one a region in which no neuron changes its state."""

from __future__ import annotations

import torch
from attrs import astuple, evolve, frozen
from torch import Tensor

from flowlab.theory.networks.relu_network import as_relu_network

# Heights this many roundings of their terms from zero are on the kink.
_ROUNDINGS = 64


@frozen
class AffineRegions:
    """h(y) = sum_k a_k relu(w_k . y + b_k) + V y + c of one level, with |w_k| = 1.

    The height w_k . y + b_k is the distance of y from the kink of neuron k. outer a (K, d), inner w (K, d),
    biases b (K,), skip V (d, d), offset c (d,).
    """

    outer: Tensor
    inner: Tensor
    biases: Tensor
    skip: Tensor
    offset: Tensor

    def heights(self, y: Tensor) -> Tensor:
        """w_k . y + b_k at y (S, d): (S, K)."""
        return y @ self.inner.mT + self.biases

    def field(self, y: Tensor) -> Tensor:
        """h(y) - y at y (S, d): (S, d)."""
        return self.heights(y).relu() @ self.outer + y @ self.skip.mT + self.offset - y

    def rounding(self, y: Tensor) -> Tensor:
        """What heights are uncertain by, for the rounding of their terms: (S, K)."""
        eps = torch.finfo(y.dtype).eps
        return _ROUNDINGS * eps * (y.norm(dim=-1, keepdim=True) + self.biases.abs())

    def double(self) -> AffineRegions:
        """The same in float64."""
        return AffineRegions(*(part.double() for part in astuple(self, recurse=False)))

    def about(self, center: Tensor) -> AffineRegions:
        """The same denoiser in coordinates y - center, where rounding doesn't grow with the place of the data."""
        moved = self.skip @ center + self.offset - center
        return evolve(self, biases=self.biases + self.inner @ center, offset=moved)

    def active(self, y: Tensor, field: Tensor, former: Tensor | None = None) -> Tensor:
        """Which neurons are at work in the region that the flow from y (S, d) enters: (S, K) bool.

        On a kink the sign of the height's speed decides; where it is at rest, too, nothing changes.
        """
        heights, speed = self.heights(y), field @ self.inner.mT
        near = heights.abs() <= self.rounding(y)
        # h is continuous, so the speed is the same on both sides of the kink
        moving = speed.abs() > self.rounding(y)
        rest = heights > 0 if former is None else former
        return torch.where(near, torch.where(moving, speed > 0, rest), heights > 0)

    def maps(self, active: Tensor) -> tuple[Tensor, Tensor]:
        """J and q of h(y) = J y + q in regions (S, K): (S, d, d) and (S, d)."""
        chosen = active.to(self.outer)
        jacobians = (self.outer.mT * chosen[:, None]) @ self.inner + self.skip
        return jacobians, (chosen * self.biases) @ self.outer + self.offset


def affine_regions(network: object) -> AffineRegions | None:
    """The regions of a denoiser of one level; None for one that isn't piecewise affine.

    Neurons whose slope |a| |w| is below rounding count as the constants that they are at the origin.
    """
    relu = as_relu_network(network)
    if relu is None:
        return None
    outer, inner, biases = relu.outer[0], relu.inner[0], relu.biases[0]
    size = inner.norm(dim=-1)
    product = outer.norm(dim=-1) * size
    alive = ~(product <= torch.finfo(outer.dtype).eps / max(1, len(product)))  # what is not finite stays
    # a neuron that has next to no direction is a constant
    offset = relu.offset[0] + biases[~alive].relu() @ outer[~alive]
    outer, inner, biases, size = outer[alive], inner[alive], biases[alive], size[alive]
    return AffineRegions(outer * size[:, None], inner / size[:, None], biases / size, relu.skip[0], offset)
