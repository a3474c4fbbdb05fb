"""Shallow ReLU denoisers with a skip connection, a bank of them as tensors."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from attrs import frozen
from torch import Tensor

from flowlab.theory.networks.slabs import Slabs


@frozen
class ReluNetwork:
    """A bank of networks h(y) = sum_k a_k relu(w_k . y + b_k) + V y + c, one per noise level.

    outer a (L, K, d), inner w (L, K, d), biases b (L, K), skip V (L, d, d) with y -> y @ V.mT,
    offset c (L, d). Source: arXiv 2506.19031, Section 2, the shallow network with a skip connection.
    """

    outer: Tensor
    inner: Tensor
    biases: Tensor
    skip: Tensor
    offset: Tensor

    def __call__(self, y: Tensor) -> Tensor:
        """Denoise y (L, S, d), level by level; L = 1 broadcasts."""
        hidden = (y @ self.inner.mT + self.biases[:, None]).relu()
        denoised: Tensor = hidden @ self.outer + y @ self.skip.mT + self.offset[:, None]
        return denoised

    def at(self, level: int) -> ReluNetwork:
        """The network of one level, as a bank of one."""
        return self.levels(slice(level, level + 1) if level != -1 else slice(level, None))

    def levels(self, chosen: slice) -> ReluNetwork:
        """The networks of the chosen levels, as a bank."""
        return ReluNetwork(*(part[chosen] for part in self._parts))

    def to(self, like: torch.dtype | Tensor) -> ReluNetwork:
        """The same bank in another dtype, or in the dtype and on the device of a tensor."""
        return ReluNetwork(*(part.to(like) for part in self._parts))

    @property
    def cost(self) -> Tensor:
        """The representation cost of the weights as they are, 1/2 sum_k (|a_k|^2 + |w_k|^2): (L,)."""
        return 0.5 * (self.outer.square().sum((-1, -2)) + self.inner.square().sum((-1, -2)))

    @property
    def balanced_cost(self) -> Tensor:
        """The representation cost after the best rescaling of each neuron, sum_k |a_k| |w_k|: (L,)."""
        products: Tensor = self.outer.norm(dim=-1) * self.inner.norm(dim=-1)
        return products.sum(-1)

    @property
    def _parts(self) -> tuple[Tensor, ...]:
        return self.outer, self.inner, self.biases, self.skip, self.offset


def concat_networks(banks: Sequence[ReluNetwork]) -> ReluNetwork:
    """One bank of the levels of several banks; narrower networks are padded with zero neurons."""
    width = max(bank.biases.shape[-1] for bank in banks)

    def pad(part: Tensor) -> Tensor:
        missing = width - part.shape[1]
        return torch.cat([part, part.new_zeros(len(part), missing, *part.shape[2:])], 1)

    return ReluNetwork(
        outer=torch.cat([pad(bank.outer) for bank in banks]),
        inner=torch.cat([pad(bank.inner) for bank in banks]),
        biases=torch.cat([pad(bank.biases) for bank in banks]),
        skip=torch.cat([bank.skip for bank in banks]),
        offset=torch.cat([bank.offset for bank in banks]),
    )


def as_relu_network(network: object) -> ReluNetwork | None:
    """The ReLU network that equals a denoiser everywhere; None for a denoiser of another type."""
    if isinstance(network, Slabs):
        return from_slabs(network)
    return network if isinstance(network, ReluNetwork) else None


def from_slabs(slabs: Slabs) -> ReluNetwork:
    """The balanced ReLU network of 2R neurons that equals a slab denoiser everywhere."""
    # |a| = |w| for each neuron makes the cost of the weights as they are equal the balanced cost.
    ratio = slabs.jumps.norm(dim=-1) / slabs.weights.norm(dim=-1)
    scale = torch.where(ratio > 0, ratio, torch.ones_like(ratio)).sqrt()[..., None]
    scale = torch.where(ratio[..., None] > 0, scale, torch.zeros_like(scale))
    inverse = torch.where(scale > 0, 1 / scale, torch.zeros_like(scale))
    inner, outer = slabs.weights * scale, slabs.jumps * inverse
    rise, fall = slabs.biases * scale[..., 0], (slabs.biases - 1) * scale[..., 0]
    levels, dimension = slabs.offset.shape
    return ReluNetwork(
        outer=torch.cat([outer, -outer], dim=-2),
        inner=torch.cat([inner, inner], dim=-2),
        biases=torch.cat([rise, fall], dim=-1),
        skip=slabs.offset.new_zeros(levels, dimension, dimension),
        offset=slabs.offset,
    )
