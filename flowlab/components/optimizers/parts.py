"""Training of a bank in parts of its levels, for all optimizers that train."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from flowlab.api import Context, NodeError

if TYPE_CHECKING:
    from flowlab.theory.networks.interpolation import Interpolation
    from flowlab.theory.networks.relu_network import ReluNetwork
    from flowlab.theory.training.split import TrainedBank


def train_in_parts(
    train: Callable[[Interpolation, ReluNetwork, str], TrainedBank],
    problem: Interpolation,
    start: ReluNetwork,
    context: Context,
    if_diverged: str,
    if_short: str,
) -> TrainedBank:
    """Train all levels at once, or in parts where memory is short; `train` takes a part, its start and its name.

    Raises NodeError with advice: `if_diverged` where a loss is not finite, `if_short` where a single level does
    not fit into memory.
    """
    from flowlab.theory.training.history import Diverged
    from flowlab.theory.training.split import OutOfMemory, concat_trained, map_splitting_on_oom, name_of

    def run(levels: slice) -> TrainedBank:
        try:
            return train(problem.levels(levels), start.levels(levels), name_of(levels))
        except Diverged as error:
            level = range(len(problem.sigma))[levels][error.level]
            where = f"level {level} (sigma {problem.noise[level]:.4g})"
            raise NodeError(f"{where}: {error}; {if_diverged}") from error

    try:
        return concat_trained(map_splitting_on_oom(run, len(problem.sigma), context.device))
    except OutOfMemory as error:
        raise NodeError(f"{error}; {if_short}") from error
