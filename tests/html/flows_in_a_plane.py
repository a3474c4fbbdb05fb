"""A run of made-up flows in two dimensions and in four, of each kind of bank that a page evaluates."""

from __future__ import annotations

from pathlib import Path

import torch
from attrs import evolve
from report_nodes import ENVIRONMENT, done, graph_of, outcome_of

from flowlab.api import Classes, DenoiserBank, TrainingSet, Trajectories
from flowlab.engine.outcome import Outcome
from flowlab.output.run_folder import claim_folder
from flowlab.runner.write_run import write_run
from flowlab.theory.flows.steps import ddim
from flowlab.theory.geometry.classes import classify
from flowlab.theory.geometry.frame import Frame
from flowlab.theory.geometry.geometry import Geometry
from flowlab.theory.geometry.orthogonal import orthogonal_closed_form
from flowlab.theory.geometry.polytope import box
from flowlab.theory.networks.mmse import EmpiricalMmse
from flowlab.theory.networks.relu_network import ReluNetwork

SIGMA = torch.linspace(0.12, 0.004, 15, dtype=torch.float64)


def random_network(dimension: int) -> ReluNetwork:
    """Nobody trained it: skips, dead neurons and all."""
    generator = torch.Generator().manual_seed(0)

    def normal(*shape: int) -> torch.Tensor:
        return 0.3 * torch.randn(shape, generator=generator, dtype=torch.float64)

    levels = len(SIGMA)
    outer = normal(levels, 20, dimension)
    outer[:, 7] = 0
    inner, skip = normal(levels, 20, dimension), normal(levels, dimension, dimension)
    return ReluNetwork(outer, inner, normal(levels, 20), skip, normal(levels, dimension))


HERE = Frame(torch.zeros(1, dtype=torch.float64), 1.0)


def banks(dimension: int, place: Frame = HERE) -> dict[str, DenoiserBank]:
    """A bank of each kind on an orthogonal set with the origin of a frame, in its units."""
    edges = place.scale * torch.diag(torch.linspace(1, 1.5, dimension, dtype=torch.float64))
    anchor = torch.zeros_like(edges[0]) + place.origin
    form = orthogonal_closed_form(anchor, edges)
    sigma = place.scale * SIGMA
    geometry = Geometry(torch.cat([anchor[None], anchor + edges]), anchor, edges, box(anchor, edges), form)
    training = TrainingSet(geometry, 1, lambda sigma: geometry.points[None, :, None])
    networks = {
        "slabs": form(2.5 * sigma),
        "posterior": EmpiricalMmse(geometry.points, sigma, 1.0 + torch.arange(len(geometry.points))),
        "network": Frame(anchor, place.scale).network_outside(random_network(dimension)),
    }
    usable = torch.ones(len(SIGMA), dtype=torch.bool)
    return {name: DenoiserBank(sigma, each, training, usable) for name, each in networks.items()}


def flows(bank: DenoiserBank, place: Frame = HERE) -> dict[str, Trajectories]:
    """Both flows, from common starts."""
    dimension = bank.training.geometry.points.shape[-1]
    generator = torch.Generator().manual_seed(1)
    starts = place.outside(0.5 + 0.7 * torch.randn(60, dimension, generator=generator, dtype=torch.float64))
    sigma = torch.cat([bank.sigma, bank.sigma.new_zeros(1)])
    r = torch.linspace(0, 50, 201, dtype=torch.float64)
    down = ddim(bank.denoise, sigma.log(), starts, lambda *_: None)
    rest = ddim(lambda y, _: bank.denoise(y, 0), -r, starts, lambda *_: None)
    return {
        "probability": Trajectories(down, sigma, bank, "probability"),
        "score": Trajectories(rest, r, bank, "score", 0),
    }


def made(dimension: int, place: Frame = HERE) -> dict[str, Trajectories]:
    """All flows by their names."""
    return {
        f"{name}-{kind}-{dimension}": flow
        for name, bank in banks(dimension, place).items()
        for kind, flow in flows(bank, place).items()
    }


def outcome_of_flows(made: dict[str, Trajectories]) -> Outcome:
    """The flows, and their classes at 0.1."""
    labels = {
        name: classify(flow.ends, flow.bank.training.geometry, 0.1, "linf").labels for name, flow in made.items()
    }
    records = [done("flow", name, value=flow) for name, flow in made.items()]
    ends = done("classifier", "ends", value=Classes(labels, made, 0.1, "linf"))
    inputs = {"flow": tuple(record.node for record in records)}
    return outcome_of(*records, evolve(ends, node=evolve(ends.node, inputs=inputs)))


def write_flows(folder: Path) -> Path:
    """Write the run and return its page."""
    outcome = outcome_of_flows(made(2) | made(4))
    claim_folder(folder)
    write_run(graph_of(outcome), outcome, ENVIRONMENT, folder)
    return folder / "report.html"
