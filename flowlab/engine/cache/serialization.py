"""Results as text and tensors, and back to the same bits. A value that can't be stored is left out.

Plain values, lists, tuples, dictionaries, tensors and the node's own inputs can be stored, and so can an attrs
class of such fields, a plugin's as well: a file names the class and holds its fields. StorableClasses says which
classes a file may name.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from attrs import define, evolve, field, frozen

from flowlab.api import Result
from flowlab.api.storable import stored_fields
from flowlab.engine.cache.storable_classes import StorableClasses, UnknownClass
from flowlab.engine.cache.tensor_file import checksum
from flowlab.engine.missing_value import MissingValue

if TYPE_CHECKING:
    import torch
    from torch import Tensor

_PLAIN = frozenset({type(None), bool, int, float, str})  # stored as they are
_LONG = 16  # a list of so many floats is stored as a tensor


class SerializationError(Exception):
    """A value that can't be stored."""


class _InputMissing(Exception):
    """A stored value that holds an input of its node, read without it."""


@frozen
class SerializedResult:
    """A result's tree as JSON; its leaves are plain values, tensors by name, and the node's own inputs."""

    text: str
    tensors: Mapping[str, Tensor]
    whole: bool = True  # it has its value

    @property
    def digest(self) -> str:
        """sha256 of the content: equal for equal results, whenever and wherever they were made."""
        return checksum({"result": self.text}, self.tensors)


def serialize(result: Result, inputs: Mapping[str, Any], classes: StorableClasses) -> SerializedResult:
    """A result of a node that was given these inputs: they are named, not copied.

    A value that can't be stored is left out. Raises SerializationError where anything else can't.
    """
    try:
        return _serialize(result, inputs, classes)
    except SerializationError:
        partial = evolve(result, value=MissingValue(type(result.value).__name__))
        return evolve(_serialize(partial, inputs, classes), whole=False)


def _serialize(result: Result, inputs: Mapping[str, Any], classes: StorableClasses) -> SerializedResult:
    writer = _Writer({id(value): place for place, value in _input_places(inputs)}, classes)
    tree = writer.tree(result)
    return SerializedResult(json.dumps(tree, separators=(",", ":")), writer.tensors)


def deserialize(
    encoded: SerializedResult, inputs: Mapping[str, Any], device: torch.device, classes: StorableClasses
) -> Result:
    """The result, of a node that is given these inputs. Raises UnknownClass and what constructors raise."""
    reader = _Reader(encoded.tensors, dict(_input_places(inputs)), device, classes)
    result = reader.value(json.loads(encoded.text))
    if not isinstance(result, Result):
        raise TypeError(f"it holds a {type(result).__name__} in place of a result")
    return result


def deserialize_without_inputs(
    encoded: SerializedResult, device: torch.device, classes: StorableClasses
) -> Result:
    """The result without its node's inputs: a value that holds one of them is missing. Raises as deserialize."""
    try:
        return deserialize(encoded, {}, device, classes)
    except _InputMissing:
        tree = json.loads(encoded.text)
        tree["fields"]["value"] = {"missing": "of inputs"}
        return deserialize(SerializedResult(json.dumps(tree), encoded.tensors), {}, device, classes)


def missing_value_type(text: str) -> str | None:
    """The type of the value without which a result was stored; None where it has its value."""
    match json.loads(text):
        case {"fields": {"value": {"missing": str(name)}}}:
            return name
    return None


def _input_places(inputs: Mapping[str, Any]) -> list[tuple[tuple[str, ...], Any]]:
    """The inputs by field, or by field and name."""
    places: list[tuple[tuple[str, ...], Any]] = []
    for field_name, value in inputs.items():
        if isinstance(value, Mapping):
            places += [((field_name, str(name)), item) for name, item in value.items()]
        else:
            places.append(((field_name,), value))
    return places


