"""Results as text and tensors: what comes back is what went in, or nothing goes in."""

from __future__ import annotations

from typing import Any

import attrs
import pytest
import torch
from cached_nodes import made_by
from hypothesis import given
from hypothesis import strategies as st

from flowlab.api import DenoiserBank, Result, Table, TrainingSet
from flowlab.engine.cache.serialization import (
    SerializationError,
    deserialize,
    deserialize_without_inputs,
    serialize,
)
from flowlab.engine.cache.storable_classes import StorableClasses
from flowlab.engine.cache.tensor_file import TensorFile, to_bytes
from flowlab.engine.missing_value import MissingValue
from flowlab.theory.geometry.geometry import Geometry
from flowlab.theory.networks.joined_networks import JoinedNetworks
from flowlab.theory.networks.mmse import EmpiricalMmse
from flowlab.theory.networks.relu_network import ReluNetwork
from flowlab.theory.networks.slabs import Slabs

CPU = torch.device("cpu")
CLASSES = StorableClasses(made_by(__name__))

MARKS = ["dict", "tuple", "floats", "given", "tensor", "class", "missing"]
leaves = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3)
values = st.recursive(
    leaves | st.lists(st.floats(), min_size=14, max_size=20),  # on both sides of what becomes a tensor
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.lists(inner, max_size=4).map(tuple)
        | st.dictionaries(st.text(max_size=3) | st.integers(), inner, max_size=4)
        # what the codec's own marks look like
        | st.dictionaries(st.sampled_from(MARKS), inner)
    ),
    max_leaves=12,
)


def again(result: Result, inputs: dict[str, Any] | None = None) -> Result:
    return deserialize(serialize(result, inputs or {}, CLASSES), inputs or {}, CPU, CLASSES)


def alike(one: Any, other: Any) -> bool:
    """Equal in type and to the bit; nan is like nan, -0.0 not like 0.0."""
    if type(one) is not type(other):
        return False
    if isinstance(one, torch.Tensor):
        return (one.dtype, one.shape, one.stride()) == (other.dtype, other.shape, other.stride()) and torch.equal(
            one, other
        )
    if attrs.has(type(one)):
        return alike(attrs.asdict(one, recurse=False), attrs.asdict(other, recurse=False))
    if isinstance(one, dict):
        return list(one) == list(other) and all(alike(one[key], other[key]) for key in one)
    if isinstance(one, list | tuple):
        return len(one) == len(other) and all(map(alike, one, other))
    return repr(one) == repr(other)


def bank(training: Any, network: Any = None) -> DenoiserBank:
    weights = torch.arange(12.0, dtype=torch.float64).reshape(2, 3, 2)
    square = torch.zeros(2, 2, 2, dtype=torch.float64)
    relu = ReluNetwork(weights, weights + 1, weights[..., 0].contiguous(), square, square[:, 0].contiguous())
    history = Table({"step": [float(step) for step in range(40)], "level": [0] * 40})
    usable = torch.tensor([True, False])
    return DenoiserBank(
        weights[0, :2, 0].clone(), network or relu, training, usable, history=history, quality={"gap": [None]}
    )


@given(values)
def test_plain_values_come_back_with_their_types(value: Any) -> None:
    result = Result(value, {"x": value}, {"t": Table({"column": [value]})}, "short")
    assert alike(again(result), result)


def test_a_bank_comes_back_with_the_very_dataset_that_its_node_is_given() -> None:
    points = torch.eye(2)
    training = TrainingSet(Geometry(points, points[0], points[1:]), 5, lambda sigma: sigma)
    result = Result(bank(training), {"sigma": [0.1, 0.2]}, {"history": bank(training).history})
    found = again(result, {"dataset": training, "schedule": object()})
    assert alike(found, result)
    assert found.value.training is training


