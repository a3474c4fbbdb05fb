"""Minimum-norm training by the method of multipliers."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Literal

from attrs import frozen

from flowlab.api import (
    Context,
    Fit,
    NodeError,
    NodeSpec,
    OptimizerSpec,
    Table,
    parameter,
)
from flowlab.components.optimizers.parts import train_in_parts

if TYPE_CHECKING:
    from torch import Tensor

    from flowlab.theory.geometry.geometry import Geometry
    from flowlab.theory.networks.interpolation import Interpolation
    from flowlab.theory.networks.relu_network import ReluNetwork
    from flowlab.theory.training.descent import Descent
    from flowlab.theory.training.split import TrainedBank


@frozen
class AugmentedLagrangian:
    """Minimum-norm interpolation by an augmented Lagrangian, with multipliers that are updated at every step.

    It minimises C + sum_i z_i . r_i + mu/2 sum_i |r_i|^2 over the network, with r_i = h(y_i) - x_i on all samples.
    Each step updates z_i <- z_i + multiplier_rate * mu * r_i, and mu grows geometrically. The loss is divided by
    mu, so that one learning rate works for the whole schedule. Penalties are given per training point: mu =
    penalty / M for M samples per point. If the first penalty is too small, training collapses to the zero network.
    If the penalty grows too fast, the network interpolates before its norm is small. Source: arXiv 2506.19031,
    Section 5; Nocedal and Wright, Numerical Optimization, Algorithm 17.4.

    With `working_set` a step uses only the samples with the largest |z_i + mu r_i|, and dead neurons are removed.
    The stages are a search on batches of samples, a rise of the penalty with new neurons where the residual
    demands them, and the multipliers (flowlab/theory/training/sparse_training.py). The working set needs more
    samples per point than the support of the minimum has: 80 were enough for d = 30, and 40 for d = 10. With
    dropout every step uses all samples, because dropout needs all neurons.

    `start = "slabs"` starts at the max-margin slabs, where they exist, instead of random weights. Multipliers
    start at zero, so the first penalty has to be large enough to keep the start: penalty_start = 20,000 and
    learning_rate = 0.001, or with `working_set` penalty_end = 400,000. At the default of 200, the first steps
    lower the norm at the cost of interpolation.
    """

    steps: int = parameter(20_000, help="steps, full-batch unless working_set is given", ge=1, le=1_000_000_000)
    penalty_start: float = parameter(200.0, help="first penalty, per training point", gt=0)
    penalty_end: float = parameter(20_000.0, help="last penalty, per training point", gt=0)
    multiplier_rate: float = parameter(
        0.01, help="share of the full multiplier update taken at each step", gt=0, le=1
    )
    learning_rate: float = parameter(0.01, help="first learning rate of the inner optimizer", gt=0)
    inner: Literal["adam", "nadam", "radam"] = parameter("adam", help="inner optimizer")
    decay: Literal["cosine", "linear", "constant"] = parameter(
        "cosine", help="how the learning rate falls to zero"
    )
    tolerance: float = parameter(
        1e-3,
        help="largest violation of an interpolating level (at most sigma / 10)",
        unit="shortest lengths",
        gt=0,
    )
    precision: Literal["float32", "float64"] = parameter("float32", help="dtype of the training")
    working_set: int = parameter(0, help="samples per point in the working set of a step; 0: all samples", ge=0)
    start: Literal["random", "slabs"] = parameter("random", help="where training starts")

    def value_spec(self, inputs: Mapping[str, tuple[NodeSpec, ...]]) -> OptimizerSpec:
        """What is known of its networks before the run."""
        return OptimizerSpec(history=True, solved=True)

    def minimise(
        self,
        problem: Interpolation,
        geometry: Geometry,
        start: ReluNetwork,
        dropout: float,
        context: Context,
    ) -> Fit:
        """Fit all levels at once, or in parts where memory is short.

        Raises NodeError where the loss is not finite, a single level does not fit into memory, or the
        slabs need more neurons than there are.
        """
        import torch

        from flowlab.theory.training.descent import Descent
        from flowlab.theory.training.history import history_columns
        from flowlab.theory.training.slab_start import from_slab_solution

        if self.start == "slabs":
            try:
                start = from_slab_solution(problem, geometry.pattern, start)
            except ValueError as error:
                raise NodeError(f"{error}; raise width") from error
        dtype = getattr(torch, self.precision)
        descent = Descent(self.steps, self.learning_rate, self.decay, self.inner, dtype)
        method = self._sparse if self.working_set and not dropout else self._full

        def train(part: Interpolation, begin: ReluNetwork, name: str) -> TrainedBank:
            return method(part, descent, begin, dropout, context, name)

        advice = "lower learning_rate or penalty_end", "lower samples, width or working_set"
        bank = train_in_parts(train, problem, start, context, *advice)
        usable = torch.ones_like(problem.sigma, dtype=torch.bool)
        return Fit(
            bank.network,
            usable,
            Table(history_columns(bank.history, problem.noise)),
            multipliers=bank.multipliers,
            tolerance=self.tolerance,
        )

    def _full(
        self,
        problem: Interpolation,
        descent: Descent,
        start: ReluNetwork,
        dropout: float,
        context: Context,
        name: str,
    ) -> TrainedBank:
        """Train with all samples at every step."""
        from flowlab.theory.training.split import TrainedBank
        from flowlab.theory.training.training import Loss, train
        from flowlab.theory.training.training_state import TrainingState

        samples = problem.samples.shape[2]
        first, last = self.penalty_start / samples, self.penalty_end / samples
        growth = (last / first) ** (1 / self.steps)
        generator, saved = context.generator("dropout"), context.checkpoint.load(name)
        constraints = problem.targets.shape[1]
        state = TrainingState.of(start, descent, generator, context.device, constraints, saved)

        def penalty(step: int) -> float:
            return float(first * growth**step)

        def residual_grad(step: int, residual: Tensor) -> Tensor:
            # the multipliers are in units of mu, like the loss, so they are rescaled when mu grows
            error = state.multipliers + residual
            state.multipliers.add_(residual, alpha=self.multiplier_rate).div_(growth)
            return error

        loss = Loss(residual_grad, lambda step: 1 / penalty(step), penalty)
        train(state, problem, descent, loss, dropout, context.progress, partial(context.checkpoint.save, name))
        return TrainedBank(state.weights.network(), state.history, -last * state.multipliers.to(problem.samples))

    def _sparse(
        self,
        problem: Interpolation,
        descent: Descent,
        start: ReluNetwork,
        dropout: float,
        context: Context,
        name: str,
    ) -> TrainedBank:
        """Train with the working set at every step."""
        from flowlab.theory.training.sparse_training import Multipliers, SparseTraining
        from flowlab.theory.training.split import TrainedBank
        from flowlab.theory.training.training_state import TrainingState

        generator, saved = context.generator("batches"), context.checkpoint.load(name)
        state = TrainingState.of(start, descent, generator, context.device, saved=saved)
        training = SparseTraining(
            problem,
            descent,
            Multipliers(self.penalty_start, self.penalty_end, self.multiplier_rate),
            self.working_set,
            start.inner.shape[1],
            context.progress,
            partial(context.checkpoint.save, name),
        )
        multipliers = training.train(state, searched=self.start == "slabs")
        return TrainedBank(state.weights.network(), state.history, multipliers.to(problem.samples))
