"""An orthogonal set whose denoisers and flows are known exactly, for the tests of other kinds."""

from __future__ import annotations

import attrs
import torch
from torch import Tensor

from flowlab.api.helpers.training_set import training_set
from flowlab.api.kinds.dataset import TrainingSet
from flowlab.api.kinds.denoiser import DenoiserBank
from flowlab.api.testing.suite import context, normal, uniform
from flowlab.theory.geometry.geometry import Geometry
from flowlab.theory.geometry.simplex import simplex_geometry

ALPHA = 3.0


def box_geometry(seed: int, edges: int = 2, dimension: int = 3, along_axes: bool = False) -> Geometry:
    """The geometry of the origin and orthogonal edges of length 1 to 1.5, in a random frame or along the axes."""
    frame = torch.linalg.qr(normal(seed, dimension, edges))[0].mT
    if along_axes:
        frame = torch.eye(edges, dimension, dtype=torch.float64)
    points = (1 + 0.5 * uniform(seed, edges, 1)) * frame
    return _separable(torch.cat([torch.zeros_like(points[:1]), points]))


def box_training(seed: int, dtype: torch.dtype = torch.float64, device: torch.device | None = None) -> TrainingSet:
    """A training set of three points in space with ten samples each."""
    points = box_geometry(seed).points.to(device or "cpu", dtype)
    return training_set(_separable(points), 10, context(seed, dtype, device))


def box_bank(training: TrainingSet, sigma: Tensor) -> DenoiserBank:
    """The closed form at levels sigma (L,), with rho = 3 sigma."""
    rho = ALPHA * sigma
    slabs = training.geometry.closed_form(rho)  # type: ignore[misc]
    return DenoiserBank(sigma, slabs, training, torch.ones_like(sigma, dtype=torch.bool), rho=rho)


def _separable(points: Tensor) -> Geometry:
    return attrs.evolve(simplex_geometry(points), separable=True)
