"""A component that can't be imported, as far as its source tells: enough of it to describe its keys.

griffe would resolve names, but it gives defaults and ranges as text and knows nothing of attrs. Evaluating them is
most of what is here, and would stay.
"""

from __future__ import annotations

import ast
import builtins
import importlib
from collections.abc import Mapping
from typing import Any

import attrs
from attrs import frozen

from flowlab import api
from flowlab.registry.source import ComponentSource

_MODULES = ("attrs", "collections.abc", "typing", "flowlab.api")  # already imported, and trusted
_DECLARING = (api.parameter, api.file_path, api.reference, api.key_group, api.Pattern, attrs.field, attrs.Factory)


@frozen
class Unevaluated:
    """An expression whose value only running the source would tell, as it is written."""

    text: str

    def __str__(self) -> str:
        return self.text

    def __format__(self, form: str) -> str:
        return self.text


def static_component(source: ComponentSource) -> type[Any] | None:
    """An attrs class with a component's docstring, fields, defaults and ranges; None without its source.

    Nothing of the source is run: literals, types and declarations of fields are read, all else is `Unevaluated`.
    """
    if source.statement is None or source.module is None:
        return None
    classes = {node.name: node for node in source.module.body if isinstance(node, ast.ClassDef)}
    fields = _fields(source.statement, classes, _names(source.module))
    space: dict[str, Any] = {name: default for name, (_, default) in fields.items() if default is not None}
    space["__annotations__"] = {name: hint for name, (hint, _) in fields.items()}
    space["__doc__"] = ast.get_docstring(source.statement)
    return frozen(kw_only=True)(type(source.statement.name, (), space))


def _fields(
    statement: ast.ClassDef, classes: Mapping[str, ast.ClassDef], names: Mapping[str, Any]
) -> dict[str, tuple[Any, Any]]:
    """The fields of a class statement by name, its bases' of the same module first: type and default."""
    found: dict[str, tuple[Any, Any]] = {}
    others = {name: node for name, node in classes.items() if node is not statement}
    for base in reversed(statement.bases):
        if isinstance(base, ast.Name) and base.id in others:
            found |= _fields(others[base.id], others, names)
    for node in statement.body:
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            if "ClassVar" in ast.unparse(node.annotation):
                continue
            value = None if node.value is None else _read(node.value, names)
            if node.value is not None and (isinstance(value, Unevaluated) or not isinstance(node.value, ast.Call)):
                value = attrs.field(default=value)
            found[node.target.id] = _hint(node.annotation, names), value
    return found


def _hint(node: ast.expr, names: Mapping[str, Any]) -> Any:
    """The type that an annotation means, in quotes or not."""
    if not isinstance(node, ast.Constant) or not isinstance(node.value, str):
        return _read(node, names)
    try:
        return _read(ast.parse(node.value, mode="eval").body, names)
    except (SyntaxError, ValueError):
        return Unevaluated(node.value)


def _names(module: ast.Module) -> dict[str, Any]:
    """What the names of a module mean, where that can be read: types, declarations and literals."""
    names: dict[str, Any] = {
        name: getattr(builtins, name) for name in ("bool", "int", "float", "str", "tuple", "dict")
    }
    for node in module.body:
        if isinstance(node, ast.ImportFrom) and node.module in _MODULES and not node.level:
            known = vars(importlib.import_module(node.module))  # not getattr: it may load torch
            names |= {alias.asname or alias.name: known[alias.name] for alias in node.names if alias.name in known}
        elif isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name in _MODULES and (alias.asname or "." not in alias.name):
                    names[alias.asname or alias.name] = importlib.import_module(alias.name)
        elif isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name):
            names[node.targets[0].id] = _read(node.value, names)
    return names


def _read(node: ast.expr, names: Mapping[str, Any]) -> Any:
    """The value of an expression, or the expression as it is written."""
    try:
        return _value(node, names)
    except Exception:  # what is no type, no literal or no declaration after all
        return Unevaluated(ast.unparse(node))


def _value(node: ast.expr, names: Mapping[str, Any]) -> Any:
    """The value of an expression of literals, types and declarations. Raises whatever its parts do."""
    match node:
        case ast.Constant(value):
            return value
        case ast.Name(name) if not isinstance(names[name], Unevaluated):
            return names[name]
        case ast.Tuple(items) | ast.List(items):
            return tuple(_value(item, names) for item in items)
        case ast.UnaryOp(ast.USub(), operand):
            return -_value(operand, names)
        case ast.BinOp(left, ast.BitOr(), right):
            return _value(left, names) | _value(right, names)
        case ast.Attribute(ast.Name(module), name) if names[module] in map(importlib.import_module, _MODULES):
            return vars(names[module])[name]
        case ast.Subscript(form, inner):
            form = _value(form, names)
            if form is tuple or getattr(form, "__module__", None) in ("typing", "collections.abc"):
                return form[_value(inner, names)]
        case ast.Call(function, arguments, keywords):
            function = _value(function, names)
            if any(function is declaring for declaring in _DECLARING):
                options = {keyword.arg: _read(keyword.value, names) for keyword in keywords if keyword.arg}
                if function is attrs.field:  # its other options are code
                    options = {name: options[name] for name in options if name in ("default", "init")}
                return function(*(_read(argument, names) for argument in arguments), **options)
    raise ValueError(ast.unparse(node))
