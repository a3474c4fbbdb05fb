"""Unit ReLU neurons, and the demand that multipliers of an interpolation problem have for them."""

from __future__ import annotations

import torch
from attrs import frozen
from torch import Tensor


@frozen
class Neurons:
    """J neurons y -> relu(w_j . y + b_j) with |w_j| = 1: weights (J, d), biases (J,)."""

    weights: Tensor
    biases: Tensor

    @classmethod
    def of(cls, weights: Tensor, biases: Tensor) -> Neurons:
        """The neurons with weights (J, d) other than zero and biases (J,), scaled to |w_j| = 1."""
        norms = weights.norm(dim=-1)
        return cls(weights / norms[:, None], biases / norms)

    def __len__(self) -> int:
        return len(self.biases)

    def __call__(self, y: Tensor) -> Tensor:
        """Activations at y (Q, d): (Q, J)."""
        return (y @ self.weights.mT + self.biases).relu()

    def __getitem__(self, chosen: Tensor | slice) -> Neurons:
        return Neurons(self.weights[chosen], self.biases[chosen])

    def __add__(self, others: Neurons) -> Neurons:
        return Neurons(torch.cat([self.weights, others.weights]), torch.cat([self.biases, others.biases]))

    def demand(self, multipliers: Tensor, samples: Tensor) -> Tensor:
        """The demand F_j = sum_i z_i relu(w_j . y_i + b_j) for each neuron: (J, d).

        With multipliers z (Q, d) on samples y (Q, d). At a network of least cost |F| <= 1 everywhere. |F_j| > 1
        means that neuron j, with outer weights along F_j, would lower the cost.
        """
        return self(samples).mT @ multipliers
