"""What the source of a component tells without being run."""

from __future__ import annotations

import ast
import typing

import attrs
import pytest

from flowlab.api import Parameter, field_spec
from flowlab.registry.registry import Registry
from flowlab.registry.source import ComponentSource, find_source
from flowlab.registry.static_schema import Unevaluated, static_component


def read(text: str) -> type:
    module = ast.parse(text)
    statement = next(node for node in module.body if isinstance(node, ast.ClassDef) and node.name == "One")
    found = static_component(ComponentSource(statement=statement, module=module))
    assert found is not None
    return found


def fields(component: type, hints: dict[str, typing.Any]) -> list[tuple[object, ...]]:
    return [(f.name, f.default, field_spec(f), hints[f.name]) for f in attrs.fields(component) if f.init]


@pytest.mark.parametrize("entry", Registry.installed().entries, ids=lambda entry: f"{entry.kind}:{entry.name}")
def test_the_source_of_a_component_tells_what_its_class_does(entry) -> None:
    component = entry.load()
    read = static_component(find_source(entry))
    assert read is not None
    assert read.__doc__ is not None
    assert fields(read, read.__annotations__) == fields(component, typing.get_type_hints(component))


def test_what_only_running_would_tell_is_left_as_written() -> None:
    one = read(
        "from typing import ClassVar\nimport math\nfrom flowlab.api import parameter\nMOST = 7\n"
        "class One:\n"
        "    shared: ClassVar[int] = 3\n"
        "    a: float = parameter(math.pi, help='h' * 2, ge=math.e, le=MOST)\n"
        "    b: 'math.Odd | None' = made()\n"
        "    c: 'not a type' = -2\n"
    )
    hints = one.__annotations__
    a, b, c = attrs.fields(one)
    bounds = field_spec(a)
    assert isinstance(bounds, Parameter)
    assert (a.default, bounds.help, bounds.range) == (
        Unevaluated("math.pi"),
        Unevaluated("'h' * 2"),
        ">= math.e and <= 7",
    )
    assert (hints["b"], b.default) == (Unevaluated("math.Odd | None"), Unevaluated("made()"))
    assert (hints["c"], c.default) == (Unevaluated("not a type"), -2)


def test_nothing_is_run() -> None:
    one = read(
        "class parameter:\n    def __init__(self, *_, **__): raise SystemExit('run')\n"
        "class One:\n    a: print('run') = parameter(print('run'))\n    b: int = [].append(1)\n"
    )
    assert [f.default for f in attrs.fields(one)] == [
        Unevaluated("parameter(print('run'))"),
        Unevaluated("[].append(1)"),
    ]


def test_bases_of_the_same_module_come_first() -> None:
    one = read(
        "from flowlab.api import parameter\nclass Base:\n    a: int = parameter(help='x')\n    b: int = 1\n"
        "class One(Base):\n    b: int = 2\n    c: 'int | None' = None\n"
    )
    assert [(f.name, f.default) for f in attrs.fields(one)] == [("a", attrs.NOTHING), ("b", 2), ("c", None)]


def test_a_class_that_is_imported_from_elsewhere(tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "hopping"
    (package / "inner").mkdir(parents=True)
    (package / "__init__.py").write_text("from .inner import Far as Near\nraise RuntimeError\n")
    (package / "inner/__init__.py").write_text("from ..deep import Deep as Far\n")
    (package / "deep.py").write_text('class Deep:\n    """Deep."""\n')
    (package / "circle.py").write_text("from hopping.circle import Round\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    entry = attrs.evolve(Registry.installed().entries[0], target="hopping:Near")
    assert find_source(entry) == ComponentSource(str(package / "deep.py"), 1, "Deep.")
    circle = attrs.evolve(entry, target="hopping.circle:Round")
    assert find_source(circle) == ComponentSource(str(package / "circle.py"))
