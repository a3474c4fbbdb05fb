"""Training a bank in parts where memory doesn't hold it whole."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import TypeVar

import torch
from attrs import frozen
from torch import Tensor

from flowlab.theory.networks.relu_network import ReluNetwork, concat_networks
from flowlab.theory.training.history import HistoryEntry

T = TypeVar("T")
_WORDS = ("out of memory", "not enough memory", "can't allocate memory", "cannot allocate memory")


class OutOfMemory(MemoryError):
    """One level alone doesn't fit."""


@frozen
class Trained:
    """A trained bank, its history, and the multipliers (L, N * M, d) where the method has them."""

    network: ReluNetwork
    moments: Sequence[HistoryEntry]
    multipliers: Tensor | None = None


def map_splitting_on_oom(run: Callable[[slice], T], levels: int, device: torch.device) -> list[T]:
    """The results of `run` on consecutive slices of the levels: all at once, or in halves where memory is short.

    Raises OutOfMemory, with the allocated and the free memory, where `run` finds too little for a single level.
    Any other error of `run` goes through.
    """

    def attempt(first: int, last: int) -> list[T]:
        try:
            return [run(slice(first, last))]
        except (MemoryError, RuntimeError) as error:
            if not short_of_memory(error):
                raise
            words = memory_in_words(device)  # before what was allocated goes
            if last - first == 1:
                raise OutOfMemory(f"level {first} alone does not fit into memory ({words})") from error
        # outside the handler, whose traceback keeps the tensors of the failed attempt alive
        if device.type == "cuda":
            torch.cuda.empty_cache()
        middle = (first + last) // 2
        return attempt(first, middle) + attempt(middle, last)

    return attempt(0, levels)


def short_of_memory(error: BaseException) -> bool:
    """Whether an error says that memory ran out: on the CPU torch raises a plain RuntimeError."""
    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return True
    return isinstance(error, RuntimeError) and any(word in str(error).lower() for word in _WORDS)


def memory_in_words(device: torch.device) -> str:
    """How much memory this process has allocated, and how much is free."""
    if device.type == "cuda":
        free, total = torch.cuda.mem_get_info(device)
        allocated = torch.cuda.memory_allocated(device)
        return f"allocated {_size(allocated)}, free {_size(free)} of {_size(total)} on {device}"
    try:
        import resource

        page = os.sysconf("SC_PAGE_SIZE")
        free, total = os.sysconf("SC_AVPHYS_PAGES") * page, os.sysconf("SC_PHYS_PAGES") * page
        limit, _ = resource.getrlimit(resource.RLIMIT_AS)
        with open("/proc/self/statm") as statm:
            mapped, resident = (int(pages) * page for pages in statm.read().split()[:2])
    except (ImportError, OSError, ValueError):
        return "this system doesn't say how much is free"
    if limit != resource.RLIM_INFINITY:
        free = min(free, max(0, limit - mapped))
    return f"allocated {_size(resident)}, free {_size(free)} of {_size(total)}"


def name_of(levels: slice) -> str:
    """The name of a part."""
    return f"levels-{levels.start}-{levels.stop - 1}"


def concat_trained(parts: Sequence[Trained]) -> Trained:
    """One bank of the levels of all parts; networks of fewer neurons are filled up with zeros."""
    moments = [
        HistoryEntry(
            same[0].step,
            torch.cat([moment.violation for moment in same]),
            torch.cat([moment.cost for moment in same]),
            same[0].penalty,
        )
        for same in zip(*(part.moments for part in parts), strict=True)
    ]
    multipliers = [part.multipliers for part in parts if part.multipliers is not None]
    return Trained(
        concat_networks([part.network for part in parts]), moments, torch.cat(multipliers) if multipliers else None
    )


def _size(count: float) -> str:
    return f"{count / 2**20:,.0f} MiB"
