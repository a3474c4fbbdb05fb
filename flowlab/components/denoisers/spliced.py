"""Two banks as one: low noise from one, high noise from the other."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from attrs import frozen

from flowlab.api import Context, DenoiserBank, NodeError, NodeSpec, Result, ValidationIssue, reference


@frozen
class Spliced:
    """One bank where it has solutions, continued by another at the noisier levels.

    Takes the levels of `low` below its first without a solution, and all levels of `high` above them. Where
    clusters overlap no denoiser interpolates them, so what a flow does there is a choice: `high` names it.
    """

    low: str = reference("denoiser", help="the bank of the low-noise levels")
    high: str = reference("denoiser", help="the bank of the noisier levels, of the same dataset")

    def check(self, inputs: Mapping[str, tuple[NodeSpec, ...]]) -> Iterator[ValidationIssue]:
        """Both are of one dataset, as far as they name it."""
        low, high = (
            [data.name for bank in inputs[end] for data in bank.inputs.get("dataset", ())]
            for end in ("low", "high")
        )
        if low and high and low != high:
            yield ValidationIssue("high", f"is of the dataset {high[0]!r}, low of {low[0]!r}")

    def build(self, context: Context, *, low: DenoiserBank, high: DenoiserBank) -> Result:
        """Join the banks.

        Raises NodeError where one has no level to give, or they differ in dataset.
        """
        import torch

        from flowlab.theory.networks.joined_networks import JoinedNetworks

        one, other = low.training, high.training  # in an executor's processes, each may have made its own of them
        if one.samples != other.samples or not torch.equal(one.geometry.points, other.geometry.points):
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
        taken = [(high, level) for level in above] + [(low, level) for level in below]
        sigma = torch.stack([bank.sigma[level] for bank, level in taken])
        usable = torch.stack([bank.usable[level] for bank, level in taken])
        parts = tuple(bank.network.at(level) for bank, level in taken)
        quality = {
            figure: [bank.quality[figure][level] if figure in bank.quality else None for bank, level in taken]
            for figure in dict.fromkeys([*low.quality, *high.quality])
        }
        metrics = {
            "levels_low": len(below),
            "levels_high": len(above),
            "splice": top.item(),
            "sigma": sigma.tolist(),
            "usable": usable.tolist(),
        }
        return Result(DenoiserBank(sigma, JoinedNetworks(parts), low.training, usable, quality=quality), metrics)
