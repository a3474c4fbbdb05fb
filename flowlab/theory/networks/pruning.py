"""From a dictionary of unit neurons to a small balanced network, and back."""

from __future__ import annotations

import torch
from torch import Tensor

from flowlab.theory.networks.neurons import Neurons
from flowlab.theory.networks.relu_network import ReluNetwork


def live_neurons(network: ReluNetwork, share: float = 1e-6) -> tuple[Neurons, Tensor]:
    """The unit neurons of a one-level bank with their outer weights a_k |w_k| (J, d).

    Neurons whose |a| |w| is at most `share` of the largest are left out.
    """
    norms = network.inner[0].norm(dim=-1)
    product = network.outer[0].norm(dim=-1) * norms
    kept = product > share * product.max()
    neurons = Neurons.of(network.inner[0][kept], network.biases[0][kept])
    return neurons, network.outer[0][kept] * norms[kept, None]


def merge_neighbours(neurons: Neurons, outer: Tensor, radius: float) -> tuple[Neurons, Tensor]:
    """Replace each group of neighbouring neurons by one neuron: G neurons and their outer weights (G, d).

    The new neuron is the mean of the group, weighted by |a|, with the sum of the group's outer weights, outer a
    (J, d). A group is all neurons within `radius` in (w, b) of its heaviest neuron whose outer weights differ by
    less than twice the radius in direction.
    """
    size = outer.norm(dim=-1)
    points = torch.cat([neurons.weights, neurons.biases[:, None]], -1)
    directions = outer / size[:, None]
    near = (torch.cdist(points, points) < radius) & (torch.cdist(directions, directions) < 2 * radius)
    near.fill_diagonal_(True)
    free = torch.ones_like(size, dtype=torch.bool)
    groups = []
    for heaviest in size.argsort(descending=True).tolist():
        if free[heaviest]:
            groups.append(near[heaviest] & free)
            free &= ~groups[-1]
    member = torch.stack(groups).to(outer)  # (G, J)
    mass = member * size
    mean = mass @ points / mass.sum(-1, keepdim=True)
    return Neurons.of(mean[:, :-1], mean[:, -1]), member @ outer


def build_network(neurons: Neurons, outer: Tensor, samples: Tensor, targets: Tensor) -> ReluNetwork:
    """The balanced network (a bank of one) of neurons with outer weights, outer (J, d).

    V and c are fitted by least squares to samples (Q, d) with targets (Q, d).
    """
    augmented = torch.cat([samples, torch.ones_like(samples[:, :1])], -1)
    # pinv: the samples may span no more than a plane
    affine = torch.linalg.pinv(augmented) @ (targets - neurons(samples) @ outer)
    scale = outer.norm(dim=-1, keepdim=True).sqrt()
    return ReluNetwork(
        outer=(outer / scale)[None],
        inner=(neurons.weights * scale)[None],
        biases=(neurons.biases * scale[:, 0])[None],
        skip=affine[:-1].mT[None],
        offset=affine[-1][None],
    )
