"""What the page's view of the flows evaluates: denoisers, geometries and trajectories as numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import zip_longest
from typing import TYPE_CHECKING, Any

from attrs import frozen

from flowlab.api import CLASSES, Classes, DenoiserBank, Trajectories
from flowlab.api.helpers.plotting import CLASS_COLOURS
from flowlab.engine.inputs import upstream_nodes
from flowlab.engine.outcome import Outcome, Record
from flowlab.graph.graph import Graph
from flowlab.graph.node import Node
from flowlab.html.packing import pack_geometry, pack_level, pack_numbers
from flowlab.output.swept_columns import setting_text

if TYPE_CHECKING:
    from flowlab.theory.geometry.geometry import Geometry

MOST = 12  # flows: more are no longer chosen from, and each costs a reading of the store
BUDGET = 1_300_000  # characters of a page for all weights; with geometries and states about 2 MB
_LEVELS = (12, 8, 5, 3)  # noise levels of a bank, as many as there is room for
_STARTS = 40
_LONG = 100.0  # time r up to which the page follows a score flow that the run followed to its limit
_STATES = 100_000  # numbers, of all flows together; a flow has a fifth of them at most


@frozen
class Explorer:
    """The numbers by the names that view.js knows them by, and the flows that it can't show, with the reason."""

    data: Mapping[str, Any]
    left_out: Mapping[str, str]

    @property
    def reasons(self) -> dict[str, list[str]]:
        """The flows left out by reason."""
        labels: dict[str, list[str]] = {}
        for label, reason in self.left_out.items():
            labels.setdefault(reason, []).append(label)
        return labels


