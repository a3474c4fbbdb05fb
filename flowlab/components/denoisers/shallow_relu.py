"""A trained bank of shallow ReLU denoisers."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from attrs import frozen

from flowlab.api import (
    BankSpec,
    Context,
    DenoiserBank,
    NodeError,
    NodeSpec,
    Optimizer,
    Result,
    Schedule,
    Table,
    TrainingSet,
    parameter,
    reference,
)

if TYPE_CHECKING:
    import torch

    from flowlab.theory.networks.interpolation import Interpolation
    from flowlab.theory.networks.relu_network import ReluNetwork

_BYTES = 4  # of a number in single precision, the least there is
_JUDGED = ("violation_max", "slab_ratio")
_EXCESS = 1e-3  # above the cost of the slabs by more than this share, a network is not of minimum norm


@frozen
class ShallowRelu:
    """Shallow ReLU denoisers with a skip connection, one per noise level, trained as one batch.

    h(y) = sum_k a_k relu(w_k . y + b_k) + V y + c, k = 1..K, fitted by `optimizer` to h(y_nm) = x_n at each
    sigma of `schedule`. At the start the rows of w and a have norm `scale` and random directions, the biases are
    N(0, bias_scale^2), and V = c = 0. Training and all its settings are in coordinates about the anchor of the
    subset sums, in units of the largest distance of a training point from it. So the results do not depend on the
    unit and the origin of the data. The network is mapped back to data units, at the same cost. Source: arXiv
    2506.19031, Section 2.
    """

    dataset: str = reference("dataset", help="training points and their noisy samples")
    schedule: str = reference("schedule", help="noise levels, one denoiser each")
    optimizer: str = reference("optimizer", help="how the weights are computed")
    width: int = parameter(500, help="neurons K", ge=1)
    dropout: float = parameter(0.0, help="probability that a neuron is dropped in training", ge=0, lt=1)
    scale: float = parameter(0.5, help="norm of each row of w and a at the start", gt=0)
    bias_scale: float = parameter(0.25, help="standard deviation of the biases at the start", ge=0)

    def value_spec(self, inputs: Mapping[str, tuple[NodeSpec, ...]]) -> BankSpec:
        """What is known of the bank before the run."""
        optimizer = inputs["optimizer"][0].value_spec
        return BankSpec(
            inputs["dataset"][0].value_spec,
            inputs["schedule"][0].value_spec,
            solved=optimizer.solved,
            balls=False,
            relu=True,
            affine=True,
            neurons=self.width if optimizer.keeps_width else None,
            history=optimizer.history,
            quality=True,
        )

    def memory(self, inputs: Mapping[str, tuple[NodeSpec, ...]]) -> Mapping[str, int]:
        """The bytes of the samples of all levels, and of the weights of all networks, by the key to lower."""
        training, schedule = inputs["dataset"][0].value_spec, inputs["schedule"][0].value_spec
        levels, dimension = schedule.levels or 1, training.dimension or 1
        samples = levels * (training.points or 1) * (training.samples or 1) * dimension
        return {"dataset": _BYTES * samples, "width": _BYTES * levels * self.width * dimension}

    def build(self, context: Context, *, dataset: TrainingSet, schedule: Schedule, optimizer: Optimizer) -> Result:
        """Train the bank; the metrics have one number per noise level.

        Raises NodeError where the optimizer does, or memory is too short to evaluate a level.
        """
        import torch

        from flowlab.theory.geometry.frame import training_frame
        from flowlab.theory.geometry.tolerance import largest_violation
        from flowlab.theory.training.quality import quality

        geometry = dataset.geometry
        sigma = schedule.sigma(context.dtype).to(context.device)
        frame = training_frame(geometry)
        start = self._start(sigma, geometry.points.shape[-1], context)
        inside = frame.problem_inside(_problem(dataset, sigma))
        fit = optimizer.minimise(inside, frame.geometry_inside(geometry), start, self.dropout, context)
        problem = inside if frame.trivial else _problem(dataset, sigma)
        del inside
        network = frame.network_outside(fit.network.to(torch.float64)).to(context.dtype)
        history = None if fit.history is None else _outside(fit.history, frame.scale, sigma.tolist())
        residual = _residual(network, problem, context.device)
        most = largest_violation(math.inf if fit.tolerance is None else fit.tolerance, geometry.scale, sigma)
        own_quality = quality(residual, network.cost, network.balanced_cost, problem, geometry, most)
        numbers = {**own_quality, **fit.quality}
        bank = DenoiserBank(
            sigma,
            network,
            dataset,
            fit.usable.to(sigma.device),
            history=history,
            multipliers=None if fit.multipliers is None else fit.multipliers / frame.scale,
            quality=numbers,
        )
        alive = (network.outer.norm(dim=-1) * network.inner.norm(dim=-1)) > 1e-6
        metrics = {
            "sigma": sigma.tolist(),
            "usable": bank.usable.tolist(),
            "violation_allowed": most.tolist(),
            **numbers,
            "width": network.inner.shape[1],
            "neurons_alive": alive.sum(-1).tolist(),
            "skip_norm": [None if v != v else v for v in network.skip.norm(dim=(1, 2)).tolist()],
        }
        tables = {"history": history} if history is not None else {}
        if fit.tolerance is None:
            return Result(bank, metrics, tables, fit.shortfall)
        return Result(bank, metrics, tables, fit.shortfall or _shortfall(numbers, most.tolist(), sigma.tolist()))

    def _start(self, sigma: torch.Tensor, dimension: int, context: Context) -> ReluNetwork:
        """The initial weights; of a pinned denoiser those of a level depend on its sigma, not on the others."""
        from flowlab.theory.networks.relu_network import concat_networks

        return concat_networks(
            [
                self._start_of_part(len(sigma[levels]), dimension, generator, context)
                for levels, generator in context.level_generators("weights", sigma)
            ]
        )

    def _start_of_part(
        self, levels: int, dimension: int, generator: torch.Generator, context: Context
    ) -> ReluNetwork:
        import torch

        from flowlab.theory.networks.relu_network import ReluNetwork

        def normal(*shape: int) -> torch.Tensor:
            return torch.randn(shape, generator=generator, dtype=torch.float64).to(context.device, context.dtype)

        def rows() -> torch.Tensor:
            return self.scale * torch.nn.functional.normalize(normal(levels, self.width, dimension), dim=-1)

        zero = torch.zeros(levels, dimension, dimension, dtype=context.dtype, device=context.device)
        biases = self.bias_scale * normal(levels, self.width)
        return ReluNetwork(rows(), rows(), biases, zero, zero[:, 0])


def _problem(dataset: TrainingSet, sigma: torch.Tensor) -> Interpolation:
    """The interpolation problem in data units, the same at every call."""
    from flowlab.theory.networks.interpolation import Interpolation

    points = dataset.geometry.points
    counts = None if dataset.counts is None else points.new_tensor(dataset.counts)
    return Interpolation(dataset.draw(sigma), points, sigma, counts=counts)


def _outside(history: Table, size: float, sigma: Sequence[float]) -> Table:
    """The history of a training with its lengths in data units; penalties stay in units of training."""
    columns: dict[str, Sequence[Any]] = dict(history.columns)
    if "violation_max" in columns:
        columns["violation_max"] = [size * value for value in columns["violation_max"]]
    if {"sigma", "level"} <= columns.keys():
        columns["sigma"] = [sigma[int(level)] for level in columns["level"]]
    return Table(columns)


def _residual(network: ReluNetwork, problem: Interpolation, device: torch.device) -> torch.Tensor:
    """The residual h(y) - x (L, N * M, d), in parts where memory is short: it is larger than that of training.

    Raises NodeError where a single level does not fit into memory.
    """
    import torch

    from flowlab.theory.training.split import OutOfMemory, map_splitting_on_oom

    def run(levels: slice) -> torch.Tensor:
        part = problem.levels(levels)
        return network.levels(levels)(part.inputs) - part.targets

    try:
        return torch.cat(map_splitting_on_oom(run, len(problem.sigma), device))
    except OutOfMemory as error:
        raise NodeError(f"{error}; lower samples or width") from error


def _shortfall(
    numbers: Mapping[str, Sequence[float | None]], most: Sequence[float], sigma: Sequence[float]
) -> str | None:
    """The levels at which the network does not interpolate, or costs more than the slabs, in words; else None."""
    violation, ratio = ([math.nan if value is None else value for value in numbers[name]] for name in _JUDGED)
    levels = range(len(sigma))
    violated = [level for level in levels if not violation[level] <= most[level]]
    expensive = [level for level in levels if violation[level] <= most[level] and ratio[level] > 1 + _EXCESS]
    parts = []
    if violated:
        worst = max(violated, key=violation.__getitem__)
        parts.append(
            f"violation above {most[worst]:.2g} at {len(violated)} of {len(sigma)} levels, worst "
            f"{violation[worst]:.2g} at sigma {sigma[worst]:.4g}: no ratios there"
        )
    if expensive:
        worst = max(expensive, key=ratio.__getitem__)
        parts.append(
            f"not of minimum norm at {len(expensive)} of {len(sigma)} levels: cost up to {ratio[worst]:.4g} "
            f"times the slabs', at sigma {sigma[worst]:.4g}"
        )
    return "; ".join(parts) or None
