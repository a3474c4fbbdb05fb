"""Two banks joined to one: low noise from the first, high noise from the second."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from attrs import frozen

from flowlab.api import (
    BankSpec,
    Context,
    DenoiserBank,
    NodeError,
    NodeSpec,
    Result,
    ScheduleSpec,
    ValidationIssue,
    reference,
)


@frozen
class Spliced:
    """A bank at the levels where it has solutions, continued by another bank at noisier levels.

    It has the levels of `low` below the least level without a solution, and all levels of `high` above them. Where
    clusters overlap, no denoiser interpolates them, so the denoiser there is a choice: `high`.
    """

    low: str = reference("denoiser", help="the bank of the low-noise levels")
    high: str = reference("denoiser", help="the bank of the noisier levels, of the same dataset")

    def check(self, inputs: Mapping[str, tuple[NodeSpec, ...]]) -> Iterator[ValidationIssue]:
        """Check that both banks are of one dataset, and that each has a level to contribute."""
        low, high = (inputs[end][0].value_spec for end in ("low", "high"))
        first, second = low.training.name, high.training.name
        if first is not None and second is not None and first != second:
            yield ValidationIssue("high", f"is of the dataset {second!r}, low of {first!r}")
        # the levels of `low` end where it has no solution, and at its noisiest at the latest
        end = low.schedule.largest if low.solved else low.schedule.least
        if end is not None and high.schedule.largest is not None and high.schedule.largest <= end:
            yield ValidationIssue(
                "high",
                f"has no level above sigma = {end:.4g}, "
                f"{'where low ends' if low.solved else 'the least of low'}: its largest is "
                f"{high.schedule.largest:.4g}",
            )

    def value_spec(self, inputs: Mapping[str, tuple[NodeSpec, ...]]) -> BankSpec:
        """What is known of the bank before the run."""
        low, high = (inputs[end][0].value_spec for end in ("low", "high"))
        return BankSpec(
            low.training if low.training.name is not None else high.training,
            ScheduleSpec(largest=high.schedule.largest),
            solved=True if low.solved and high.solved else None,
            balls=False,
            relu=False,
            affine=None if low.affine is None or high.affine is None else low.affine and high.affine,
            history=False,
            quality=True if low.quality or high.quality else None,
        )

    def build(self, context: Context, *, low: DenoiserBank, high: DenoiserBank) -> Result:
        """Join the banks.

        Raises NodeError where their datasets differ, or one of them has no level to contribute.
        """
        import torch

        from flowlab.theory.networks.joined_networks import JoinedNetworks

        first, second = low.training, high.training  # in an executor's processes these may be equal copies
        if first.samples != second.samples or not torch.equal(first.geometry.points, second.geometry.points):
            raise NodeError("the two banks are of different datasets")
        unsolved = low.sigma[~low.usable]
        end = unsolved.min() if len(unsolved) else low.sigma.new_tensor(torch.inf)
        below = (low.sigma < end).nonzero()[:, 0].tolist()
        if not below:
            raise NodeError("the low bank has no solution at its least noisy level")
        top = low.sigma[below[0]]
        above = (high.sigma > top).nonzero()[:, 0].tolist()
        if not above:
            raise NodeError(f"the high bank has no level above sigma = {top:.4g}, where the low one ends")
        levels = [(high, level) for level in above] + [(low, level) for level in below]
        sigma = torch.stack([bank.sigma[level] for bank, level in levels])
        usable = torch.stack([bank.usable[level] for bank, level in levels])
        parts = tuple(bank.network.at(level) for bank, level in levels)
        quality = {
            name: [bank.quality[name][level] if name in bank.quality else None for bank, level in levels]
            for name in dict.fromkeys([*low.quality, *high.quality])
        }
        metrics = {
            "levels_low": len(below),
            "levels_high": len(above),
            "splice": top.item(),
            "sigma": sigma.tolist(),
            "usable": usable.tolist(),
        }
        return Result(DenoiserBank(sigma, JoinedNetworks(parts), low.training, usable, quality=quality), metrics)
