"""Samples about the origin and of size one: the coordinates that all searches and bounds work in."""

from __future__ import annotations

import math

from attrs import frozen
from torch import Tensor

from flowlab.theory.neurons import Neurons


@frozen
class StandardCoordinates:
    """y -> (y - mean) / scale: the cost of interpolation, |F| and outer weights of unit neurons stay as they are.

    Multipliers of the moved problem are `scale` times those of the original. The scale is a power of two, so
    that dividing by it is exact.
    """

    mean: Tensor
    scale: float

    @classmethod
    def of(cls, samples: Tensor) -> StandardCoordinates:
        """Those of samples (Q, d): their mean, and their largest distance from it, rounded to a power of two."""
        mean = samples.mean(0)
        size = float((samples - mean).norm(dim=-1).max())
        if not math.isfinite(size):
            raise ArithmeticError("the samples are not finite")
        return cls(mean, 2.0 ** math.frexp(size)[1] if size > 0 else 1.0)

    def __call__(self, y: Tensor) -> Tensor:
        """Samples or targets (Q, d) in these coordinates."""
        return (y - self.mean) / self.scale

    def enter(self, neurons: Neurons) -> Neurons:
        """The same unit neurons, on samples in these coordinates."""
        return Neurons(neurons.weights, (neurons.biases + neurons.weights @ self.mean) / self.scale)

    def leave(self, neurons: Neurons) -> Neurons:
        """Neurons of these coordinates on the original samples."""
        return Neurons(neurons.weights, neurons.biases * self.scale - neurons.weights @ self.mean)
