"""From a dictionary of neurons to a small balanced network, and back."""

from __future__ import annotations

import torch
from torch import Tensor

from flowlab.theory.networks.neurons import Neurons
from flowlab.theory.networks.relu_network import ReluNetwork


def alive(network: ReluNetwork, share: float = 1e-6) -> tuple[Neurons, Tensor]:
    """The unit neurons of a bank of one, and their outer weights a_k |w_k| (J, d), where |a| |w| is not nil.

    Nil is less than a share of the largest.
    """
    norms = network.inner[0].norm(dim=-1)
    weight = network.outer[0].norm(dim=-1) * norms
    kept = weight > share * weight.max()
    neurons = Neurons.of(network.inner[0][kept], network.biases[0][kept])
    return neurons, network.outer[0][kept] * norms[kept, None]


def merged(neurons: Neurons, outer: Tensor, apart: float) -> tuple[Neurons, Tensor]:
    """One neuron for each group of neighbours: their mean, weighted by |a|, with the sum of their outer weights.

    Neighbours lie within `apart` in (w, b) of the group's heaviest, and their outer weights within twice that in
    direction.
    """
    size = outer.norm(dim=-1)
    points = torch.cat([neurons.weights, neurons.biases[:, None]], -1)
    aims = outer / size[:, None]
    near = (torch.cdist(points, points) < apart) & (torch.cdist(aims, aims) < 2 * apart)
    near.fill_diagonal_(True)
    free = torch.ones_like(size, dtype=torch.bool)
    groups = []
    for heaviest in size.argsort(descending=True).tolist():
        if free[heaviest]:
            groups.append(near[heaviest] & free)
            free &= ~groups[-1]
    member = torch.stack(groups).to(outer)  # (G, J)
    share = member * size
    middle = share @ points / share.sum(-1, keepdim=True)
    return Neurons.of(middle[:, :-1], middle[:, -1]), member @ outer


def assembled(neurons: Neurons, outer: Tensor, samples: Tensor, targets: Tensor) -> ReluNetwork:
    """The balanced network (a bank of one) of a dictionary, its V and c fitted to the samples (Q, d)."""
    plain = torch.cat([samples, torch.ones_like(samples[:, :1])], -1)
    # pinv: the samples may span no more than a plane
    affine = torch.linalg.pinv(plain) @ (targets - neurons(samples) @ outer)
    scale = outer.norm(dim=-1, keepdim=True).sqrt()
    return ReluNetwork(
        outer=(outer / scale)[None],
        inner=(neurons.weights * scale)[None],
        biases=(neurons.biases * scale[:, 0])[None],
        skip=affine[:-1].mT[None],
        offset=affine[-1][None],
    )
