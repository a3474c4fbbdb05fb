"""The history of a training: violation, cost and penalty at some of its steps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from attrs import frozen
from torch import Tensor

from flowlab.theory.training.descent import Weights


@frozen
class HistoryEntry:
    """The state of a training at one step: violation (L,) and cost (L,) of each level, and the penalty."""

    step: int
    violation: Tensor
    cost: Tensor
    penalty: float


class Diverged(ArithmeticError):
    """A training diverged: its residual at `level` of the bank is not finite any more."""

    def __init__(self, message: str, level: int) -> None:
        super().__init__(message)
        self.level = level


def observe(
    history: list[HistoryEntry], step: int, residual: Tensor, weights: Weights, penalty: float
) -> HistoryEntry:
    """Append the entry of a step with its residual (L, Q, d) to the history, and return it.

    Raises Diverged with the step, the level and its last finite violation where the residual is not finite.
    """
    violation, cost = residual.abs().amax((1, 2)).cpu(), weights.network().cost.cpu()
    diverged = ~torch.isfinite(violation)
    if bool(diverged.any()):
        level = int(diverged.nonzero()[0, 0])
        finite = f"{history[-1].violation[level]:.3g}" if history else "none"
        raise Diverged(f"the loss is not finite at step {step} (last finite violation: {finite})", level)
    history.append(HistoryEntry(step, violation, cost, penalty))
    return history[-1]


def progress_numbers(entry: HistoryEntry) -> dict[str, float]:
    """The numbers that a progress line shows: violation and cost of the worst level."""
    return {"violation": entry.violation.max().item(), "cost": entry.cost.max().item()}


def history_columns(history: Sequence[HistoryEntry], sigma: Tensor) -> dict[str, list[float]]:
    """The columns of a table of a training history at levels sigma (L,): one row per entry and level."""
    names = ("step", "level", "sigma", "violation_max", "cost", "penalty")
    rows = [
        (
            float(entry.step),
            float(level),
            value,
            float(entry.violation[level]),
            float(entry.cost[level]),
            entry.penalty,
        )
        for entry in history
        for level, value in enumerate(sigma.tolist())
    ]
    return dict(zip(names, map(list, zip(*rows, strict=True)), strict=True))


def pack_history(history: Sequence[HistoryEntry]) -> dict[str, Tensor]:
    """A history of T entries as tensors: step and penalty (T,), violation and cost (T, L)."""
    none = torch.empty(0)
    return {
        "step": torch.tensor([entry.step for entry in history], dtype=torch.int64),
        "violation": torch.stack([entry.violation for entry in history]) if history else none,
        "cost": torch.stack([entry.cost for entry in history]) if history else none,
        "penalty": torch.tensor([entry.penalty for entry in history], dtype=torch.float64),
    }


def unpack_history(columns: Mapping[str, Tensor]) -> list[HistoryEntry]:
    """The history that `pack_history` made into tensors."""
    step, penalty = columns["step"].tolist(), columns["penalty"].tolist()
    rows = zip(step, columns["violation"], columns["cost"], penalty, strict=True)
    return [HistoryEntry(*row) for row in rows]
