"""Which classes a stored result may name, and what becomes of a file that names any other."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import attrs
import pytest
import torch
from attrs import field, frozen
from cached_nodes import made_by

from flowlab.api import Result
from flowlab.engine.cache.serialization import (
    SerializationError,
    SerializedResult,
    deserialize,
    serialize,
)
from flowlab.engine.cache.storable_classes import StorableClasses, UnknownClass
from flowlab.theory.networks.slabs import Slabs

CPU = torch.device("cpu")


@frozen
class Ridge:
    """A network that flowlab does not know."""

    weights: torch.Tensor
    _name: str
    inner: Ridge | None = None


@frozen
class Converted:
    weights: Any = field(converter=list)


@frozen
class Computed:
    width: int
    double: int = field(init=False)

    def __attrs_post_init__(self) -> None:
        object.__setattr__(self, "double", 2 * self.width)


@attrs.define(init=False)
class OwnConstructor:
    width: int

    def __init__(self, half: int) -> None:
        self.__attrs_init__(2 * half)


@frozen
class Holder:
    @frozen
    class Inner:
        width: int


class Plain:
    pass


def at(package: str, *ancestors: str) -> StorableClasses:
    return StorableClasses(made_by(package, *map(made_by, ancestors)))


def read(name: str, classes: StorableClasses, /, **fields: Any) -> Any:
    """The value of a file that names a class."""
    result = {"value": {"class": name, "fields": fields}, "metrics": {"dict": []}, "tables": {"dict": []}}
    tree = {"class": "flowlab.api.result:Result", "fields": {**result, "shortfall": None}}
    return deserialize(SerializedResult(json.dumps(tree), {}), {}, CPU, classes).value


def test_a_class_of_the_component_s_own_package_comes_back() -> None:
    classes = at(__name__)
    value = Ridge(torch.rand(2), "outer", Ridge(torch.rand(3), "inner"))
    encoded = serialize(Result(value), {}, classes)
    assert encoded.whole
    back = deserialize(encoded, {}, CPU, classes).value
    assert type(back) is Ridge
    assert torch.equal(back.weights, value.weights)
    assert torch.equal(back.inner.weights, value.inner.weights)
    assert (back._name, back.inner._name) == ("outer", "inner")


@pytest.mark.parametrize(
    "value",
    [
        Converted([1]),
        Computed(2),
        OwnConstructor(1),
        Holder.Inner(1),
        Plain(),
        Ridge(torch.rand(1), lambda: 0),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_its_fields_would_not_build_again_is_not_stored(value: Any) -> None:
    assert not serialize(Result(value), {}, at(__name__)).whole


def test_a_class_of_another_package_is_neither_stored_nor_read() -> None:
    value = Ridge(torch.rand(1), "a")
    assert not serialize(Result(value), {}, at("elsewhere")).whole
    with pytest.raises(SerializationError, match="a Ridge can't be stored"):
        serialize(Result(None, {"x": value}), {}, at("elsewhere"))
    with pytest.raises(UnknownClass, match=r"Ridge is in none of the packages of analysis\.a"):
        read(f"{__name__}:Ridge", at("elsewhere"), weights=1, _name="a", inner=None)


def test_classes_of_ancestors_and_of_the_theory_are_read() -> None:
    assert read(f"{__name__}:Ridge", at("elsewhere", __name__), weights=1, _name="a", inner=None) == Ridge(1, "a")
    assert isinstance(
        read("flowlab.theory.networks.slabs:Slabs", at("elsewhere"), offset=1, jumps=1, weights=1, biases=1), Slabs
    )


@pytest.mark.parametrize("package", ["harmless", "flowlab", __name__])
@pytest.mark.parametrize("name", ["trap:Trap", "harmless.trap:Trap", "harmless.__main__:Trap", "trap"])
def test_no_module_is_imported_because_a_file_names_it(
    name: str, package: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever can write to a shared store must not choose what its readers run."""
    mark = tmp_path / "mark"
    trap = f"from pathlib import Path\nPath({str(mark)!r}).touch()\n"
    trap += "from attrs import frozen\n@frozen\nclass Trap:\n    pass\n"
    (tmp_path / "harmless").mkdir()
    (tmp_path / "harmless" / "__init__.py").touch()
    for file in ("trap.py", "harmless/trap.py", "harmless/__main__.py"):
        (tmp_path / file).write_text(trap)
    monkeypatch.syspath_prepend(tmp_path)
    admitted = (name, package) == ("harmless.trap:Trap", "harmless")  # part of what the experiment uses
    try:
        read(name, at(package))
    except UnknownClass:
        assert not admitted
    finally:
        for module in [module for module in sys.modules if module.partition(".")[0] in ("trap", "harmless")]:
            del sys.modules[module]
    assert mark.exists() == admitted


@pytest.mark.parametrize(
    ("name", "fields"),
    [
        ("os:system", {"command": "true"}),
        ("subprocess:Popen", {"args": ["true"]}),
        ("builtins:eval", {}),
        ("flowlab.cli.app:main", {}),
        ("flowlab.api.kinds.kind:KINDS", {}),
        ("flowlab.api.result:importlib.import_module", {"name": "os"}),
        ("flowlab.api:Result", {"value": 1, "metrics": {}, "tables": {}, "shortfall": None}),  # defined elsewhere
        ("flowlab.api.testing.suite:Suite", {}),
        ("flowlab.api..os:system", {}),
        ("flowlab.api.nowhere:Class", {}),
        ("", {}),
    ],
)
def test_names_of_anything_but_a_storable_class_are_refused(name: str, fields: dict[str, Any]) -> None:
    with pytest.raises(UnknownClass):
        read(name, at("flowlab"), **fields)


def test_a_file_that_holds_no_result_is_refused() -> None:
    with pytest.raises(TypeError, match="a int in place of a result"):
        deserialize(SerializedResult("3", {}), {}, CPU, at("flowlab"))


@pytest.mark.parametrize("fields", [{"weights": 1}, {"weights": 1, "_name": "a", "inner": None, "bias": 2}])
def test_a_class_whose_fields_changed_says_so(fields: dict[str, Any]) -> None:
    with pytest.raises(UnknownClass, match="Ridge has other fields now"):
        read(f"{__name__}:Ridge", at(__name__), **fields)
