"""The search for the neuron that a set of multipliers demands most: max over |w| = 1, b of |F(w, b)|."""

from __future__ import annotations

import torch
from torch import Tensor

from flowlab.theory.networks.neurons import Neurons

_CHUNK = 4_000_000  # numbers in the largest intermediate tensor of the bias search


def random_neurons(samples: Tensor, count: int, generator: torch.Generator) -> Neurons:
    """Neurons whose kink goes through a sample (Q, d); half of them point along noisy differences of samples."""
    size, dimension = samples.shape
    weights = torch.randn(count, dimension, generator=generator, dtype=torch.float64).to(samples)
    first = torch.randint(size, (count,), generator=generator)
    other = (first + torch.randint(1, max(size, 2), (count,), generator=generator)) % size
    along = samples[first] - samples[other]
    along = along / along.norm(dim=-1, keepdim=True).clamp_min(1e-12)
    noise = weights / weights.norm(dim=-1, keepdim=True)
    half = torch.arange(count, device=samples.device)[:, None] < count // 2
    weights = torch.where(half, along + 0.3 * noise, noise)
    through = samples[torch.randint(size, (count,), generator=generator)]
    return Neurons.of(weights, -(weights * through).sum(-1))


def climb(multipliers: Tensor, samples: Tensor, starts: Neurons, steps: int, rate: float = 0.05) -> Neurons:
    """Ascend |F(w, b)| from each start at once: Adam in float64, of learning rate falling to zero.

    Samples are to be centred: a shift is a large bias, which the steps in w would have to follow.
    """
    z, scale = multipliers, samples.std(0).norm()
    weights, biases = starts.weights.clone(), starts.biases / scale
    y = samples / scale
    leaves = [weights.requires_grad_(), biases.requires_grad_()]
    optimizer = torch.optim.Adam(leaves, lr=rate)
    for step in range(steps):
        optimizer.param_groups[0]["lr"] = rate * (1 - step / steps)
        with torch.no_grad():
            norms = weights.norm(dim=-1, keepdim=True)
            unit = weights / norms
            hidden = torch.addmm(biases, y, unit.mT)
            active = hidden > 0
            force = hidden.relu_().mT @ z
            force = force / force.norm(dim=-1, keepdim=True).clamp_min(1e-30)
            pull = (z @ force.mT).mul_(active)  # (Q, J): each sample's share of d|F|
            slope = pull.mT @ y
            weights.grad = ((slope * unit).sum(-1, keepdim=True) * unit - slope) / norms
            biases.grad = -pull.sum(0)
        optimizer.step()
    return Neurons(torch.nn.functional.normalize(weights.detach(), dim=-1), biases.detach() * scale)


def best_biases(multipliers: Tensor, samples: Tensor, neurons: Neurons) -> Neurons:
    """The same directions with the bias at which |F| is largest, exactly.

    F is linear in b between the kinks b = -w . y_i, and zero beyond them as the multipliers are projected; so
    |F| is largest at a kink, where suffix sums over the sorted samples give it: O(Q log Q) a direction.
    """
    size, dimension = multipliers.shape
    biases = []
    for weights in neurons.weights.split(max(1, _CHUNK // (size * dimension))):
        heights, order = (weights @ samples.mT).sort(dim=-1, descending=True)
        z = multipliers[order]
        # at the kink of the k-th sample the k samples above it are active
        force = (z * heights[..., None]).cumsum(1) - heights[..., None] * z.cumsum(1)
        best = force.norm(dim=-1).argmax(-1, keepdim=True)
        biases.append(-heights.gather(-1, best)[:, 0])
    return Neurons(neurons.weights, torch.cat(biases))


def distinct(neurons: Neurons, order: Tensor, apart: float, most: int) -> Tensor:
    """Indices, in the given order, of at most `most` neurons that lie `apart` from all chosen before them."""
    points = torch.cat([neurons.weights, neurons.biases[:, None]], -1)[order]
    far = torch.cdist(points, points) > apart
    chosen: list[int] = []
    for i in range(len(points)):
        if len(chosen) == most:
            break
        if bool(far[i, chosen].all()):
            chosen.append(i)
    return order[chosen]
