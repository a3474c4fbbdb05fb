"""What the page's view of the flows evaluates: denoisers, geometries and trajectories as numbers."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from attrs import frozen

from flowlab.api import CLASSES, Bank, Classes, Trajectories
from flowlab.api.plotting import CLASS_COLOURS
from flowlab.engine.outcome import Outcome, Record
from flowlab.graph.graph import Graph

if TYPE_CHECKING:
    from torch import Tensor

    from flowlab.theory.geometry import Geometry

BUDGET = 1_300_000  # characters of a page for all weights; with geometries and states about 2 MB
_LEVELS = (12, 8, 5, 3)  # noise levels of a bank, as many as there is room for
_STARTS = 40
_STATES = 100_000  # numbers, of all flows together; a flow has a fifth of them at most
_SUMS = 12  # edges; of more, the nearest sum is found by rounding, as in theory
# A neuron that moves h by less than this share of the data's size is left out: of 500 all of them together
# move it by less than float32 does.
_NEGLIGIBLE = 1e-9


@frozen
class View:
    """The numbers by the names that view.js knows them by, and the flows that it can't show, with the reason."""

    data: Mapping[str, Any]
    left_out: Mapping[str, str]


def view(graph: Graph, outcome: Outcome) -> View | None:
    """The view of a run's flows, in the order of the file; None where there is none."""
    order = list(graph.resolved.get("flow", ()))
    flows = [record for record in outcome.of("flow") if isinstance(record.value, Trajectories)]
    flows.sort(key=lambda record: order.index(record.node.name) if record.node.name in order else len(order))
    if not flows:
        return None
    reasons = {record.node.label: _reason(record.value) for record in flows}
    banks = {id(flow.value.bank): flow.value.bank for flow in flows if not reasons[flow.node.label]}
    levels = _fitted(banks)
    for record in flows:
        if not reasons[record.node.label] and id(record.value.bank) not in levels:
            reasons[record.node.label] = "its networks are too large for a page"
    shown = [record for record in flows if not reasons[record.node.label]]
    keys = list(dict.fromkeys(id(record.value.bank) for record in shown))
    geometries = {id(banks[key].training.geometry): banks[key].training.geometry for key in keys}
    places = list(geometries)
    data = {
        "classes": list(CLASSES),
        "colours": [CLASS_COLOURS[name] for name in CLASSES],
        "geometries": [_geometry(each) for each in geometries.values()],
        "banks": [
            {
                "geometry": places.index(id(banks[key].training.geometry)),
                "levels": list(levels[key].values()),
                "all": len(banks[key].sigma),
            }
            for key in keys
        ],
        "flows": [
            {
                "label": record.node.label,
                "bank": keys.index(id(record.value.bank)),
                **_states(record.value, list(levels[id(record.value.bank)]), _STATES // max(5, len(shown))),
                **_judge(record, outcome),
            }
            for record in shown
        ],
    }
    return View(data, {label: reason for label, reason in reasons.items() if reason})


def _reason(flow: Trajectories) -> str | None:
    """Why a flow can't be shown, if so."""
    bank = flow.bank
    count, dimension = bank.training.geometry.points.shape
    steps = {"probability": len(flow.times) == len(bank.sigma) + 1, "score": len(flow.times) > 1}
    if not steps.get(flow.name):
        return "the page can't follow a flow of its kind"
    if dimension < 2 or (dimension > 2 and count < 3):
        return "its points span no plane"
    if not bool(bank.usable.any()):
        return "its denoiser has no solution"
    if _level(bank, int(bank.usable.nonzero()[0, 0])) is None:
        return "its denoiser is of a kind that the page can't evaluate"
    return None


def _fitted(banks: Mapping[int, Bank]) -> dict[int, dict[int, dict[str, Any]]]:
    """As many levels of each bank as fit, by index, noisiest first; without the largest banks where too few do."""
    found: dict[int, dict[int, dict[str, Any]]] = {}
    for most in _LEVELS:
        found = {key: _levels(bank, most) for key, bank in banks.items()}
        if sum(map(_size, found.values())) <= BUDGET:
            return found
    while sum(map(_size, found.values())) > BUDGET:
        del found[max(found, key=lambda key: _size(found[key]))]
    return found


def _levels(bank: Bank, most: int) -> dict[int, dict[str, Any]]:
    """Some of the levels that have a solution."""
    chosen = _spread(bank.usable.nonzero()[:, 0].tolist(), most)
    return {index: level for index in chosen if (level := _level(bank, index))}


def _size(levels: Mapping[int, Mapping[str, Any]]) -> int:
    return sum(len(level["data"]) for level in levels.values())


def _level(bank: Bank, level: int) -> dict[str, Any] | None:
    """One denoiser; None of a kind that view.js doesn't know."""
    import torch

    from flowlab.theory.mmse import EmpiricalMmse
    from flowlab.theory.relu_network import ReluNetwork, from_slabs
    from flowlab.theory.slabs import Slabs

    network = bank.network.at(level)
    sigma = float(bank.sigma[level])
    if isinstance(network, EmpiricalMmse):
        return {"kind": "mmse", "sigma": sigma, "width": len(network.points), "data": packed(network.points)}
    if isinstance(network, Slabs):
        network = from_slabs(network)
    if not isinstance(network, ReluNetwork):
        return None
    outer, inner, biases = network.outer[0], network.inner[0], network.biases[0]
    size = float(bank.training.geometry.points.norm(dim=-1).max()) + 10 * sigma
    moves = outer.norm(dim=-1) * (inner.norm(dim=-1) * size + biases).relu()
    kept = moves > _NEGLIGIBLE * size
    parts = [inner[kept], biases[kept], outer[kept], network.offset[0]]
    skip = bool(network.skip.any())
    if skip:
        parts.append(network.skip[0])
    data = packed(torch.cat([part.flatten() for part in parts]))
    return {"kind": "relu", "sigma": sigma, "width": int(kept.sum()), "skip": skip, "data": data}


def _geometry(geometry: Geometry) -> dict[str, Any]:
    """What the class of an endpoint is decided by."""
    import torch

    from flowlab.theory.subset_sums import patterns

    edges, rays = geometry.edges, geometry.rays
    sums = inverse = cell = None
    if len(edges) <= _SUMS:
        subsets = patterns(len(edges), rays)
        order = subsets.sum(-1)
        allowed = subsets[(order >= 2) & (order <= len(geometry.points) - 1)]
        sums = packed(geometry.anchor + allowed.to(edges) @ edges)
    else:
        inverse = packed(torch.linalg.pinv(edges))
    if geometry.cell is not None:
        names = ("normals", "heights", "center", "basis")
        cell = {name: packed(getattr(geometry.cell, name)) for name in names}
    return {
        "dimension": geometry.points.shape[-1],
        "points": packed(geometry.points),
        "anchor": packed(geometry.anchor),
        "edges": packed(edges),
        "rays": None if rays is None else rays.tolist(),
        "sums": sums,
        "inverse": inverse,
        "cell": cell,
    }


def _states(flow: Trajectories, levels: Sequence[int], most: int) -> dict[str, Any]:
    """A flow's starts, and of probability flow the states at these levels of its bank and between."""
    count, dimension = flow.states.shape[0], flow.states.shape[-1]
    starts = flow.states[:, : max(10, min(_STARTS, most // (dimension * (len(levels) + 1))))]
    if flow.name == "score":
        wanted = flow.level % len(flow.bank.sigma)
        nearest = min(range(len(levels)), key=lambda place: abs(levels[place] - wanted))
        step = float(flow.times[1] - flow.times[0])
        return {"name": flow.name, "level": nearest, "step": step, "steps": count - 1,
                "paths": packed(starts[:1]), "times": [0.0]}  # fmt: skip
    between = _spread(range(count), min(60, most // (starts.shape[1] * dimension)))
    moments = sorted({*levels, count - 1, *between})
    times = [float(flow.times[moment]) for moment in moments]
    return {"name": flow.name, "level": 0, "paths": packed(starts[moments]), "times": times}


def _judge(flow: Record, outcome: Outcome) -> dict[str, Any]:
    """The rule by which the experiment classifies a flow's ends, or the paper's."""
    for record in outcome.of("classifier"):
        classes = record.value
        if isinstance(classes, Classes) and classes.flows.get(flow.node.label) is flow.value:
            return {"threshold": classes.threshold, "metric": classes.metric}
    return {"threshold": 0.2, "metric": "linf"}


def _spread(places: Sequence[int], most: int) -> list[int]:
    """At most so many of the places, the first and the last among them."""
    last = len(places) - 1
    if last < most:
        return list(places)
    if most < 2:
        return [places[last]]
    return [places[round(step * last / (most - 1))] for step in range(most)]


def packed(numbers: Tensor) -> str:
    """Numbers as base64 of little-endian float32: half the size of float64, and more than pixels can show."""
    return base64.b64encode(numbers.detach().cpu().numpy().astype("<f4").tobytes()).decode()
