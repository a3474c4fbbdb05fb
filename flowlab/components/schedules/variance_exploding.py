"""The variance-exploding schedule."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Literal

from attrs import frozen

from flowlab.api import (
    NodeSpec,
    ScheduleSpec,
    ValidationIssue,
    parameter,
)
from flowlab.api.fields import LONGEST, SHORTEST

if TYPE_CHECKING:
    import torch

_BYTES = 4  # of a number in single precision, the least there is


@frozen
class VarianceExploding:
    """Noise levels sigma_t = sqrt(t) for t in (0, T], uniform in t, in sigma or in log sigma.

    Uniform spacing goes down to T / S in t, or to sigma_T / S in sigma, so that the next level would be zero.
    Spacing in log sigma needs `first_time`. Source: arXiv 2506.19031, Section 2.
    """

    final_time: float = parameter(help="T, the time of the largest noise level, sigma_T^2", gt=0)
    levels: int = parameter(150, help="number of noise levels S", ge=2)
    spacing: Literal["time", "sigma", "log-sigma"] = parameter("time", help="what the levels are uniform in")
    first_time: float | None = parameter(None, help="smallest time (default: that of the spacing)", gt=0)

    def check(self, inputs: Mapping[str, tuple[NodeSpec, ...]]) -> Iterator[ValidationIssue]:
        """Check the noise levels' size, that the first time is below the final one, and log-sigma's first time."""
        for name, time in (("final_time", self.final_time), ("first_time", self.first_time)):
            if time is not None and not SHORTEST <= time**0.5 <= LONGEST:
                rule = f"its square root, a noise level, must be between {SHORTEST:g} and {LONGEST:g}"
                yield ValidationIssue(name, f"{rule}, found {time**0.5:.3g}")
        if self.first_time is not None and self.first_time >= self.final_time:
            yield ValidationIssue("first_time", f"must be below final_time ({self.final_time:g})")
        if self.first_time is None and self.spacing == "log-sigma":
            yield ValidationIssue("spacing", "'log-sigma' needs first_time")

    def value_spec(self, inputs: Mapping[str, tuple[NodeSpec, ...]]) -> ScheduleSpec:
        """What is known of the levels before the run."""
        top = self.final_time**0.5
        least = (self.final_time / self.levels) ** 0.5 if self.spacing == "time" else top / self.levels
        return ScheduleSpec(self.levels, top, self.first_time**0.5 if self.first_time else least)

    def memory(self, inputs: Mapping[str, tuple[NodeSpec, ...]]) -> Mapping[str, int]:
        """The bytes of the levels, by the key to lower."""
        return {"levels": _BYTES * self.levels}

    def sigma(self, dtype: torch.dtype) -> torch.Tensor:
        """The falling noise levels (S,), in data units."""
        import torch

        top = self.final_time**0.5
        match self.spacing:
            case "time":
                low = self.first_time or self.final_time / self.levels
                return torch.linspace(self.final_time, low, self.levels, dtype=dtype).sqrt()
            case "sigma":
                low = self.first_time**0.5 if self.first_time else top / self.levels
                return torch.linspace(top, low, self.levels, dtype=dtype)
            case _:
                first = self.first_time or self.final_time / self.levels
                return torch.logspace(0, 1, self.levels, base=(first**0.5) / top, dtype=dtype) * top
