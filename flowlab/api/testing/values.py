"""Values of each kind about a box, as inputs of analyses and figures, and what is known of them before the run."""

from __future__ import annotations

from typing import Any

import torch
from attrs import frozen
from torch import Tensor

from flowlab.api.fields import references
from flowlab.api.kinds.classifier import Classes
from flowlab.api.kinds.dataset import TrainingSet
from flowlab.api.kinds.denoiser import DenoiserBank
from flowlab.api.kinds.flow import Trajectories
from flowlab.api.kinds.kind import KINDS
from flowlab.api.node_label import NodeLabel
from flowlab.api.testing.box import box_bank, box_training
from flowlab.api.testing.inputs import UnknownNode
from flowlab.api.testing.suite import normal
from flowlab.api.value_spec import BankSpec, ClassesSpec, FlowSpec, ScheduleSpec, TrainingSetSpec
from flowlab.theory.flows.separable_flow import exact_score_flow
from flowlab.theory.flows.steps import ddim
from flowlab.theory.geometry.classes import classify

_LEVELS = (0.12, 0.1, 0.08)
_TIMES = (0.0, 0.5, 1.0, 2.0, 4.0, 8.0, 50.0)
_STARTS = 40
_THRESHOLD = 0.2


@frozen
class _Levels:
    """A schedule with three low noise levels."""

    def sigma(self, dtype: torch.dtype) -> Tensor:
        """The three falling noise levels: (3,)."""
        return torch.tensor(_LEVELS, dtype=dtype)


@frozen
class _Ddim:
    """The integrator DDIM."""

    def integrate(self, path: Any, starts: Tensor, context: Any) -> Tensor:
        """The states (P, S, d) from starts (S, d)."""
        return ddim(path.denoise, path.log_tau, starts, lambda done, total: None)


def box_values(seed: int, dtype: torch.dtype, device: torch.device) -> dict[str, Any]:
    """A value of each kind that others refer to, by kind: a box, its closed form, a score flow and its classes."""
    training = box_training(seed, dtype, device)
    bank = box_bank(training, torch.tensor(_LEVELS, dtype=dtype, device=device))
    starts = (0.4 + 0.6 * normal(seed, _STARTS, 3)).to(device, dtype)
    times = torch.tensor(_TIMES, dtype=dtype, device=device)
    states = exact_score_flow(bank.network.at(0), starts, times)  # type: ignore[arg-type]
    flow = Trajectories(states, times, bank, "score", 0)
    labels = classify(flow.ends, training.geometry, _THRESHOLD, "linf").labels
    classes = Classes({"score": labels}, {"score": flow}, _THRESHOLD, "linf")
    return {
        "dataset": training,
        "schedule": _Levels(),
        "denoiser": bank,
        "integrator": _Ddim(),
        "flow": flow,
        "classifier": classes,
    }


def arguments_of(component: Any, by_kind: dict[str, Any]) -> dict[str, Any]:
    """The arguments of `build`: of each reference the value of its kind, by label where it gathers.

    Raises NotImplementedError for a kind without a value.
    """
    arguments: dict[str, Any] = {}
    for name, reference in references(type(component)).items():
        names = getattr(component, name)
        if names and reference.kind not in by_kind:
            raise NotImplementedError(f"override inputs(): there is no {reference.kind} for {name!r} to take")
        value = by_kind.get(reference.kind)
        if not reference.many:
            arguments[name] = value if names else None
        else:
            arguments[name] = {NodeLabel(each) if reference.gather else each: value for each in names}
    return arguments


def nodes_of(component: Any, arguments: dict[str, Any]) -> dict[str, tuple[UnknownNode, ...]]:
    """The nodes whose values these arguments are, as `check` and `places` see them."""
    nodes: dict[str, tuple[UnknownNode, ...]] = {}
    for name, reference in references(type(component)).items():
        value = arguments[name]
        if value is None:
            nodes[name] = ()
        elif reference.many:
            nodes[name] = tuple(_node(label, each, reference.kind) for label, each in value.items())
        else:
            nodes[name] = (_node(getattr(component, name), value, reference.kind),)
    return nodes


def _node(label: NodeLabel | str, value: Any, kind: str) -> UnknownNode:
    spec_class = KINDS[kind].spec
    spec: Any = spec_class() if spec_class else None
    inputs: dict[str, tuple[UnknownNode, ...]] = {}
    if isinstance(value, TrainingSet):
        spec = _training_spec(value)
    elif isinstance(value, DenoiserBank):
        spec = _bank_spec(value)
        inputs["dataset"] = (_node("dataset", value.training, "dataset"),)
    elif isinstance(value, Trajectories):
        spec = _flow_spec(value)
        inputs["denoiser"] = (_node("denoiser", value.bank, "denoiser"),)
    elif isinstance(value, Classes):
        spec = ClassesSpec({name: _flow_spec(flow) for name, flow in value.flows.items()}, value.metric)
        inputs["flow"] = tuple(_node(name, flow, "flow") for name, flow in value.flows.items())
    if isinstance(label, NodeLabel):
        return UnknownNode(label.name, spec, variant=label.settings, inputs=inputs)
    return UnknownNode(label, spec, inputs=inputs)


def _training_spec(training: TrainingSet) -> TrainingSetSpec:
    points, dimension = training.geometry.points.shape
    return TrainingSetSpec(
        points=points, dimension=dimension, samples=training.samples, edges=len(training.geometry.edges),
        closed_form=training.geometry.closed_form is not None, separable=training.geometry.separable,
    )  # fmt: skip


def _bank_spec(bank: DenoiserBank) -> BankSpec:
    schedule = ScheduleSpec(len(bank.sigma), float(bank.sigma.max()), float(bank.sigma.min()))
    return BankSpec(
        _training_spec(bank.training), schedule, solved=bool(bank.usable.all()), balls=bank.rho is not None,
        history=bank.history is not None, quality=bool(bank.quality),
    )  # fmt: skip


def _flow_spec(flow: Trajectories) -> FlowSpec:
    return FlowSpec(_bank_spec(flow.bank), flow.name, flow.states.shape[1])
