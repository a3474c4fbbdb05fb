"""The device that an experiment runs on, by the name a person gives it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flowlab.api import ExperimentError, Problem

if TYPE_CHECKING:
    import torch

DEVICES = ("cpu", "cuda", "auto")


def resolve_device(name: str) -> torch.device:
    """The device of a name; `auto` prefers cuda. Raises ExperimentError for one that isn't there."""
    if name not in DEVICES:
        raise ExperimentError([Problem("--device", f"{name!r} is none of {', '.join(DEVICES)}")])
    import torch

    available = torch.cuda.is_available()
    if name == "cuda" and not available:
        raise ExperimentError([Problem("--device", "no CUDA device is available here; use cpu or auto")])
    return torch.device("cuda" if available and name != "cpu" else "cpu")
