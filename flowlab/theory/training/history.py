"""The history of a training: what is seen of it now and then."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from attrs import frozen
from torch import Tensor

from flowlab.theory.training.descent import Weights


@frozen
class HistoryEntry:
    """What is seen of training at one step: per-level figures (L,) and the penalty."""

    step: int
    violation: Tensor
    cost: Tensor
    penalty: float


class Diverged(ArithmeticError):
    """Training whose residual stopped being finite, at `level` of the bank."""

    def __init__(self, words: str, level: int) -> None:
        super().__init__(words)
        self.level = level


def observe(
    moments: list[HistoryEntry], step: int, residual: Tensor, weights: Weights, penalty: float
) -> HistoryEntry:
    """Append what is seen at a step. Raises Diverged with the step, the level and its last finite violation."""
    violation, cost = residual.abs().amax((1, 2)).cpu(), weights.network().cost.cpu()
    lost = ~torch.isfinite(violation)
    if bool(lost.any()):
        level = int(lost.nonzero()[0, 0])
        finite = f"{moments[-1].violation[level]:.3g}" if moments else "none"
        raise Diverged(f"the loss is not finite at step {step} (last finite violation: {finite})", level)
    moments.append(HistoryEntry(step, violation, cost, penalty))
    return moments[-1]


def figures(moment: HistoryEntry) -> dict[str, float]:
    """What a progress line shows of a moment: the worst level's violation and cost."""
    return {"violation": moment.violation.max().item(), "cost": moment.cost.max().item()}


def history(moments: Sequence[HistoryEntry], sigma: Tensor) -> dict[str, list[float]]:
    """Columns of a training history: one row a moment and level."""
    names = ("step", "level", "sigma", "violation_max", "cost", "penalty")
    rows = [
        (
            float(m.step),
            float(level),
            value,
            float(m.violation[level]),
            float(m.cost[level]),
            m.penalty,
        )
        for m in moments
        for level, value in enumerate(sigma.tolist())
    ]
    return dict(zip(names, map(list, zip(*rows, strict=True)), strict=True))


def pack_history(moments: Sequence[HistoryEntry]) -> dict[str, Tensor]:
    """T moments as tensors: step and penalty (T,), violation and cost (T, L)."""
    none = torch.empty(0)
    return {
        "step": torch.tensor([m.step for m in moments], dtype=torch.int64),
        "violation": torch.stack([m.violation for m in moments]) if moments else none,
        "cost": torch.stack([m.cost for m in moments]) if moments else none,
        "penalty": torch.tensor([m.penalty for m in moments], dtype=torch.float64),
    }


def unpack_history(columns: Mapping[str, Tensor]) -> list[HistoryEntry]:
    """The moments that were packed."""
    step, penalty = columns["step"].tolist(), columns["penalty"].tolist()
    rows = zip(step, columns["violation"], columns["cost"], penalty, strict=True)
    return [HistoryEntry(*row) for row in rows]
