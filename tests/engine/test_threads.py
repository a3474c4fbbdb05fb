"""A run's thread count holds for every library that adds numbers up."""

from __future__ import annotations

import torch
from threadpoolctl import threadpool_info

from flowlab.engine.threads import pin_threads


def _blas_threads() -> set[int]:
    return {library["num_threads"] for library in threadpool_info() if library["user_api"] == "blas"}


def test_torch_takes_the_count_no_blas_takes_more_and_all_give_it_back() -> None:
    import numpy  # noqa: F401
    import scipy.linalg  # noqa: F401

    former = torch.get_num_threads(), _blas_threads()
    for count in (1, 2):
        with pin_threads(count):
            assert torch.get_num_threads() == count
            assert max(_blas_threads()) <= count  # a library may have been started with fewer
    assert (torch.get_num_threads(), _blas_threads()) == former
