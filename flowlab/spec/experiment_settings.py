"""The table `[experiment]`: what an experiment is called and how it is computed."""

from __future__ import annotations

from typing import Any, Literal

from attrs import frozen

from flowlab.api import Pattern, parameter

NAME = Pattern(
    r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}",
    "1 to 100 letters, digits, '_', '-' or '.', the first a letter or digit",
)
MAX_NODES = 100_000  # measured up to here: see the guide's page of measurements
MAX_THREADS = 1024
LARGEST_SEED = 2**63 - 1


@frozen(kw_only=True)
class ExperimentSettings:
    """What the experiment is called and how it is computed."""

    name: str = parameter(help="its name, also that of its folder", pattern=NAME)
    seed: int = parameter(0, help="with a node's name, seeds every random draw", ge=0)
    seeds: int = parameter(1, help="how many seeds, from `seed` on: all is computed at each", ge=1, le=MAX_NODES)
    dtype: Literal["float64", "float32"] = parameter("float64", help="of the theory")
    threads: int | None = parameter(
        None, help="of one operation on the CPU; torch's own number if absent", ge=1, le=MAX_THREADS
    )

    @seeds.validator
    def _check_last_seed(self, _: Any, seeds: int) -> None:
        if self.seed + seeds - 1 > LARGEST_SEED:
            raise ValueError(f"{seeds} seeds from {self.seed} on: the largest there is is {LARGEST_SEED}")
