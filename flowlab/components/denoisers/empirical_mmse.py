"""The empirical MMSE denoiser, which memorises, for comparison."""

from __future__ import annotations

from typing import ClassVar

from attrs import frozen

from flowlab.api import Context, DenoiserBank, Result, Schedule, TrainingSet, reference


@frozen
class EmpiricalMmse:
    """The empirical MMSE denoiser, the posterior mean under the training points: it memorises.

    h(y) = sum_n softmax_n(log r_n - |y - x_n|^2 / (2 sigma^2)) x_n, where x_n is r_n times in the training set.
    Source: arXiv 2506.19031, Section 2.
    """

    piecewise_affine: ClassVar[bool] = False

    dataset: str = reference("dataset", help="training points")
    schedule: str = reference("schedule", help="noise levels, one denoiser each")

    def build(self, context: Context, *, dataset: TrainingSet, schedule: Schedule) -> Result:
        """Evaluate the posterior mean at every level."""
        import torch

        from flowlab.theory.networks.mmse import EmpiricalMmse as Posterior

        sigma = schedule.sigma(context.dtype).to(context.device)
        points = dataset.geometry.points
        counts = None if dataset.counts is None else points.new_tensor(dataset.counts)
        network = Posterior(points, sigma, counts)
        return Result(
            DenoiserBank(sigma, network, dataset, torch.ones_like(sigma, dtype=torch.bool)),
            {"sigma": sigma.tolist()},
        )
