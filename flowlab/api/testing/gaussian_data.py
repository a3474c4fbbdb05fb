"""Data whose reverse SDE is known exactly, and a test of states against it whose power is known."""

from __future__ import annotations

import math
from collections.abc import Iterator

import torch
from attrs import field, frozen
from torch import Tensor

from flowlab.api.helpers.training_set import training_set
from flowlab.api.kinds.denoiser import DenoiserBank
from flowlab.api.kinds.flow import Trajectories
from flowlab.api.testing.suite import context
from flowlab.theory.flows.reverse_sde import GaussianDenoiser, reverse_sde_law
from flowlab.theory.geometry.geometry import Geometry

VARIANCES = (0.0, 0.1, 1.0)  # of the data: a point, and what is small or large beside the noise
COORDINATES = 64  # with each variance
LEVELS = 400
LEAST = 0.01  # sigma; the largest is 1
CHECKED = (0.25, 0.5, 0.75, 1.0)  # shares of the grid
MEAN = 0.3
# Of 60 numbers that are normal, or nearly so, one is off by 6 deviations with a probability of 1e-7.
DEVIATIONS = 6.0
# A first-order step of log sigma = 0.0115 is wrong by about that share.
STEP_ERROR = 0.03
LEAST_STARTS = 300


def gaussian_bank() -> DenoiserBank:
    """The denoiser of Gaussian data at 400 levels from 1 to 0.01, in 192 dimensions, with two training points."""
    variance = torch.tensor(VARIANCES, dtype=torch.float64).repeat_interleave(COORDINATES)
    sigma = torch.logspace(0, math.log10(LEAST), LEVELS, dtype=torch.float64)
    points = torch.stack([torch.zeros_like(variance), torch.full_like(variance, 0.1)])
    training = training_set(Geometry(points, points[0], points[1:] - points[0]), 1, context())
    network = GaussianDenoiser(torch.full_like(variance, MEAN), variance, sigma)
    return DenoiserBank(sigma, network, training, torch.ones(LEVELS, dtype=torch.bool))


def moment_faults(trajectories: Trajectories, strength: float) -> Iterator[str]:
    """What is wrong with the moments of states, in words, at four noise levels and for each variance of the data.

    The times are sigma. False alarms have a probability below 1e-6. From 300 starts on, noise whose amplitude is
    7 % off at all levels is found with a probability above 0.999.
    """
    sigma, starts = trajectories.times, trajectories.starts - MEAN
    variance = torch.tensor(VARIANCES, dtype=torch.float64)
    law = reverse_sde_law(variance, sigma, strength)
    for share in CHECKED:
        place = round(share * (len(sigma) - 1))
        for group in range(len(VARIANCES)):
            columns = slice(group * COORDINATES, (group + 1) * COORDINATES)
            size = float((variance[group] + sigma[place] ** 2).sqrt())
            if size == 0:  # a point: a last step of first order is off by the last level
                continue
            slope, noise = float(law.slope[place, group]), float(law.variance[place, group])
            found = trajectories.states[place, :, columns] - MEAN - slope * starts[:, columns]
            for fault in _Group(found, starts[:, columns], slope, noise, size).faults():
                yield f"{fault}, at sigma = {sigma[place]:.3g} for data of variance {VARIANCES[group]:g}"


@frozen
class _Group:
    """Residuals (S, D) of states about their mean given the starts (S, D), and what their law is."""

    found: Tensor
    starts: Tensor
    slope: float
    noise: float  # variance
    size: float  # standard deviation of all states
    allowed: float = field(init=False)  # of the discretisation, in data units

    @allowed.default
    def _allowed(self) -> float:
        return STEP_ERROR * (self.size + self.slope * float(self.starts.square().mean().sqrt())) + 1e-9

    def faults(self) -> Iterator[str]:
        """The moments that are not those of the law."""
        count = self.found.numel()
        error = DEVIATIONS * (self.noise / count) ** 0.5
        if abs(self.found.mean()) > error + self.allowed:
            yield f"the mean is {float(self.found.mean()):.3g} off"
        spread = float(self.starts.square().mean().sqrt())
        along = float((self.found * self.starts).mean()) / spread
        if abs(along) > error + self.allowed:
            yield f"the part of the start that is left is {along / spread:.3g} off {self.slope:.3g}"
        variance = float(self.found.var())
        slack = DEVIATIONS * self.noise * (2 / count) ** 0.5 + STEP_ERROR * self.noise + self.allowed**2
        if abs(variance - self.noise) > slack:
            yield f"the variance of the noise is {variance:.4g}, not {self.noise:.4g}"
        for axis, words in ((0, "starts"), (1, "coordinates")):
            means = self.found.mean(axis)
            # the variance of the means of independent noise
            least = self.noise / self.found.shape[axis]
            slack = DEVIATIONS * least * (2 / len(means)) ** 0.5 + self.allowed**2 + 2 * STEP_ERROR * least
            if float(means.var()) > least + 2 * slack:
                yield f"the noise of different {words} is not independent"
