"""A shallow ReLU denoiser as one affine map per region, where a region fixes which neurons are active."""

from __future__ import annotations

import torch
from attrs import astuple, evolve, frozen
from torch import Tensor

from flowlab.theory.networks.relu_network import as_relu_network

# A height within this many rounding errors of zero is on the kink.
_ROUNDINGS = 64


@frozen
class AffineRegions:
    """A denoiser h(y) = sum_k a_k relu(w_k . y + b_k) + V y + c of one level, with |w_k| = 1.

    outer a (K, d), inner w (K, d), biases b (K,), skip V (d, d), offset c (d,). The height w_k . y + b_k is the
    signed distance of y from the kink of neuron k, the hyperplane on which the neuron starts to be active.
    """

    outer: Tensor
    inner: Tensor
    biases: Tensor
    skip: Tensor
    offset: Tensor

    def heights(self, y: Tensor) -> Tensor:
        """The heights w_k . y + b_k at y (S, d): (S, K)."""
        return y @ self.inner.mT + self.biases

    def field(self, y: Tensor) -> Tensor:
        """The velocity of the score flow, h(y) - y, at y (S, d): (S, d)."""
        return self.heights(y).relu() @ self.outer + y @ self.skip.mT + self.offset - y

    def rounding(self, y: Tensor) -> Tensor:
        """The rounding error of the heights at y (S, d): (S, K)."""
        eps = torch.finfo(y.dtype).eps
        return _ROUNDINGS * eps * (y.norm(dim=-1, keepdim=True) + self.biases.abs())

    def double(self) -> AffineRegions:
        """The same denoiser in float64."""
        return AffineRegions(*(part.double() for part in astuple(self, recurse=False)))

    def about(self, center: Tensor) -> AffineRegions:
        """The same denoiser in the coordinates y - center, center (d,): rounding is then relative to the data."""
        offset = self.skip @ center + self.offset - center
        return evolve(self, biases=self.biases + self.inner @ center, offset=offset)

    def active(self, y: Tensor, field: Tensor, previous: Tensor | None = None) -> Tensor:
        """The active neurons of the region that the flow from y enters: (S, K) bool.

        y (S, d) has the velocity field (S, d). On a kink the sign of the height's speed decides. Where the speed
        is zero as well, the neuron keeps its previous (S, K) state.
        """
        heights, speed = self.heights(y), field @ self.inner.mT
        on_kink = heights.abs() <= self.rounding(y)
        # h is continuous, so the speed is the same on both sides of the kink
        moving = speed.abs() > self.rounding(y)
        default = heights > 0 if previous is None else previous
        return torch.where(on_kink, torch.where(moving, speed > 0, default), heights > 0)

    def maps(self, active: Tensor) -> tuple[Tensor, Tensor]:
        """The J (S, d, d) and q (S, d) of h(y) = J y + q in the regions active (S, K)."""
        mask = active.to(self.outer)
        jacobians = (self.outer.mT * mask[:, None]) @ self.inner + self.skip
        return jacobians, (mask * self.biases) @ self.outer + self.offset


def affine_regions(network: object) -> AffineRegions | None:
    """The affine regions of a denoiser of one level; None for a denoiser that is not piecewise affine.

    Neurons whose slope |a| |w| is below rounding are replaced by their value at the origin.
    """
    relu = as_relu_network(network)
    if relu is None:
        return None
    outer, inner, biases = relu.outer[0], relu.inner[0], relu.biases[0]
    size = inner.norm(dim=-1)
    product = outer.norm(dim=-1) * size
    alive = ~(product <= torch.finfo(outer.dtype).eps / max(1, len(product)))  # nan stays
    # a neuron with almost no slope is a constant
    offset = relu.offset[0] + biases[~alive].relu() @ outer[~alive]
    outer, inner, biases, size = outer[alive], inner[alive], biases[alive], size[alive]
    return AffineRegions(outer * size[:, None], inner / size[:, None], biases / size, relu.skip[0], offset)
