"""The strength of weight decay at which the best network has no neurons left."""

from __future__ import annotations

import torch
from torch import Tensor

from flowlab.theory.certificates.certificate import Demand, Projection, Search
from flowlab.theory.networks.neurons import Neurons


def collapse_strength(
    samples: Tensor, points: Tensor, search: Search, generator: torch.Generator
) -> tuple[Demand, Tensor]:
    """The least lambda at which the best network of loss + lambda C has no neurons, and its residual (N * M, d).

    loss = 1/(2 M) sum_nm |h(y_nm) - x_n|^2 on samples (N, M, d) of points (N, d). V and c are free, so without
    neurons h is the least-squares affine map with residual r. The loss is convex over measures of neurons, and no
    neuron lowers it if and only if lambda >= max over |w| = 1, b of |sum_i r_i relu(w . y_i + b)| / M. The maximum
    is exact in the plane; elsewhere it is an estimate by `search`, and the true lambda may be larger.
    """
    inputs = samples.flatten(0, 1)
    targets = points[:, None].expand_as(samples).flatten(0, 1)
    residual = Projection(inputs)(targets)
    none = Neurons(inputs[:0], inputs[:0, 0])
    _, demand = search(residual / samples.shape[1], inputs, none, generator)
    return demand, residual
