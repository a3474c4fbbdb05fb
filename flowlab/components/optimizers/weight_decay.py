"""The paper's comparison: plain training with weight decay."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from typing import TYPE_CHECKING, Literal

from attrs import frozen

from flowlab.api import (
    Context,
    Fit,
    NodeSpec,
    OptimizerSpec,
    Table,
    ValidationIssue,
    parameter,
)
from flowlab.components.optimizers.parts import train_in_parts

if TYPE_CHECKING:
    from flowlab.theory.geometry.geometry import Geometry
    from flowlab.theory.networks.interpolation import Interpolation
    from flowlab.theory.networks.relu_network import ReluNetwork


@frozen
class WeightDecay:
    """Adam with weight decay on the squared error: the paper's comparison, without exact interpolation.

    It minimises 1/(2 M) sum_nm |h(y_nm) - x_n|^2, with M samples per point for each time that the point is in the
    set. Decoupled decay shrinks a_k and w_k at each step by the share strength times learning rate, apart from the
    gradient (AdamW). With `decay_all` it also shrinks b, V and c, as deep-learning libraries do. Coupled decay
    adds strength * C to the loss. `strength` 0 is training without decay.
    Source: arXiv 2506.19031, Figure 11 (decay 0.25; the kind of decay and its scale are not stated).
    """

    strength: float = parameter(
        0.25, help="weight decay, where the farthest training point is 1 away from the anchor", ge=0
    )
    kind: Literal["decoupled", "coupled"] = parameter("decoupled", help="apart from the loss, or a term of it")
    decay_all: bool = parameter(False, help="decay the biases, V and c as well (decoupled only)")
    steps: int = parameter(20_000, help="steps, full-batch unless batch is given", ge=1, le=1_000_000_000)
    batch: int | None = parameter(None, help="samples per point in a step, used in turn", ge=1)
    learning_rate: float = parameter(0.01, help="first learning rate", gt=0)
    inner: Literal["adam", "nadam", "radam"] = parameter("adam", help="inner optimizer")
    decay: Literal["cosine", "linear", "constant"] = parameter(
        "cosine", help="how the learning rate falls to zero"
    )
    precision: Literal["float32", "float64"] = parameter("float32", help="dtype of the training")

    def check(self, inputs: Mapping[str, tuple[NodeSpec, ...]]) -> Iterator[ValidationIssue]:
        """Check that `decay_all` is not used with coupled decay, whose cost C leaves b, V and c free."""
        if self.decay_all and self.kind == "coupled":
            yield ValidationIssue("decay_all", "coupled decay is of the cost C, which has no biases, V and c")

    def value_spec(self, inputs: Mapping[str, tuple[NodeSpec, ...]]) -> OptimizerSpec:
        """What is known of its networks before the run."""
        return OptimizerSpec(history=True, keeps_width=True, solved=True)

    def minimise(
        self,
        problem: Interpolation,
        geometry: Geometry,
        start: ReluNetwork,
        dropout: float,
        context: Context,
    ) -> Fit:
        """Fit all levels at once, or in parts where memory is short.

        Raises NodeError where the loss is not finite or a single level does not fit into memory.
        """
        import torch

        from flowlab.theory.training.descent import Descent
        from flowlab.theory.training.history import history_columns
        from flowlab.theory.training.split import TrainedBank
        from flowlab.theory.training.training import Loss, train
        from flowlab.theory.training.training_state import TrainingState

        samples = min(self.batch or problem.samples.shape[2], problem.samples.shape[2])
        dtype = getattr(torch, self.precision)
        decoupled, cost_weight = (0.0, self.strength) if self.kind == "coupled" else (self.strength, 0.0)
        descent = Descent(
            self.steps,
            self.learning_rate,
            self.decay,
            self.inner,
            dtype,
            decoupled,
            self.decay_all,
            self.batch,
        )
        counts = torch.ones(1) if problem.counts is None else problem.counts.repeat_interleave(samples)
        divisor = (samples / counts)[:, None].to(context.device, dtype)
        loss = Loss(lambda _, residual: residual / divisor, lambda _: cost_weight, lambda _: self.strength)

        def run(part: Interpolation, begin: ReluNetwork, name: str) -> TrainedBank:
            generator = context.generator("dropout")
            saved, keep = context.checkpoint.load(name), partial(context.checkpoint.save, name)
            state = TrainingState.of(begin, descent, generator, context.device, saved=saved)
            train(state, part, descent, loss, dropout, context.progress, keep)
            return TrainedBank(state.weights.network(), state.history)

        advice = "lower learning_rate", "lower samples or width"
        bank = train_in_parts(run, problem, start, context, *advice)
        usable = torch.ones_like(problem.sigma, dtype=torch.bool)
        return Fit(bank.network, usable, Table(history_columns(bank.history, problem.noise)))
