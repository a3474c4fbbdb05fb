"""Networks as a user writes them, which the tests load from this file."""

from dataclasses import dataclass

import torch
from torch import nn


class Shrink(nn.Module):
    """Without weights: h(y) = y / (1 + sigma)."""

    def forward(self, y, sigma):
        return y / (1 + sigma.reshape(-1, *[1] * (y.ndim - 1)))


class Mlp(nn.Module):
    """Two layers on flat points, with log sigma as one more input."""

    def __init__(self, dimension: int = 2, width: int = 16) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(dimension + 1, width), nn.Tanh(), nn.Linear(width, dimension))

    def forward(self, y, sigma):
        return self.layers(torch.cat([y.flatten(1), sigma.log()[:, None]], 1)).view_as(y)


class Blind(nn.Module):
    """Two layers that are not told sigma."""

    def __init__(self, dimension: int = 2) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(dimension, 16), nn.ReLU(), nn.Linear(16, dimension))

    def forward(self, y):
        return self.layers(y)


class Convolution(nn.Module):
    """Takes images with a channel."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Conv2d(1, 1, 3, padding=1)

    def forward(self, y, sigma):
        return self.layer(y)


class Noisy(nn.Module):
    def forward(self, y, sigma):
        return y + torch.randn_like(y)


class Batched(nn.Module):
    def forward(self, y, sigma):
        return y - y.mean(0)


class Broken(nn.Module):
    def forward(self, y, sigma):
        raise RuntimeError("out of ideas")


@dataclass
class Settings:
    dimension: int = 2


def make(width):
    """A function that makes the module."""
    return Mlp(Settings().dimension, width)


number = 3
