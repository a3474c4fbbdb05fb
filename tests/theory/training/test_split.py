"""A bank in parts where memory is short."""

import pytest
import torch

from flowlab.theory.networks.relu_network import ReluNetwork
from flowlab.theory.training.history import HistoryEntry
from flowlab.theory.training.split import (
    OutOfMemory,
    TrainedBank,
    concat_trained,
    map_splitting_on_oom,
    short_of_memory,
)

CPU = torch.device("cpu")


def fits(most, tried):
    def run(levels):
        tried.append((levels.start, levels.stop))
        if levels.stop - levels.start > most:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 3 GiB")
        return list(range(levels.start, levels.stop))

    return run


def test_what_fits_runs_once():
    tried = []
    assert map_splitting_on_oom(fits(8, tried), 8, CPU) == [list(range(8))]
    assert tried == [(0, 8)]


def test_halves_are_retried_until_they_fit_in_order():
    parts = map_splitting_on_oom(fits(2, []), 7, CPU)
    assert [level for part in parts for level in part] == list(range(7))
    assert max(map(len, parts)) <= 2


def test_a_level_that_does_not_fit_alone_is_named_with_the_memory():
    with pytest.raises(OutOfMemory, match=r"level 0 alone .*allocated [\d,]+ MiB, free [\d,]+ MiB"):
        map_splitting_on_oom(fits(0, []), 4, CPU)


def test_other_errors_go_through_untouched():
    tried = []

    def broken(levels):
        tried.append(levels)
        raise RuntimeError("mat1 and mat2 shapes cannot be multiplied")

    with pytest.raises(RuntimeError, match="shapes"):
        map_splitting_on_oom(broken, 4, CPU)
    assert len(tried) == 1


def test_a_real_allocation_beyond_all_memory_counts_as_short():
    with pytest.raises(RuntimeError) as caught:
        torch.empty(2**60, dtype=torch.uint8)
    assert short_of_memory(caught.value)


def part(levels, width, fill):
    shapes = ((levels, width, 2), (levels, width, 2), (levels, width), (levels, 2, 2), (levels, 2))
    network = ReluNetwork(*(torch.full(shape, fill) for shape in shapes))
    figure = torch.full((levels,), fill)
    return TrainedBank(network, [HistoryEntry(0, figure, figure, 1.0)], torch.full((levels, 5, 2), fill))


def test_parts_of_different_widths_join_to_the_same_functions():
    one, two = part(1, 3, 1.0), part(2, 5, 2.0)
    whole = concat_trained([one, two])
    y = torch.randn(3, 4, 2, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(whole.network(y), torch.cat([one.network(y[:1]), two.network(y[1:])]))
    assert whole.multipliers.shape == (3, 5, 2)
    assert whole.history[0].violation.tolist() == [1.0, 2.0, 2.0]
