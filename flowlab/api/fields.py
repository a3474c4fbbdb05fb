"""The fields of a component: plain parameters and references to other components."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from typing import Any, TypeVar, get_type_hints

import attrs
from attrs import field, frozen

T = TypeVar("T")

_KEY = "flowlab"
# Lengths are squared, and the squares multiplied: within these limits nothing overflows or vanishes in float64.
LONGEST, SHORTEST = 1e100, 1e-100
LENGTH = "data units"


@frozen
class Pattern:
    """What a text must match as a whole, and the same in words that follow "must be"."""

    expression: str
    rule: str


@frozen
class Parameter:
    """The help text, unit and allowed range of a parameter."""

    help: str
    unit: str | None = None
    ge: float | None = None
    gt: float | None = None
    le: float | None = None
    lt: float | None = None
    pattern: Pattern | None = None
    is_path: bool = False  # of a file or folder, which the component reads

    @property
    def range(self) -> str:
        """The allowed range or pattern in words, empty where there is none."""
        if self.pattern:
            return self.pattern.rule
        bounds = ((">=", self.ge), (">", self.gt), ("<=", self.le), ("<", self.lt))
        return " and ".join(f"{sign} {bound:g}" for sign, bound in bounds if bound is not None)

    def admits(self, value: Any) -> bool:
        """Whether numbers lie in the range and texts match the pattern, in a tuple each of them.

        A length is zero, or 1e-100 to 1e100. Of coordinates, which may be negative, the largest is.
        """
        return self.broken(value) is None

    def broken(self, value: Any) -> str | None:
        """The rule that a value breaks, in words, if any."""
        leaves = tuple(_leaves(value))
        if self.pattern and not all(
            re.fullmatch(self.pattern.expression, leaf) for leaf in leaves if isinstance(leaf, str)
        ):
            return self.pattern.rule
        numbers = [leaf for leaf in leaves if isinstance(leaf, int | float) and not isinstance(leaf, bool)]
        if not all(map(self._is_within, numbers)):
            return self.range or "finite"
        if self.unit == LENGTH:
            sizes = [abs(number) for number in numbers]
            counted = sizes if self.is_size else [max(sizes, default=0)]
            if not all(size == 0 or SHORTEST <= size <= LONGEST for size in counted):
                return f"zero, or between {SHORTEST:g} and {LONGEST:g} in size"
        return None

    @property
    def is_size(self) -> bool:
        """Whether its numbers are sizes, which can't be negative, rather than coordinates."""
        return (self.ge is not None and self.ge >= 0) or (self.gt is not None and self.gt >= 0)

    def _is_within(self, number: float) -> bool:
        return (
            (self.ge is None or number >= self.ge)
            and (self.gt is None or number > self.gt)
            and (self.le is None or number <= self.le)
            and (self.lt is None or number < self.lt)
            and math.isfinite(number)
        )


def _leaves(value: Any) -> Iterator[Any]:
    """A value, or the values in tuples of tuples."""
    if isinstance(value, tuple):
        for item in value:
            yield from _leaves(item)
    else:
        yield value


@frozen
class KeyGroup:
    """A field whose own fields are keys of the component's table: keys that many components have in common."""

    shape: type


@frozen
class Reference:
    """A key that names one or several nodes of another kind: an edge of the graph.

    With `gather` the component gets the named nodes in all settings of the sweeps at once, and is not repeated
    with them. With `seeds` it also gets them at all seeds; without it, it is repeated with the seeds. With
    `metrics` it gets the metrics of the named nodes instead of their values.
    """

    kind: str
    help: str
    many: bool = False
    gather: bool = False
    metrics: bool = False
    seeds: bool = False

    def repeats(self, seeds: bool) -> bool:
        """Whether a component with this reference is repeated by a sweep over seeds, or by another sweep."""
        return not (self.seeds if seeds else self.gather)


