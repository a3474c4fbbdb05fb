"""The time of a training step on this machine, from a few steps on a small part of the problem."""

from __future__ import annotations

from statistics import median
from time import perf_counter

import torch

from flowlab.theory.networks.relu_network import ReluNetwork
from flowlab.theory.training.denormals import denormals_flushed
from flowlab.theory.training.descent import Descent, Weights, backward, optimizer_of

_BUDGET = 0.1  # seconds of measurement
# Hidden values of the part: more than a processor's cache holds, and a step takes a few hundredths of a second.
_NEURONS = 1 << 21


@denormals_flushed()
def step_time(
    levels: int, rows: int, dimension: int, width: int, dtype: torch.dtype, device: torch.device
) -> float:
    """The seconds of one step of `train` on `levels` levels of `rows` rows each, an estimate.

    It measures a step on fewer levels or rows and scales it in proportion. A step consists of the products with
    the weights, their gradients, and Adam.
    """
    sample_rows = max(1, min(rows, _NEURONS // width))
    sample_levels = max(1, min(levels, _NEURONS // (width * sample_rows)))
    generator = torch.Generator().manual_seed(0)

    def normal(*shape: int) -> torch.Tensor:
        return torch.randn(shape, generator=generator).to(device, dtype)

    zero = torch.zeros(sample_levels, dimension, dimension, dtype=dtype, device=device)
    outer, inner = (normal(sample_levels, width, dimension) for _ in range(2))
    start = ReluNetwork(outer, inner, normal(sample_levels, width), zero, zero[:, 0])
    descent = Descent(1, 1e-9, dtype=dtype)
    weights = Weights.of(start, dtype, device)
    optimizer = optimizer_of(descent, weights)
    inputs, targets = normal(sample_levels, sample_rows, dimension), normal(1, sample_rows, dimension)

    def step() -> float:
        begin = perf_counter()
        backward(weights, inputs, targets, lambda residual: residual / sample_rows, 1e-9)
        optimizer.step()
        if device.type == "cuda":
            torch.cuda.synchronize()
        return perf_counter() - begin

    step()  # the first step allocates memory and starts threads
    seconds = [step()]
    while sum(seconds) < _BUDGET:
        seconds.append(step())
    return median(seconds) * (levels * rows) / (sample_levels * sample_rows)
