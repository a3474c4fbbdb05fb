"""A bank in parts where memory is short."""

import subprocess
import sys
import textwrap

import pytest
import torch

from flowlab.theory.moments import Moment
from flowlab.theory.relu_network import ReluNetwork
from flowlab.theory.split import OutOfMemory, Trained, in_parts, joined, short_of_memory

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
    assert in_parts(fits(8, tried), 8, CPU) == [list(range(8))]
    assert tried == [(0, 8)]


def test_halves_are_retried_until_they_fit_in_order():
    parts = in_parts(fits(2, []), 7, CPU)
    assert [level for part in parts for level in part] == list(range(7))
    assert max(map(len, parts)) <= 2


def test_a_level_that_does_not_fit_alone_is_named_with_the_memory():
    with pytest.raises(OutOfMemory, match=r"level 0 alone .*allocated [\d,]+ MiB, free [\d,]+ MiB"):
        in_parts(fits(0, []), 4, CPU)


def test_other_errors_go_through_untouched():
    tried = []

    def broken(levels):
        tried.append(levels)
        raise RuntimeError("mat1 and mat2 shapes cannot be multiplied")

    with pytest.raises(RuntimeError, match="shapes"):
        in_parts(broken, 4, CPU)
    assert len(tried) == 1


def test_a_real_allocation_beyond_all_memory_counts_as_short():
    with pytest.raises(RuntimeError) as caught:
        torch.empty(2**60, dtype=torch.uint8)
    assert short_of_memory(caught.value)


def part(levels, width, fill):
    shapes = ((levels, width, 2), (levels, width, 2), (levels, width), (levels, 2, 2), (levels, 2))
    network = ReluNetwork(*(torch.full(shape, fill) for shape in shapes))
    figure = torch.full((levels,), fill)
    return Trained(network, [Moment(0, figure, figure, 1.0)], torch.full((levels, 5, 2), fill))


def test_parts_of_different_widths_join_to_the_same_functions():
    one, two = part(1, 3, 1.0), part(2, 5, 2.0)
    whole = joined([one, two])
    y = torch.randn(3, 4, 2, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(whole.network(y), torch.cat([one.network(y[:1]), two.network(y[1:])]))
    assert whole.multipliers.shape == (3, 5, 2)
    assert whole.moments[0].violation.tolist() == [1.0, 2.0, 2.0]


# Trains eight levels in an address space that holds fewer, and says how many parts it took.
_TIGHT = """
    import resource, torch
    from attrs import evolve
    from flowlab.theory.descent import Descent
    from flowlab.theory.interpolation import Interpolation, noisy_samples
    from flowlab.theory.relu_network import ReluNetwork
    from flowlab.theory.split import Trained, in_parts, joined
    from flowlab.theory.training import Loss, train
    from flowlab.theory.training_state import TrainingState

    torch.set_num_threads(1)
    cpu, levels, width = torch.device("cpu"), 8, 1000
    points, sigma = torch.eye(3, 4), torch.full((levels,), 0.1)
    draw = torch.Generator().manual_seed(0)
    problem = Interpolation(noisy_samples(points, sigma, 2000, draw), points, sigma)
    rows = torch.randn(levels, width, 4, generator=draw)
    start = ReluNetwork(rows, rows, rows[..., 0], torch.zeros(levels, 4, 4), torch.zeros(levels, 4))
    loss = Loss(lambda _, residual: residual, lambda _: 0.1, lambda _: 0.0)

    def run(part):
        task = problem.levels(part)
        state = TrainingState.of(start.levels(part), Descent(2, 1e-3), draw, cpu)
        train(state, task, Descent(2, 1e-3), loss, 0.0, lambda *_: None, lambda *_: None)
        return Trained(state.weights.network(), state.moments)

    run(slice(0, 1))  # loads what is loaded late
    mapped = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
    # hidden neurons take 24 MB a level and array, a step two such arrays and a mask: 430 MB for all
    resource.setrlimit(resource.RLIMIT_AS, (mapped + 200 * 2**20,) * 2)
    parts = in_parts(run, levels, cpu)
    print(len(parts), len(joined(parts).network.inner))
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="limits the address space")
def test_a_bank_too_large_for_the_address_space_is_trained_in_parts():
    run = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(_TIGHT)], capture_output=True, text=True, timeout=120
    )
    assert run.returncode == 0, run.stderr
    parts, levels = map(int, run.stdout.split())
    assert parts > 1
    assert levels == 8
