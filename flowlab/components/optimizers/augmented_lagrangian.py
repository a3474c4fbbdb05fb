"""Minimum-norm training by the method of multipliers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from attrs import frozen

from flowlab.api import Context, Fit, NodeError, Table, parameter

if TYPE_CHECKING:
    from flowlab.theory.geometry import Geometry
    from flowlab.theory.interpolation import Interpolation
    from flowlab.theory.relu_network import ReluNetwork


@frozen
class AugmentedLagrangian:
    """Minimum-norm interpolation by an augmented Lagrangian, multipliers updated at every step.

    Minimises C + sum_i z_i . r_i + mu/2 sum_i |r_i|^2 over the network, r_i = h(y_i) - x_i on all samples,
    with z_i <- z_i + multiplier_rate * mu * r_i and mu growing geometrically. The loss is divided by mu, so
    that one learning rate serves the whole schedule. Penalties are stated per training point: mu =
    penalty / M for M samples a point. Too small a first penalty collapses to the zero network, too fast a
    growth interpolates before the norm is down. Source: arXiv 2506.19031, Section 5; Nocedal and Wright,
    Numerical Optimization, Algorithm 17.4.
    """

    steps: int = parameter(20_000, help="full-batch steps", ge=1)
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
        1e-3, help="largest violation that counts as interpolation", unit="data units", gt=0
    )
    precision: Literal["float32", "float64"] = parameter("float32", help="dtype of the training")

    def minimise(
        self,
        problem: Interpolation,
        geometry: Geometry,
        start: ReluNetwork,
        dropout: float,
        context: Context,
    ) -> Fit:
        """Fit all levels at once. Raises NodeError where the loss stops being finite."""
        import torch

        from flowlab.theory.training import Descent, Diverged, Loss, history, train

        dtype = getattr(torch, self.precision)
        samples = problem.samples.shape[2]
        first, last = self.penalty_start / samples, self.penalty_end / samples
        growth = (last / first) ** (1 / self.steps)
        shape = (len(problem.sigma), *problem.targets.shape[1:])
        # in units of mu, as the loss is, hence rescaled whenever mu grows
        multipliers = torch.zeros(shape, dtype=dtype, device=context.device)

        def penalty(step: int) -> float:
            return float(first * growth**step)

        def force(step: int, residual: torch.Tensor) -> torch.Tensor:
            error = multipliers + residual
            multipliers.add_(residual, alpha=self.multiplier_rate).div_(growth)
            return error

        descent = Descent(self.steps, self.learning_rate, self.decay, self.inner, dtype)
        loss = Loss(force, lambda step: 1 / penalty(step), penalty)
        generator = context.generator("dropout")
        try:
            network, moments = train(
                start, problem, descent, loss, dropout, generator, context.device, context.progress
            )
        except Diverged as error:
            raise NodeError(f"{error}; lower learning_rate or penalty_end") from error
        usable = torch.ones_like(problem.sigma, dtype=torch.bool)
        return Fit(
            network,
            usable,
            Table(history(moments, problem.sigma)),
            multipliers=-last * multipliers.to(problem.samples),
            tolerance=self.tolerance,
        )
