"""The search for the neuron of largest demand, max over |w| = 1, b of |F(w, b)|."""

from __future__ import annotations

import torch
from torch import Tensor

from flowlab.theory.networks.neurons import Neurons

_CHUNK = 4_000_000  # numbers in the largest intermediate tensor of the bias search


def random_neurons(samples: Tensor, count: int, generator: torch.Generator) -> Neurons:
    """Random neurons whose kinks pass through samples (Q, d); half point along noisy differences of samples."""
    size, dimension = samples.shape
    weights = torch.randn(count, dimension, generator=generator, dtype=torch.float64).to(samples)
    first = torch.randint(size, (count,), generator=generator)
    second = (first + torch.randint(1, max(size, 2), (count,), generator=generator)) % size
    differences = samples[first] - samples[second]
    differences = differences / differences.norm(dim=-1, keepdim=True).clamp_min(1e-12)
    noise = weights / weights.norm(dim=-1, keepdim=True)
    half = torch.arange(count, device=samples.device)[:, None] < count // 2
    weights = torch.where(half, differences + 0.3 * noise, noise)
    on_kink = samples[torch.randint(size, (count,), generator=generator)]
    return Neurons.of(weights, -(weights * on_kink).sum(-1))


def climb(multipliers: Tensor, samples: Tensor, starts: Neurons, steps: int, rate: float = 0.05) -> Neurons:
    """Ascend |F(w, b)| from all starts at once, by Adam in float64 with a learning rate that falls to zero.

    For multipliers z (Q, d) on samples y (Q, d). The samples have to be centred: otherwise a small step in w needs
    a large step in b.
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
            direction = hidden.relu_().mT @ z
            direction = direction / direction.norm(dim=-1, keepdim=True).clamp_min(1e-30)
            sample_grads = (z @ direction.mT).mul_(active)  # (Q, J): d|F| / d height of each sample
            slope = sample_grads.mT @ y
            weights.grad = ((slope * unit).sum(-1, keepdim=True) * unit - slope) / norms
            biases.grad = -sample_grads.sum(0)
        optimizer.step()
    return Neurons(torch.nn.functional.normalize(weights.detach(), dim=-1), biases.detach() * scale)


def best_biases(multipliers: Tensor, samples: Tensor, neurons: Neurons) -> Neurons:
    """The neurons with the same directions, each at the bias where |F| is largest, exactly.

    For projected multipliers z (Q, d) on samples y (Q, d). F is linear in b between the kinks b = -w . y_i, and
    zero beyond them because z is projected. So |F| is largest at a kink, where sums over the sorted samples give
    its value: O(Q log Q) per direction.
    """
    size, dimension = multipliers.shape
    biases = []
    for weights in neurons.weights.split(max(1, _CHUNK // (size * dimension))):
        heights, order = (weights @ samples.mT).sort(dim=-1, descending=True)
        z = multipliers[order]
        # at the kink of the k-th sample the k samples above it are active
        demand = (z * heights[..., None]).cumsum(1) - heights[..., None] * z.cumsum(1)
        best = demand.norm(dim=-1).argmax(-1, keepdim=True)
        biases.append(-heights.gather(-1, best)[:, 0])
    return Neurons(neurons.weights, torch.cat(biases))


def select_distinct(neurons: Neurons, order: Tensor, distance: float, most: int) -> Tensor:
    """Select at most `most` neurons that lie farther than a distance from each other.

    order (J',) holds indices of candidates; each is compared, as a point (w, b), with those selected before it.
    Returns the selected indices (J'',).
    """
    points = torch.cat([neurons.weights, neurons.biases[:, None]], -1)[order]
    far = torch.cdist(points, points) > distance
    chosen: list[int] = []
    for i in range(len(points)):
        if len(chosen) == most:
            break
        if bool(far[i, chosen].all()):
            chosen.append(i)
    return order[chosen]
