"""The paper's comparison: plain training with weight decay."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Literal

from attrs import frozen

from flowlab.api import Context, Declared, Fit, Misfit, NodeError, Table, parameter

if TYPE_CHECKING:
    from flowlab.theory.geometry import Geometry
    from flowlab.theory.interpolation import Interpolation
    from flowlab.theory.relu_network import ReluNetwork


@frozen
class WeightDecay:
    """Adam with weight decay on the squared error: the paper's comparison, without exact interpolation.

    Minimises 1/(2 M) sum_nm |h(y_nm) - x_n|^2, M samples a point. Decoupled decay shrinks a_k and w_k by
    strength times the learning rate at each step, apart from the gradient (AdamW), and with `decay_all` b, V
    and c too, as a deep-learning library has it; coupled decay adds strength * C to the loss. `strength` 0 is
    training without decay.
    Source: arXiv 2506.19031, Figure 11 (decay 0.25; the kind of decay and its scale are not stated).
    """

    strength: float = parameter(0.25, help="weight decay", ge=0)
    kind: Literal["decoupled", "coupled"] = parameter("decoupled", help="apart from the loss, or a term of it")
    decay_all: bool = parameter(False, help="decay the biases, V and c as well (decoupled only)")
    steps: int = parameter(20_000, help="full-batch steps", ge=1)
    learning_rate: float = parameter(0.01, help="first learning rate", gt=0)
    inner: Literal["adam", "nadam", "radam"] = parameter("adam", help="inner optimizer")
    decay: Literal["cosine", "linear", "constant"] = parameter(
        "cosine", help="how the learning rate falls to zero"
    )
    precision: Literal["float32", "float64"] = parameter("float32", help="dtype of the training")

    def check(self, inputs: Mapping[str, tuple[Declared, ...]]) -> Iterator[Misfit]:
        """The term of the loss is the representation cost, in which b, V and c are free."""
        if self.decay_all and self.kind == "coupled":
            yield Misfit("decay_all", "coupled decay is of the cost C, which has no biases, V and c")

    def minimise(
        self,
        problem: Interpolation,
        geometry: Geometry,
        start: ReluNetwork,
        dropout: float,
        context: Context,
    ) -> Fit:
        """Fit all levels at once, or in parts where memory is short.

        Raises NodeError where the loss stops being finite or a single level doesn't fit into memory.
        """
        import torch
        from attrs import evolve

        from flowlab.theory.descent import Descent
        from flowlab.theory.split import OutOfMemory, Trained, in_parts, joined, levels_of
        from flowlab.theory.training import Diverged, Loss, history, train

        samples = problem.samples.shape[2]
        dtype = getattr(torch, self.precision)
        apart, pull = (0.0, self.strength) if self.kind == "coupled" else (self.strength, 0.0)
        descent = Descent(self.steps, self.learning_rate, self.decay, self.inner, dtype, apart, self.decay_all)
        loss = Loss(lambda _, residual: residual / samples, lambda _: pull, lambda _: self.strength)

        def run(levels: slice) -> Trained:
            part = evolve(problem, samples=problem.samples[levels], sigma=problem.sigma[levels])
            begin, generator = levels_of(start, levels), context.generator("dropout")
            try:
                return Trained(
                    *train(begin, part, descent, loss, dropout, generator, context.device, context.progress)
                )
            except Diverged as error:
                level = range(len(problem.sigma))[levels][error.level]
                raise NodeError(
                    f"level {level} (sigma {problem.sigma[level]:.4g}): {error}; lower learning_rate"
                ) from error

        try:
            trained = joined(in_parts(run, len(problem.sigma), context.device))
        except OutOfMemory as error:
            raise NodeError(f"{error}; lower samples or width") from error
        usable = torch.ones_like(problem.sigma, dtype=torch.bool)
        return Fit(trained.network, usable, Table(history(trained.moments, problem.sigma)))
