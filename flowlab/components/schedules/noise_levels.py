"""Noise levels from a list."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from attrs import frozen

from flowlab.api import (
    NodeSpec,
    ScheduleSpec,
    ValidationIssue,
    parameter,
)

if TYPE_CHECKING:
    import torch
    from torch import Tensor


@frozen
class NoiseLevels:
    """A list of one or more noise levels, sorted from the largest to the least."""

    levels: tuple[float, ...] = parameter(help="noise levels sigma", unit="data units", gt=0)

    def check(self, inputs: Mapping[str, tuple[NodeSpec, ...]]) -> Iterator[ValidationIssue]:
        """Check that there is at least one level."""
        if not self.levels:
            yield ValidationIssue("levels", "at least one noise level is needed")

    def value_spec(self, inputs: Mapping[str, tuple[NodeSpec, ...]]) -> ScheduleSpec:
        """What is known of the levels before the run."""
        largest, least = (f(self.levels, default=None) for f in (max, min))
        return ScheduleSpec(len(set(self.levels)), largest, least)

    def sigma(self, dtype: torch.dtype) -> Tensor:
        """The falling noise levels (L,), in data units."""
        import torch

        return torch.tensor(sorted(set(self.levels), reverse=True), dtype=dtype)
