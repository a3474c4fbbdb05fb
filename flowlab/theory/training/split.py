"""Training of a bank in parts, where it does not fit into memory as a whole."""

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
_MESSAGES = ("out of memory", "not enough memory", "can't allocate memory", "cannot allocate memory")


class OutOfMemory(MemoryError):
    """A single level does not fit into memory."""


@frozen
class TrainedBank:
    """A trained bank, its history, and the multipliers (L, N * M, d) if the method has them."""

    network: ReluNetwork
    history: Sequence[HistoryEntry]
    multipliers: Tensor | None = None


def map_splitting_on_oom(run: Callable[[slice], T], levels: int, device: torch.device) -> list[T]:
    """The results of `run` on consecutive slices of the levels: all levels at once, or halves if memory is short.

    Raises OutOfMemory, with the allocated and the free memory, where memory is too short for a single level. Any
    other error of `run` is raised again.
    """

    def attempt(first: int, last: int) -> list[T]:
        try:
            return [run(slice(first, last))]
        except (MemoryError, RuntimeError) as error:
            if not short_of_memory(error):
                raise
            usage = memory_usage(device)  # now, before the tensors of the attempt are freed
            if last - first == 1:
                raise OutOfMemory(f"level {first} alone does not fit into memory ({usage})") from error
        # outside the handler, whose traceback keeps the tensors of the failed attempt alive
        if device.type == "cuda":
            torch.cuda.empty_cache()
        middle = (first + last) // 2
        return attempt(first, middle) + attempt(middle, last)

    return attempt(0, levels)


def short_of_memory(error: BaseException) -> bool:
    """Whether an error says that memory ran out; on the CPU torch raises a plain RuntimeError."""
    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return True
    return isinstance(error, RuntimeError) and any(message in str(error).lower() for message in _MESSAGES)


def memory_usage(device: torch.device) -> str:
    """The memory that this process has allocated, and the free memory, in words."""
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
        return "this system does not say how much memory is free"
    if limit != resource.RLIM_INFINITY:
        free = min(free, max(0, limit - mapped))
    return f"allocated {_size(resident)}, free {_size(free)} of {_size(total)}"


def name_of(levels: slice) -> str:
    """The name of a part of the bank in checkpoints, by its first and last level."""
    return f"levels-{levels.start}-{levels.stop - 1}"


def concat_trained(parts: Sequence[TrainedBank]) -> TrainedBank:
    """One bank of the levels of all parts; networks with fewer neurons are padded with zeros."""
    history = [
        HistoryEntry(
            entries[0].step,
            torch.cat([entry.violation for entry in entries]),
            torch.cat([entry.cost for entry in entries]),
            entries[0].penalty,
        )
        for entries in zip(*(part.history for part in parts), strict=True)
    ]
    multipliers = [part.multipliers for part in parts if part.multipliers is not None]
    return TrainedBank(
        concat_networks([part.network for part in parts]), history, torch.cat(multipliers) if multipliers else None
    )


def _size(count: float) -> str:
    return f"{count / 2**20:,.0f} MiB"
