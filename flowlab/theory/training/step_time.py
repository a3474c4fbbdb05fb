"""How long a training step takes on this machine, by a few steps of a small part of the problem."""

from __future__ import annotations

from statistics import median
from time import perf_counter

import torch

from flowlab.theory.networks.relu_network import ReluNetwork
from flowlab.theory.training.denormals import denormals_flushed
from flowlab.theory.training.descent import Descent, Weights, backward, optimizer_of

_BUDGET = 0.1  # seconds of measuring
_NEURONS = (
    1 << 21
)  # hidden values of the part: more than a cache holds, and a step in a few hundredths of a second


@denormals_flushed()
def step_time(
    levels: int, rows: int, dimension: int, width: int, dtype: torch.dtype, device: torch.device
) -> float:
    """Seconds of one step on L levels of Q rows: that of fewer levels or rows, in proportion.

    A step is that of `train`: products with the weights, their gradients, and Adam.
    """
    some = max(1, min(rows, _NEURONS // width))
    few = max(1, min(levels, _NEURONS // (width * some)))
    generator = torch.Generator().manual_seed(0)

    def normal(*shape: int) -> torch.Tensor:
        return torch.randn(shape, generator=generator).to(device, dtype)

    zero = torch.zeros(few, dimension, dimension, dtype=dtype, device=device)
    start = ReluNetwork(
        normal(few, width, dimension), normal(few, width, dimension), normal(few, width), zero, zero[:, 0]
    )
    descent = Descent(1, 1e-9, dtype=dtype)
    weights = Weights.of(start, dtype, device)
    optimizer = optimizer_of(descent, weights)
    inputs, targets = normal(few, some, dimension), normal(1, some, dimension)

    def step() -> float:
        begin = perf_counter()
        backward(weights, inputs, targets, lambda residual: residual / some, 1e-9)
        optimizer.step()
        if device.type == "cuda":
            torch.cuda.synchronize()
        return perf_counter() - begin

    step()  # allocates, and starts what is started lazily
    taken = [step()]
    while sum(taken) < _BUDGET:
        taken.append(step())
    return median(taken) * (levels * rows) / (few * some)