def build_explorer(graph: Graph, outcome: Outcome) -> Explorer | None:
    """The view of some of a run's flows, in the order of the file; None where there is none."""
    finished = [record for record in outcome.of("flow") if record.finished]
    flows: dict[Node, Trajectories] = {}
    left_out: dict[Node, str] = {}
    for record in _in_turn(finished):
        if len(flows) == MOST:
            left_out[record.node] = f"a page shows {MOST} flows"
        elif isinstance(value := record.value, Trajectories):  # once: with an executor it is read from the store
            if reason := _reason(value):
                left_out[record.node] = reason
            else:
                flows[record.node] = value
    fitted = dict(zip(flows, _fitted([flow.bank for flow in flows.values()]), strict=True))
    left_out |= {node: "its networks are too large for a page" for node, levels in fitted.items() if not levels}
    if not flows and not left_out:
        return None
    order = list(graph.resolved.get("flow", ()))
    nodes = [record.node for record in finished]
    nodes.sort(key=lambda node: order.index(node.name) if node.name in order else len(order))
    visible = [node for node in nodes if fitted.get(node)]
    judges = _judges({node: flows[node] for node in visible}, outcome)
    geometries: list[dict[str, Any]] = []
    banks: list[dict[str, Any]] = []
    entries = []
    for node in visible:
        flow, levels = flows[node], fitted[node]
        geometry = _place(pack_geometry(flow.bank.training.geometry), geometries)
        bank = {"geometry": geometry, "levels": list(levels.values()), "all": len(flow.bank.sigma)}
        states = _states(flow, list(levels), _STATES // max(5, len(visible)))
        entries.append({"label": _label(node), "bank": _place(bank, banks), **states, **judges[node]})
    data = {
        "classes": list(CLASSES),
        "colours": [CLASS_COLOURS[name] for name in CLASSES],
        "geometries": geometries,
        "banks": banks,
        "flows": entries,
    }
    return Explorer(data, {_label(node): left_out[node] for node in nodes if node in left_out})


def _label(node: Node) -> str:
    """The name of a flow, with its place in the sweeps in words."""
    setting = setting_text(node.variant)
    return f"{node.name}: {setting}" if setting else node.name


def _in_turn(flows: Sequence[Record]) -> list[Record]:
    """The first settings of all flows, then the second ones, and so on."""
    settings: dict[str, list[Record]] = {}
    for record in flows:
        settings.setdefault(record.node.name, []).append(record)
    return [record for turn in zip_longest(*settings.values()) for record in turn if record is not None]


def _place(content: dict[str, Any], contents: list[dict[str, Any]]) -> int:
    """Where it stands among others, added if it is new. What was read twice is equal, and not the same object."""
    if content not in contents:
        contents.append(content)
    return contents.index(content)


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
    if pack_level(bank, int(bank.usable.nonzero()[0, 0])) is None:
        return "its denoiser is of a kind that the page can't evaluate"
    return None


def _fitted(banks: Sequence[DenoiserBank]) -> list[dict[int, dict[str, Any]]]:
    """As many levels of each bank as fit, by index, noisiest first; none of the largest banks where too few do."""
    packed: list[dict[int, dict[str, Any]]] = []
    for most in _LEVELS:
        packed = [_levels(bank, most) for bank in banks]
        if _size(packed) <= BUDGET:
            return packed
    while _size(packed) > BUDGET:
        largest = max(packed, key=lambda levels: _size([levels]))
        packed = [{} if levels == largest else levels for levels in packed]
    return packed


def _levels(bank: DenoiserBank, most: int) -> dict[int, dict[str, Any]]:
    """Some of the levels that have a solution."""
    chosen = _spread(bank.usable.nonzero()[:, 0].tolist(), most)
    return {index: level for index in chosen if (level := pack_level(bank, index))}


def _size(banks: Sequence[dict[int, dict[str, Any]]]) -> int:
    """Characters of the banks' numbers, equal ones once."""
    different: list[dict[str, Any]] = []
    for levels in banks:
        _place({str(index): level for index, level in levels.items()}, different)
    return sum(len(level["data"]) for levels in different for level in levels.values())


def _states(flow: Trajectories, levels: Sequence[int], most: int) -> dict[str, Any]:
    """A flow's starts, and of probability flow the states at these levels of its bank and between.

    In the training frame, as all else of the bank.
    """
    from flowlab.theory.geometry.frame import training_frame

    count, dimension = flow.states.shape[0], flow.states.shape[-1]
    some = flow.states[:, : max(10, min(_STARTS, most // (dimension * (len(levels) + 1))))]
    starts = training_frame(flow.bank.training.geometry).inside(some)
    if flow.name == "score":
        wanted = flow.level % len(flow.bank.sigma)
        nearest = min(range(len(levels)), key=lambda place: abs(levels[place] - wanted))
        step = float(flow.times[1] - flow.times[0])
        to_limit = not bool(flow.times[-1].isfinite())
        steps = round(_LONG / step) if to_limit else count - 1
        return {"name": flow.name, "level": nearest, "step": step, "steps": steps,
                "paths": pack_numbers(starts[:1]), "times": [0.0]}  # fmt: skip
    between = _spread(range(count), min(60, most // (starts.shape[1] * dimension)))
    moments = sorted({*levels, count - 1, *between})
    times = [float(flow.times[moment]) for moment in moments]
    return {"name": flow.name, "level": 0, "paths": pack_numbers(starts[moments]), "times": times}


def _judges(flows: Mapping[Node, Trajectories], outcome: Outcome) -> dict[Node, dict[str, Any]]:
    """The rule that classifies each flow's ends first, or the paper's; its threshold in the training frame."""
    scale = {node: _share(flow.bank.training.geometry) for node, flow in flows.items()}
    rules: dict[Node, dict[str, Any]] = {}
    for record in outcome.of("classifier"):
        unjudged = set(upstream_nodes(record.node)) - rules.keys()
        classified = [flow for flow in flows if flow in unjudged]
        if classified and record.finished and isinstance(classes := record.value, Classes):
            rules |= {
                flow: {"threshold": classes.threshold * scale[flow], "metric": classes.metric}
                for flow in classified
            }
    return {flow: rules.get(flow, {"threshold": 0.2 * scale[flow], "metric": "linf"}) for flow in flows}


def _share(geometry: Geometry) -> float:
    """The shortest length of a geometry, of its size."""
    return geometry.scale / geometry.size


def _spread(places: Sequence[int], most: int) -> list[int]:
    """At most so many of the places, the first and the last among them."""
    last = len(places) - 1
    if last < most:
        return list(places)
    if most < 2:
        return [places[last]]
    return [places[round(step * last / (most - 1))] for step in range(most)]