def parameter(
    default: Any = attrs.NOTHING,
    *,
    help: str,
    unit: str | None = None,
    ge: float | None = None,
    gt: float | None = None,
    le: float | None = None,
    lt: float | None = None,
    pattern: Pattern | None = None,
) -> Any:
    """Declare a field of a component that is a key of its TOML table.

    The annotation is the type: bool, int, float, str, Literal, tuple[T, ...], or one of them with None.
    `ge`, `gt`, `le`, `lt` bound a number, or each number of a tuple; with the unit "data units" it is a length,
    whose square has to be a number too. A text must match `pattern` as a whole. Raises ValueError where a
    component is built in Python with a value that breaks these rules.
    """
    declared = Parameter(help, unit, ge, gt, le, lt, pattern)

    def check_range(_: Any, attribute: attrs.Attribute[Any], value: Any) -> None:
        if rule := declared.broken(value):
            raise ValueError(f"{attribute.name} must be {rule}, found {value!r}")

    return field(default=default, validator=check_range, metadata={_KEY: declared})


def file_path(default: Any = attrs.NOTHING, *, help: str) -> Any:
    """Declare a field that names a file or folder which the component reads, or several of them.

    The annotation is str, tuple[str, ...], or one of them with None. In an experiment's file a relative path
    starts at the folder of that file; on the command line and in Python it starts at the current folder. `check`
    and `build` get a path that can be opened. The content counts in the key of the result, and the place does not.
    Of a folder all files in it count; of a Python file the modules beside it that it imports count as well.
    """
    declared = Parameter(f"{help}, relative to the folder of the experiment's file", is_path=True)
    return field(default=default, metadata={_KEY: declared})


def reference(
    kind: str,
    default: Any = attrs.NOTHING,
    *,
    help: str,
    many: bool = False,
    gather: bool = False,
    metrics: bool = False,
    seeds: bool = False,
) -> Any:
    """Declare a field that names a node of `kind` (annotation `str`), or several (`tuple[str, ...]`).

    `build` receives the value of the named node as the argument of the same name; for several nodes, a mapping
    from name to value. In `build` a field that names one node holds the node's kind, as names decide no result.
    With `gather` (several nodes only) the mapping has all settings of a sweep, each by its `NodeLabel`, and with
    `seeds` those of all seeds. With `metrics` the values are the nodes' metrics.
    Raises ValueError for `gather` without `many`, or `seeds` without `gather`.
    """
    if (gather and not many) or (seeds and not gather):
        raise ValueError("only a reference to several nodes can gather, and only one that gathers takes all seeds")
    return field(default=default, metadata={_KEY: Reference(kind, help, many, gather, metrics, seeds)})


def key_group(shape: type[T]) -> T:
    """Declare a field that holds keys in common: the fields of `shape` are keys of the component's own table.

    `shape` is an attrs class of parameters with defaults.
    """
    declared: T = field(factory=shape, metadata={_KEY: KeyGroup(shape)})
    return declared


def key_groups(component: type) -> dict[str, type]:
    """The classes of the fields that hold keys in common, by the field's name."""
    declared = {item.name: item.metadata.get(_KEY) for item in attrs.fields(component)}
    return {name: item.shape for name, item in declared.items() if isinstance(item, KeyGroup)}


def key_fields(component: type) -> tuple[attrs.Attribute[Any], ...]:
    """The fields that are the keys of a component's table, those of its groups of keys last."""
    groups = key_groups(component)
    own = [item for item in attrs.fields(component) if item.init and item.name not in groups]
    return (*own, *(item for shape in groups.values() for item in attrs.fields(shape)))


def key_types(component: type) -> dict[str, Any]:
    """The types of the keys of a component's table.

    Raises whatever the evaluation of an annotation does.
    """
    hints = get_type_hints(component)
    groups = key_groups(component)
    inner = {name: hint for shape in groups.values() for name, hint in get_type_hints(shape).items()}
    return {name: hint for name, hint in hints.items() if name not in groups} | inner


def field_spec(attribute: attrs.Attribute[Any]) -> Parameter | Reference:
    """The declaration of an attrs field; a field without one is a parameter without help."""
    declared = attribute.metadata.get(_KEY)
    return declared if isinstance(declared, Parameter | Reference) else Parameter(help="")


def references(component: type) -> dict[str, Reference]:
    """The fields of a component class that are references, by name."""
    fields = {item.name: field_spec(item) for item in attrs.fields(component)}
    return {name: item for name, item in fields.items() if isinstance(item, Reference)}


def path_fields(component: type) -> tuple[str, ...]:
    """The names of the fields of a component class that `file_path` declares."""
    declared = {item.name: field_spec(item) for item in attrs.fields(component)}
    return tuple(name for name, spec in declared.items() if isinstance(spec, Parameter) and spec.is_path)