NETWORKS = [
    Slabs(*torch.rand(4, 2, 3, 2).unbind()),
    EmpiricalMmse(torch.rand(3, 2), torch.rand(2)),
    JoinedNetworks((EmpiricalMmse(torch.rand(3, 2), torch.rand(1)), Slabs(*torch.rand(4, 1, 3, 2).unbind()))),
]


@pytest.mark.parametrize("network", NETWORKS, ids=lambda network: type(network).__name__)
def test_networks_that_are_not_trained_come_back_too(network: Any) -> None:
    result = Result(bank(None, network))
    assert alike(again(result), result)


def test_tensors_that_share_memory_are_stored_and_equal_copies_have_the_same_digest() -> None:
    rows = torch.rand(3, 2)
    result = Result([rows, rows, rows[0], rows[1:]])
    copies = Result([part.clone() for part in result.value])
    assert alike(again(result), result)
    assert serialize(result, {}, CLASSES).digest == serialize(copies, {}, CLASSES).digest
    assert to_bytes("key", TensorFile({}, serialize(result, {}, CLASSES).tensors))


@pytest.mark.parametrize("order", [(0, 1, 2), (1, 0, 2), (2, 0, 1), (1, 2, 0)])
def test_a_transposed_tensor_comes_back_with_its_strides(order: tuple[int, ...]) -> None:
    result = Result(torch.rand(2, 3, 4).permute(order))
    assert alike(again(result), result)


def test_of_several_inputs_each_is_itself() -> None:
    ends = {"a": object(), "b": object()}
    result = Result((ends["b"], [ends["a"]]))
    found = again(result, {"flow": ends}).value
    assert found[0] is ends["b"]
    assert found[1][0] is ends["a"]


class Number(int):
    """An integer of another type."""


@pytest.mark.parametrize(
    "value",
    [
        object(),
        {(1, 2): 3},
        {1, 2},
        Number(3),
        torch.nn.Parameter(torch.ones(2)),
        torch.ones(3, 4)[:, :2],
        torch.ones(1).expand(3),
        bank(lambda sigma: sigma),  # a training set that is no input of the node
    ],
)
def test_what_would_not_come_back_the_same_does_not_go_in(value: Any) -> None:
    encoded = serialize(Result([value], {"x": 1}), {}, CLASSES)
    assert not encoded.whole
    assert deserialize(encoded, {}, CPU, CLASSES) == Result(MissingValue("list"), {"x": 1})
    with pytest.raises(SerializationError):
        serialize(Result(None, {"x": value}), {}, CLASSES)


def test_a_value_that_holds_an_input_waits_for_it() -> None:
    points = torch.eye(2)
    training = TrainingSet(Geometry(points, points[0], points[1:]), 5, lambda sigma: sigma)
    encoded = serialize(Result(bank(training), {"gap": 0.5}, shortfall="short"), {"dataset": training}, CLASSES)
    assert encoded.whole
    alone = deserialize_without_inputs(encoded, CPU, CLASSES)
    assert isinstance(alone.value, MissingValue)
    assert (alone.metrics, alone.shortfall) == ({"gap": 0.5}, "short")
    encoded = serialize(Result({"x": points}), {}, CLASSES)
    assert alike(deserialize_without_inputs(encoded, CPU, CLASSES), Result({"x": points}))


@given(values, values)
def test_equal_results_have_equal_digests(one: Any, other: Any) -> None:
    first, second = Result(one, {"x": 1.0}), Result(other, {"x": 1.0})
    assert serialize(first, {}, CLASSES).digest == serialize(again(first), {}, CLASSES).digest
    assert (serialize(first, {}, CLASSES).digest == serialize(second, {}, CLASSES).digest) == alike(first, second)


def test_a_flipped_bit_of_a_tensor_changes_the_digest() -> None:
    tensor = torch.ones(3, dtype=torch.float64)
    before = serialize(Result(tensor), {}, CLASSES).digest
    tensor.view(torch.int64)[1] ^= 1
    assert serialize(Result(tensor), {}, CLASSES).digest != before
