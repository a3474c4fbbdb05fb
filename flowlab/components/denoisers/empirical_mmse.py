"""The empirical MMSE denoiser, which memorises, for comparison."""

from __future__ import annotations

from collections.abc import Mapping

from attrs import frozen

from flowlab.api import (
    BankSpec,
    Context,
    DenoiserBank,
    NodeSpec,
    Result,
    Schedule,
    TrainingSet,
    reference,
)


@frozen
class EmpiricalMmse:
    """The empirical MMSE denoiser, the posterior mean under the training points: it memorises.

    h(y) = sum_n softmax_n(log r_n - |y - x_n|^2 / (2 sigma^2)) x_n, where x_n is r_n times in the training set.
    Source: arXiv 2506.19031, Section 2.
    """

    dataset: str = reference("dataset", help="training points")
    schedule: str = reference("schedule", help="noise levels, one denoiser each")

    def value_spec(self, inputs: Mapping[str, tuple[NodeSpec, ...]]) -> BankSpec:
        """What is known of the bank before the run."""
        return BankSpec(
            inputs["dataset"][0].value_spec,
            inputs["schedule"][0].value_spec,
            solved=True,
            balls=False,
            relu=False,
            affine=False,
            history=False,
            quality=False,
        )

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
