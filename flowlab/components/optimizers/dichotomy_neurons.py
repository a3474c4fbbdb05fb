"""The cheapest network of neurons that are active on whole clusters, without training."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from attrs import frozen

from flowlab.api import (
    Context,
    Fit,
    NodeError,
    NodeSpec,
    OptimizerSpec,
    parameter,
)

if TYPE_CHECKING:
    from flowlab.theory.geometry.geometry import Geometry
    from flowlab.theory.networks.interpolation import Interpolation
    from flowlab.theory.networks.relu_network import ReluNetwork


@frozen
class DichotomyNeurons:
    """Networks through every sample whose neurons are each active on whole clusters only, at the least cost found.

    Slabs (max-margin) are in this family, but the neurons need not come in pairs. Where several of them cancel on
    a cluster, they can be cheaper. It is a convex program over few neurons, to which others are added until a
    search finds none that lowers the cost. `family_bound` is the least cost of the family if the search missed no
    neuron: an estimate, because the search is local. Networks with a kink through a cluster are not in the family.
    With few samples a point (about d + 1) some of them are cheaper; that none is with many, at low noise, is a
    conjecture. It is for at most 10 points, because all 2^N - 2 active sets are searched. Width, starting weights
    and dropout have no effect.
    """

    gap: float = parameter(5e-4, help="how far above the family's least cost to stop, estimated", gt=0, lt=1)

    def value_spec(self, inputs: Mapping[str, tuple[NodeSpec, ...]]) -> OptimizerSpec:
        """What is known of its networks before the run."""
        return OptimizerSpec(history=False, keeps_width=False)

    def minimise(
        self,
        problem: Interpolation,
        geometry: Geometry,
        start: ReluNetwork,
        dropout: float,
        context: Context,
    ) -> Fit:
        """Solve every level; `usable` marks the levels with a solution.

        Raises NodeError for more than 10 points.
        """
        import torch

        from flowlab.theory.convex_programs.dichotomy_neurons import dichotomy_neurons
        from flowlab.theory.geometry.tolerance import evaluation_tolerance
        from flowlab.theory.networks.relu_network import ReluNetwork, concat_networks

        levels, solved = len(problem.sigma), []
        for level in range(levels):
            try:
                solved.append(dichotomy_neurons(problem.samples[level], problem.points, self.gap))
            except ValueError as error:
                raise NodeError(str(error)) from error
            context.progress(level + 1, levels, {} if solved[-1] is None else {"cost": solved[-1].cost})
        usable = torch.tensor([solution is not None for solution in solved], device=problem.sigma.device)
        parts = []
        if not bool(usable.all()):
            unsolved = problem.noise[~usable]
            parts.append(
                f"no network of such neurons was found at {len(unsolved)} of {levels} levels (sigma from "
                f"{unsolved.min():.4g} to {unsolved.max():.4g}): too few hyperplanes separate the clusters"
            )
        gaps = [
            None if solution is None else 1 - solution.bound / solution.cost if solution.cost else 0.0
            for solution in solved
        ]
        wide = [gap for gap in gaps if gap is not None and gap > 2 * self.gap]
        if wide:
            parts.append(
                f"estimated gap above {2 * self.gap:g} at {len(wide)} of {levels} levels: up to {max(wide):.2g}"
            )
        dimension = problem.points.shape[-1]
        shapes = (1, 1, dimension), (1, 1, dimension), (1, 1), (1, dimension, dimension), (1, dimension)
        none = ReluNetwork(*(torch.full(shape, torch.nan, dtype=torch.float64) for shape in shapes))
        network = concat_networks([none if solution is None else solution.network for solution in solved])
        return Fit(
            network.to(problem.samples),
            usable,
            shortfall="; ".join(parts) or None,
            tolerance=evaluation_tolerance(1e-6, context.dtype),
            quality={
                "family_bound": [None if solution is None else solution.bound for solution in solved],
                "family_gap": gaps,
            },
        )
