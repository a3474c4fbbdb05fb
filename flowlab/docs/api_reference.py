"""The names of flowlab.api as the guide lists them: signature, docstring, members, and where each is written."""

from __future__ import annotations

import ast
import importlib
import inspect
import re
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

from attrs import frozen

from flowlab import api

ROOT = Path(api.__file__).parents[2]


@frozen
class Member:
    """A method or property of a class."""

    name: str
    signature: str
    doc: str


@frozen
class ApiName:
    """A name of flowlab.api: `source` is its file from the distribution's folder, `line` that of its statement."""

    name: str
    signature: str
    doc: str
    source: str
    line: int
    members: tuple[Member, ...] = ()


@frozen
class ApiGroup:
    """Names that belong together, those of one kind of component or of one trade."""

    title: str
    help: str
    names: tuple[ApiName, ...]


_TRADES = {
    "components": "What every component is given and returns, and how its keys are declared.",
    "helpers": "What several components would otherwise write again.",
    "errors": "What a component raises, and how the command line tells of it.",
    "theory": "Geometry and networks that a dataset or an optimizer works with.",
}


def api_groups() -> tuple[ApiGroup, ...]:
    """All names of `flowlab.api.__all__`: kinds first, each with the help text of its kind."""
    groups: dict[str, list[ApiName]] = {**{kind: [] for kind in api.KINDS}, **{trade: [] for trade in _TRADES}}
    homes = _homes()
    for name in api.__all__:
        module = importlib.import_module(homes[name])
        groups[_group(module.__name__)].append(_describe(name, module))
    return tuple(
        ApiGroup(title, api.KINDS[title].help if title in api.KINDS else _TRADES[title], tuple(names))
        for title, names in groups.items()
        if names
    )


def _homes() -> dict[str, str]:
    """The module that defines each name, as flowlab.api imports it."""
    tree = ast.parse(inspect.getsource(api))
    return {
        alias.asname or alias.name: node.module or ""
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }


def _group(module: str) -> str:
    parts = module.split(".")
    if parts[1] == "theory":
        return "theory"
    if parts[2] == "kinds":
        return parts[3] if parts[3] in api.KINDS else "components"
    return parts[2] if parts[2] in _TRADES else "components"


def _describe(name: str, module: ModuleType) -> ApiName:
    value = getattr(api, name)
    source = Path(inspect.getfile(module)).relative_to(ROOT).as_posix()
    statement, line, note = _statement(name, module)
    if inspect.isclass(value) and value.__module__ == module.__name__:
        return ApiName(name, _class_signature(value), _doc(value), source, line, tuple(_members(value)))
    if inspect.isfunction(value):
        return ApiName(name, f"{name}{_signature(value)}", _doc(value), source, line)
    return ApiName(name, statement, note, source, line)


def _statement(name: str, module: ModuleType) -> tuple[str, int, str]:
    """The statement that binds a name in its module, its line, and the comment at its end or above it."""
    text = inspect.getsource(module)
    lines = text.splitlines()
    for node in ast.parse(text).body:
        targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
        bound = [getattr(target, "id", None) for target in targets] + [getattr(node, "name", None)]
        if name in bound:
            code = (
                (ast.get_source_segment(text, node) or "") if isinstance(node, ast.Assign | ast.AnnAssign) else ""
            )
            return code, node.lineno, _comment(lines, node)
    raise AssertionError(f"{module.__name__} has no {name}")


def _comment(lines: list[str], node: ast.stmt) -> str:
    beside = lines[(node.end_lineno or node.lineno) - 1][node.end_col_offset or 0 :].strip()
    if beside.startswith("#"):
        return beside.lstrip("# ")
    above: list[str] = []
    for line in reversed(lines[: node.lineno - 1]):
        if not line.startswith("#"):
            break
        above.insert(0, line.lstrip("# "))
    return " ".join(above)


def _class_signature(value: type) -> str:
    if getattr(value, "_is_protocol", False):
        return f"class {value.__name__}(Protocol)"
    if issubclass(value, BaseException):
        return f"class {value.__name__}({value.__mro__[1].__name__})"
    return f"{value.__name__}{_signature(value)}"


@frozen(repr=False)
class _Bare:
    """What is shown as it is, without quotes."""

    text: str

    def __repr__(self) -> str:
        return self.text


def _signature(value: Any) -> str:
    """Annotations without quotes, defaults without addresses."""
    try:
        signature = inspect.signature(value)
    except ValueError:  # of a class written in C
        return "(...)"
    parameters = [
        parameter.replace(annotation=_annotation(parameter.annotation), default=_default(parameter.default))
        for parameter in signature.parameters.values()
    ]
    plain = signature.replace(parameters=parameters, return_annotation=_annotation(signature.return_annotation))
    return str(plain).removesuffix(" -> None")


def _annotation(value: Any) -> Any:
    return _Bare(value.replace("'", '"')) if isinstance(value, str) else value


def _default(value: Any) -> Any:
    if value is inspect.Parameter.empty or isinstance(value, str | int | float | bool | tuple | None):
        return value
    return _Bare(getattr(value, "__name__", "..."))


def _doc(value: Any) -> str:
    return inspect.cleandoc(value.__doc__ or "")


def _members(value: type) -> Iterator[Member]:
    for name, member in vars(value).items():
        if name.startswith("_"):
            continue
        kind = (
            "property"
            if isinstance(member, property)
            else "classmethod"
            if isinstance(member, classmethod)
            else ""
        )
        function = member.fget if isinstance(member, property) else getattr(member, "__func__", member)
        if not inspect.isfunction(function) or not function.__doc__:
            continue
        signature = re.sub(r"\((?:self|cls)(?:, )?", "(", _signature(function))
        if kind == "property":
            signature = signature.replace("() ->", ":").replace("()", "")
        yield Member(name, f"{kind} {name}{signature}".strip(), _doc(function))
