"""Plain data as attrs classes: strict types, nothing coerced, every fault with its path.

All that is read back goes this way: components, settings, lock files, summaries, messages between processes.
"""

from __future__ import annotations

import math
import types
from collections.abc import Callable, Mapping
from typing import Any, Literal, TypeVar, Union, get_args, get_origin

import attrs
from cattrs import (
    BaseValidationError,
    Converter,
    ForbiddenExtraKeysError,
    IterableValidationError,
    IterableValidationNote,
)
from cattrs.gen import make_dict_structure_fn, make_dict_unstructure_fn, mapping_structure_factory, override

from flowlab.api import Parameter, Reference, field_spec
from flowlab.api.fields import key_groups
from flowlab.spec.structure_errors import Mismatch, StructureError, list_faults
from flowlab.spec.type_names import SCALARS, describe_value, type_name

T = TypeVar("T")
_UNDECLARED = Parameter(help="")


def structure(data: Any, shape: type[T], converter: Converter | None = None) -> T:
    """Data of TOML or JSON as an instance of an attrs class. Raises StructureError with all its faults."""
    try:
        return (converter or JSON).structure(data, shape)
    except (BaseValidationError, ForbiddenExtraKeysError, Mismatch) as error:
        raise StructureError(tuple(list_faults(error, ()))) from error


def unstructure(value: Any, omit_defaults: bool = False) -> Any:
    """An attrs class as plain data, without the fields that have their defaults if so asked."""
    return (_WITHOUT_DEFAULTS if omit_defaults else JSON).unstructure(value)


def strict_converter(*, nulls: bool = True, forbid_extra_keys: bool = True) -> Converter:
    """A converter that coerces nothing; `nulls`: whether None stands for itself, which TOML can't hold.

    By default cattrs makes 3 of 3.9, True of "false" and ["a", "b"] of "ab": each hook here refuses that. Beside
    its type, a field's declared range, and that a list isn't empty unless that is its default, are checked.
    """
    converter = Converter(detailed_validation=True, forbid_extra_keys=forbid_extra_keys)
    for scalar in SCALARS:
        converter.register_structure_hook(scalar, _scalar)
    converter.register_structure_hook_func(_is(Literal), _literal)
    converter.register_structure_hook_func(_is(Union, types.UnionType), _union_hook(converter, nulls))
    converter.register_structure_hook_func(_is(tuple, list), _list_hook(converter))
    converter.register_structure_hook_factory(_is(dict, Mapping), lambda hint: _table_hook(converter, hint))
    converter.register_structure_hook_factory(attrs.has, lambda shape: _class_hook(converter, shape))
    return converter


def _is(*origins: Any) -> Callable[[Any], bool]:
    return lambda hint: get_origin(hint) in origins


def _scalar(value: Any, hint: Any) -> Any:
    if type(value) is int and not -(2**63) <= value < 2**63:
        raise Mismatch(type_name(hint), "an integer beyond 64 bits")
    if hint is float and type(value) is int:
        return float(value)
    if type(value) is not hint or (hint is float and not math.isfinite(value)):
        raise Mismatch(type_name(hint), describe_value(value))
    return value


def _literal(value: Any, hint: Any) -> Any:
    # by type too: 1 == True == 1.0
    if not any(type(value) is type(choice) and value == choice for choice in get_args(hint)):
        raise Mismatch(type_name(hint), describe_value(value))
    return value


def _union_hook(converter: Converter, nulls: bool) -> Callable[[Any, Any], Any]:
    def structure_union(value: Any, hint: Any) -> Any:
        choices = [choice for choice in get_args(hint) if choice is not type(None)]
        if value is None and nulls and len(choices) < len(get_args(hint)):
            return None
        found = describe_value(value)
        for choice in sorted(choices, key=lambda choice: choice is not type(value)):  # an integer stays one
            try:
                return converter.structure(value, choice)
            except Mismatch as error:
                found = error.found
            except BaseValidationError as error:
                if len(choices) == 1:
                    raise
                found = str(next(list_faults(error, ())))
        raise Mismatch(type_name(hint), found)

    return structure_union


