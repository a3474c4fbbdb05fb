"""Coordinates in which the training points are of size one about the origin."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from attrs import evolve, frozen
from torch import Tensor

from flowlab.theory.geometry.geometry import Geometry
from flowlab.theory.geometry.polytope import Polytope
from flowlab.theory.networks.interpolation import Interpolation
from flowlab.theory.networks.neurons import Neurons
from flowlab.theory.networks.relu_network import ReluNetwork
from flowlab.theory.networks.slabs import Slabs


@frozen
class Frame:
    """The coordinates z = (y - origin) / scale, with origin (d,): lengths become shares of the scale.

    'Inside' is in these coordinates, 'outside' in data units. A network has the same weights in both, so its
    representation cost is the same. With h(y) = sum_k a_k relu(w_k . y + b_k) + V y + c, x_0 the origin and s the
    scale, its biases inside are (b_k + w_k . x_0) / s and its offset is (c + V x_0 - x_0) / s. All maps are exact
    but for rounding. The frame with origin 0 and scale 1 changes no bit.
    """

    origin: Tensor
    scale: float

    @property
    def rounding(self) -> float:
        """The rounding error of a coordinate inside: coordinates outside may be large against the scale."""
        size = 1 + float(self.origin.norm()) / self.scale
        return size * torch.finfo(self.origin.dtype).eps

    @property
    def trivial(self) -> bool:
        """Whether the coordinates inside and outside are the same."""
        return self.scale == 1 and not bool(self.origin.any())

    def inside(self, y: Tensor) -> Tensor:
        """Map points y (..., d) from data units into the frame: (..., d)."""
        return (y - self.origin) / self.scale

    def outside(self, z: Tensor) -> Tensor:
        """Map points z (..., d) of the frame to data units: (..., d)."""
        return self.origin + self.scale * z

    def denoiser_inside(self, denoise: Callable[[Tensor], Tensor]) -> Callable[[Tensor], Tensor]:
        """The denoiser of points (..., d) as a function in the frame."""
        return lambda z: self.inside(denoise(self.outside(z)))

    def network_inside(self, network: ReluNetwork) -> ReluNetwork:
        """Map a bank of networks from data units into the frame."""
        origin = self.origin.to(network.inner)
        return ReluNetwork(
            network.outer,
            network.inner,
            (network.biases + network.inner @ origin) / self.scale,
            network.skip,
            (network.offset + network.skip @ origin - origin) / self.scale,
        )

    def network_outside(self, network: ReluNetwork) -> ReluNetwork:
        """Map a bank of networks from the frame to data units."""
        origin = self.origin.to(network.inner)
        return ReluNetwork(
            network.outer,
            network.inner,
            self.scale * network.biases - network.inner @ origin,
            network.skip,
            self.scale * network.offset - network.skip @ origin + origin,
        )

    def neurons_inside(self, neurons: Neurons) -> Neurons:
        """Map unit neurons into the frame; their activations there are 1 / scale times those outside."""
        return Neurons(neurons.weights, (neurons.biases + neurons.weights @ self.origin) / self.scale)

    def neurons_outside(self, neurons: Neurons) -> Neurons:
        """Map unit neurons from the frame to data units."""
        return Neurons(neurons.weights, neurons.biases * self.scale - neurons.weights @ self.origin)

    def slabs_inside(self, slabs: Slabs) -> Slabs:
        """Map a bank of slab denoisers from data units into the frame."""
        return Slabs(
            self.inside(slabs.offset),
            slabs.jumps / self.scale,
            slabs.weights * self.scale,
            slabs.biases + slabs.weights @ self.origin,
        )

    def problem_inside(self, problem: Interpolation) -> Interpolation:
        """Map an interpolation problem from data units into the frame."""
        if self.trivial:
            return problem
        samples = (problem.samples - self.origin).div_(self.scale)
        return evolve(
            problem,
            samples=samples,
            points=self.inside(problem.points),
            sigma=problem.sigma / self.scale,
            unit=self.scale,
        )

    def geometry_inside(self, geometry: Geometry) -> Geometry:
        """Map a geometry, with its cell and closed form, from data units into the frame."""
        if self.trivial:
            return geometry
        form = geometry.closed_form
        return evolve(
            geometry,
            points=self.inside(geometry.points),
            anchor=self.inside(geometry.anchor),
            edges=geometry.edges / self.scale,
            cell=None if geometry.cell is None else self._cell_inside(geometry.cell),
            closed_form=None if form is None else lambda rho: self.slabs_inside(form(rho * self.scale)),
        )

    def _cell_inside(self, cell: Polytope) -> Polytope:
        heights = (cell.heights + cell.normals @ self.origin) / self.scale
        return evolve(cell, heights=heights, center=self.inside(cell.center))


def frame_of(geometry: Geometry) -> Frame:
    """The frame about a geometry's anchor, in units of its scale: in it, tolerances are plain numbers."""
    return Frame(geometry.anchor, geometry.scale)


def training_frame(geometry: Geometry) -> Frame:
    """The frame about a geometry's anchor, in units of its size: no point is farther than 1 from the origin.

    Learning rates, penalties, decay, starting weights and single precision are chosen for such data.
    """
    return Frame(geometry.anchor, geometry.size)


def standard_frame(samples: Tensor) -> Frame:
    """The frame of samples (Q, d) for searches and bounds: about their mean, and no sample is farther than 1.

    The cost of interpolation, |F| and the outer weights of unit neurons are the same in it. Multipliers inside
    are `scale` times those outside. The scale is a power of two, so that the division by it is exact. Raises
    ArithmeticError where the samples are not finite.
    """
    mean = samples.mean(0)
    size = float((samples - mean).norm(dim=-1).max())
    if not math.isfinite(size):
        raise ArithmeticError("the samples are not finite")
    return Frame(mean, 2.0 ** math.frexp(size)[1] if size > 0 else 1.0)
