"""Results as text and tensors, and back to the same bits. A value that has no form here is left out."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import attrs
from attrs import define, field, frozen

from flowlab.api import ClaimResult, Classes, DenoiserBank, Result, StartLaw, Table, Trajectories
from flowlab.engine.cache.tensor_file import checksum

if TYPE_CHECKING:
    import torch
    from torch import Tensor

_LONG = 16  # floats in a list, from which on they are kept as a tensor


class SerializationError(Exception):
    """A value without a form."""


@frozen
class MissingValue:
    """Stands for a value of a type without a form: to have it again, build it again."""

    type: str


@frozen
class SerializedResult:
    """A result's tree as JSON; its leaves are plain values, tensors by name, and the node's own inputs."""

    text: str
    tensors: Mapping[str, Tensor]
    whole: bool = True  # no value is Lost

    @property
    def digest(self) -> str:
        """sha256 of the content: equal for equal results, whenever and wherever they were made."""
        return checksum({"result": self.text}, self.tensors)


def serialize(result: Result, given: Mapping[str, Any]) -> SerializedResult:
    """A result of a node that was given these inputs: they are named, not copied.

    Its value may be left out, Lost. Raises Unstorable where something else has no form.
    """
    try:
        return _serialize_tree(result, given)
    except SerializationError:
        lost = attrs.evolve(result, value=MissingValue(type(result.value).__name__))
        return attrs.evolve(_serialize_tree(lost, given), whole=False)


def _serialize_tree(result: Result, given: Mapping[str, Any]) -> SerializedResult:
    writer = _Writer({id(value): place for place, value in _input_places(given)})
    tree = writer.tree(result)
    return SerializedResult(json.dumps(tree, separators=(",", ":")), writer.tensors)


def deserialize(encoded: SerializedResult, given: Mapping[str, Any], device: torch.device) -> Result:
    """The result, of a node that is given these inputs."""
    reader = _Reader(encoded.tensors, dict(_input_places(given)), device)
    result: Result = reader.value(json.loads(encoded.text))
    return result


def deserialize_without_inputs(encoded: SerializedResult, device: torch.device) -> Result:
    """The result without its node's inputs: a value that holds one of them is Lost."""
    tree = json.loads(encoded.text)
    try:
        return deserialize(encoded, {}, device)
    except KeyError:
        alone = {
            **tree,
            "fields": {**tree["fields"], "value": {"form": "MissingValue", "fields": {"type": "of inputs"}}},
        }
        return deserialize(SerializedResult(json.dumps(alone), encoded.tensors), {}, device)


def missing_value_type(text: str) -> str | None:
    """The type of the value without which a result was kept; None where it has its value."""
    match json.loads(text):
        case {"fields": {"value": {"form": "MissingValue", "fields": {"type": str(kind)}}}}:
            return kind
    return None


def _serializable_classes() -> dict[str, type[Any]]:
    """The classes whose fields are kept, by name."""
    from flowlab.theory.flows.flow_limit import FlowLimits
    from flowlab.theory.networks.relu_network import ReluNetwork

    forms = (
        Result,
        MissingValue,
        Table,
        DenoiserBank,
        ReluNetwork,
        Trajectories,
        FlowLimits,
        StartLaw,
        Classes,
        ClaimResult,
    )
    return {form.__name__: form for form in forms}


def _input_places(given: Mapping[str, Any]) -> list[tuple[tuple[str, ...], Any]]:
    """The inputs by field, or by field and name."""
    places: list[tuple[tuple[str, ...], Any]] = []
    for name, value in given.items():
        several = isinstance(value, Mapping)
        places += [((name, end), one) for end, one in value.items()] if several else [((name,), value)]
    return places


@define
class _Writer:
    given: Mapping[int, tuple[str, ...]]
    tensors: dict[str, Tensor] = field(factory=dict)
    forms: Mapping[type[Any], str] = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.forms = {form: name for name, form in _serializable_classes().items()}

    def tree(self, value: Any) -> Any:
        import torch

        kind = type(value)  # exactly: a subclass would come back as another type
        if value is None or kind in (bool, int, float, str):
            return value
        if id(value) in self.given:
            return {"given": self.given[id(value)]}
        if kind is list and len(value) >= _LONG and all(type(item) is float for item in value):
            return {"floats": self._kept(torch.tensor(value, dtype=torch.float64))}
        if kind in (list, tuple):
            items = [self.tree(item) for item in value]
            return items if kind is list else {"tuple": items}
        if kind is dict and all(type(key) in (int, str) for key in value):
            return {"dict": [[key, self.tree(item)] for key, item in value.items()]}
        # in another layout, products of it could differ in the last bit
        if kind is torch.Tensor and value.layout is torch.strided and value.is_contiguous():
            return {"tensor": self._kept(value), "host": value.device.type == "cpu"}
        if kind in self.forms:
            fields = {one.name: self.tree(getattr(value, one.name)) for one in attrs.fields(kind)}
            return {"form": self.forms[kind], "fields": fields}
        raise SerializationError(f"{kind.__name__} has no form")

    def _kept(self, tensor: Tensor) -> str:
        name = str(len(self.tensors))
        self.tensors[name] = tensor
        return name


@define
class _Reader:
    tensors: Mapping[str, Tensor]
    given: Mapping[tuple[str, ...], Any]
    device: torch.device
    forms: Mapping[str, type[Any]] = field(factory=_serializable_classes)

    def value(self, tree: Any) -> Any:
        if isinstance(tree, list):
            return [self.value(item) for item in tree]
        match tree:
            case {"given": place}:
                return self.given[tuple(place)]
            case {"floats": name}:
                return self.tensors[name].tolist()
            case {"tuple": items}:
                return tuple(self.value(item) for item in items)
            case {"dict": items}:
                return {key: self.value(item) for key, item in items}
            case {"tensor": name, "host": host}:
                return self.tensors[name] if host else self.tensors[name].to(self.device)
            case {"form": name, "fields": fields}:
                return self.forms[name](**{key: self.value(item) for key, item in fields.items()})
            case _:
                return tree
