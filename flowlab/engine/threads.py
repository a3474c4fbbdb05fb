"""The threads of one operation on the CPU: how a sum is split among them decides its last bit."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from flowlab.graph.graph import Graph


def thread_count(graph: Graph) -> int:
    """As many as the experiment says; else one where several processes are at work, or what torch takes."""
    import torch

    return graph.threads or (torch.get_num_threads() if graph.executor is None else 1)


@contextmanager
def pin_threads(count: int) -> Iterator[None]:
    """So many threads for torch, and no more for the BLAS of numpy and scipy, within."""
    import scipy.linalg  # noqa: F401  (only a BLAS that is loaded can be limited)
    import torch
    from threadpoolctl import threadpool_limits

    former = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        with threadpool_limits(count, user_api="blas"):
            yield
    finally:
        torch.set_num_threads(former)