def _list_hook(converter: Converter) -> Callable[[Any, Any], Any]:
    def structure_list(value: Any, hint: Any) -> Any:
        if not isinstance(value, list):
            raise Mismatch(type_name(hint), describe_value(value))
        origin, items = get_origin(hint), get_args(hint)
        if origin is list or items[-1] is Ellipsis:
            items = items[:1] * len(value)
        if len(value) != len(items):
            raise Mismatch(type_name(hint), f"a list of {len(value)} where {len(items)} are needed")
        result, errors = [], []
        for index, (item, kind) in enumerate(zip(value, items, strict=True)):
            try:
                result.append(converter.structure(item, kind))
            except Mismatch as error:
                raise Mismatch(type_name(hint), error.found) from error
            except BaseValidationError as error:
                error.__notes__ = [IterableValidationNote("", index, kind)]
                errors.append(error)
        if errors:
            raise IterableValidationError("", errors, hint)
        return origin(result)

    return structure_list


def _table_hook(converter: Converter, hint: Any) -> Callable[[Any, Any], Any]:
    # not converter.gen_structure_mapping, which registers its own hook in place of this one
    return _require_table(mapping_structure_factory(hint, converter, detailed_validation=True))


def _class_hook(converter: Converter, shape: type) -> Callable[[Any, Any], Any]:
    fields: dict[str, Any] = {
        field.name: override(struct_hook=_field_hook(converter, field))
        for field in attrs.fields(attrs.resolve_types(shape))
        if field.init
    }
    hook: Callable[[Any, Any], Any] = make_dict_structure_fn(
        shape,
        converter,
        _cattrs_forbid_extra_keys=converter.forbid_extra_keys,
        _cattrs_detailed_validation=True,
        **fields,
    )
    groups = key_groups(shape)
    return _require_table(_with_groups(hook, groups) if groups else hook)


def _with_groups(hook: Callable[[Any, Any], Any], groups: Mapping[str, type]) -> Callable[[Any, Any], Any]:
    """Takes the keys of each group from the table, and hands them over as the group's own table."""

    def structure_groups(value: Mapping[str, Any], hint: Any) -> Any:
        if named := groups.keys() & value.keys():  # the field itself is no key
            raise ForbiddenExtraKeysError("", hint, named)
        table = dict(value)
        for name, shape in groups.items():
            keys = [field.name for field in attrs.fields(shape) if field.name in table]
            table[name] = {key: table.pop(key) for key in keys}
        return hook(table, hint)

    return structure_groups


def _require_table(hook: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    def structure_table(value: Any, hint: Any) -> Any:
        if not isinstance(value, Mapping):
            raise Mismatch("a table", describe_value(value))
        return hook(value, hint)

    return structure_table


def _field_hook(converter: Converter, field: attrs.Attribute[Any]) -> Callable[[Any, Any], Any]:
    """A field's own rules: one name does where several nodes may be named, a range, at least one item."""
    declared = field_spec(field)
    takes_names = isinstance(declared, Reference) and declared.many

    def structure_field(value: Any, _: Any) -> Any:
        if takes_names and isinstance(value, str):
            value = [value]
        result = converter.structure(value, field.type)  # type: ignore[arg-type]
        if result == () and field.default != ():
            raise Mismatch("a list of at least one item", "an empty list")
        if isinstance(declared, Parameter) and declared != _UNDECLARED and (rule := declared.broken(result)):
            raise Mismatch(rule, repr(value))
        return result

    return structure_field


def _ordered_hook(shape: type) -> Callable[[Any], dict[str, Any]]:
    """Writes the fields in the order of the class: cattrs puts those with a default last."""
    hook: Callable[[Any], dict[str, Any]] = make_dict_unstructure_fn(
        shape, _WITHOUT_DEFAULTS, _cattrs_omit_if_default=True
    )
    names = [field.name for field in attrs.fields(shape)]

    def unstructure_in_order(value: Any) -> dict[str, Any]:
        data = hook(value)
        return {name: data[name] for name in names if name in data}

    return unstructure_in_order


JSON = strict_converter()
TOML = strict_converter(nulls=False)
_WITHOUT_DEFAULTS = Converter(omit_if_default=True)
_WITHOUT_DEFAULTS.register_unstructure_hook_factory(attrs.has, _ordered_hook)