def _memory_order(tensor: Tensor) -> list[int] | None:
    """The order of dimensions in which a tensor is contiguous, None where it has gaps or repeats its memory.

    It is stored in this order, and comes back with the same strides: with others, products could differ in the
    last bit.
    """
    import torch

    if tensor.layout is not torch.strided:
        return None
    strides = tensor.stride()
    order = list(range(tensor.ndim))
    if not tensor.is_contiguous():
        order.sort(key=lambda dimension: -strides[dimension])
    return order if tensor.permute(order).is_contiguous() else None


def _inverse(order: Sequence[int]) -> list[int]:
    return sorted(range(len(order)), key=order.__getitem__)


@define
class _Writer:
    inputs: Mapping[int, tuple[str, ...]]
    classes: StorableClasses
    tensors: dict[str, Tensor] = field(factory=dict, init=False)
    storages: set[int] = field(factory=set, init=False)  # addresses of memory that a tensor is in

    def tree(self, value: Any) -> Any:
        import torch

        kind = type(value)  # exactly: a subclass would come back as another type
        if kind in _PLAIN:
            return value
        if id(value) in self.inputs:
            return {"input": self.inputs[id(value)]}
        if kind is list and len(value) >= _LONG and all(type(item) is float for item in value):
            return {"floats": self._add_tensor(torch.tensor(value, dtype=torch.float64))}
        if kind in (list, tuple):
            items = [self.tree(item) for item in value]
            return items if kind is list else {"tuple": items}
        if kind is dict and all(type(key) in (int, str) for key in value):
            return {"dict": [[key, self.tree(item)] for key, item in value.items()]}
        if kind is torch.Tensor and (order := _memory_order(value)) is not None:
            tensor = self._add_tensor(value.permute(order))
            return {"tensor": tensor, "order": order, "host": value.device.type == "cpu"}
        if kind is MissingValue:
            return {"missing": value.type}
        if name := self.classes.name(kind):
            fields = {each: self.tree(getattr(value, each)) for each in stored_fields(kind) or ()}
            return {"class": name, "fields": fields}
        raise SerializationError(f"a {kind.__name__} can't be stored")

    def _add_tensor(self, tensor: Tensor) -> str:
        name = str(len(self.tensors))
        storage = tensor.untyped_storage().data_ptr()
        # safetensors takes no two tensors of one memory; a copy keeps the digest free of what is shared
        self.tensors[name] = tensor.clone() if storage in self.storages else tensor
        self.storages.add(storage)
        return name


@frozen
class _Reader:
    tensors: Mapping[str, Tensor]
    inputs: Mapping[tuple[str, ...], Any]
    device: torch.device
    classes: StorableClasses

    def value(self, tree: Any) -> Any:
        """The value of a tree. Most items are plain, and take no call of their own."""
        if isinstance(tree, list):
            return [item if item.__class__ in _PLAIN else self.value(item) for item in tree]
        match tree:
            case {"input": place}:
                return self._input(tuple(place))
            case {"floats": name}:
                return self.tensors[name].tolist()
            case {"tuple": items}:
                return tuple([item if item.__class__ in _PLAIN else self.value(item) for item in items])
            case {"dict": items}:
                return {key: item if item.__class__ in _PLAIN else self.value(item) for key, item in items}
            case {"tensor": name, "order": order, "host": host}:
                tensor = self.tensors[name] if host else self.tensors[name].to(self.device)
                return tensor.permute(_inverse(order))
            case {"missing": name}:
                return MissingValue(name)
            case {"class": name, "fields": fields}:
                return self._build(name, fields)
            case _:
                return tree

    def _input(self, place: tuple[str, ...]) -> Any:
        if place not in self.inputs:
            raise _InputMissing(".".join(place))
        return self.inputs[place]

    def _build(self, name: str, fields: Mapping[str, Any]) -> Any:
        cls = self.classes.find(name)
        arguments = stored_fields(cls) or {}
        if arguments.keys() != fields.keys():
            raise UnknownClass(f"{name} has other fields now")
        values = {
            arguments[each]: item if item.__class__ in _PLAIN else self.value(item)
            for each, item in fields.items()
        }
        return cls(**values)
