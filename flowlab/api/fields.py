"""The fields of a component: plain parameters and references to other components."""

from __future__ import annotations

import math
from typing import Any

import attrs
from attrs import field, frozen

_KEY = "flowlab"
# Lengths are squared, and the squares multiplied: within these limits nothing overflows or vanishes in float64.
LONGEST, SHORTEST = 1e100, 1e-100
LENGTH = "data units"


@frozen
class Parameter:
    """The help text, unit and allowed range of a parameter."""

    help: str
    unit: str | None = None
    ge: float | None = None
    gt: float | None = None
    le: float | None = None
    lt: float | None = None

    @property
    def range(self) -> str:
        """The allowed range in words, empty where there is none."""
        bounds = ((">=", self.ge), (">", self.gt), ("<=", self.le), ("<", self.lt))
        return " and ".join(f"{sign} {bound:g}" for sign, bound in bounds if bound is not None)

    def admits(self, value: Any) -> bool:
        """Whether a number, or each number of a tuple, is in the range.

        Values that are no numbers always are. A length other than zero also has to be between 1e-100 and 1e100.
        """
        return self.broken(value) is None

    def broken(self, value: Any) -> str | None:
        """The rule that a value breaks, in words; None if it breaks none."""
        if isinstance(value, tuple):
            return next((rule for item in value if (rule := self.broken(item))), None)
        if isinstance(value, bool) or not isinstance(value, int | float):
            return None
        within = (
            (self.ge is None or value >= self.ge)
            and (self.gt is None or value > self.gt)
            and (self.le is None or value <= self.le)
            and (self.lt is None or value < self.lt)
            and math.isfinite(value)
        )
        if not within:
            return self.range or "finite"
        if self.unit == LENGTH and value != 0 and not SHORTEST <= abs(value) <= LONGEST:
            return f"zero, or between {SHORTEST:g} and {LONGEST:g} in size"
        return None


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
) -> Any:
    """Declare a field of a component that is a key of its TOML table.

    The annotation is the type: bool, int, float, str, Literal, tuple[T, ...], or one of them with None. `ge`,
    `gt`, `le` and `lt` bound a number, or each number of a tuple. A number with the unit "data units" is a length,
    whose square has to be finite and not zero as well. A component raises ValueError where it is built in Python
    with a value out of range.
    """
    declared = Parameter(help, unit, ge, gt, le, lt)

    def check_range(_: Any, attribute: attrs.Attribute[Any], value: Any) -> None:
        if rule := declared.broken(value):
            raise ValueError(f"{attribute.name} must be {rule}, found {value!r}")

    return field(default=default, validator=check_range, metadata={_KEY: declared})


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
    from name to value. With `gather` (several nodes only) the mapping has all settings of a sweep, with the
    settings in the names, and with `seeds` those of all seeds. With `metrics` the values are the nodes' metrics.
    Raises ValueError for `gather` without `many`, or `seeds` without `gather`.
    """
    if (gather and not many) or (seeds and not gather):
        raise ValueError("only a reference to several nodes can gather, and only one that gathers takes all seeds")
    return field(default=default, metadata={_KEY: Reference(kind, help, many, gather, metrics, seeds)})


def field_spec(attribute: attrs.Attribute[Any]) -> Parameter | Reference:
    """The declaration of an attrs field; a field without one is a parameter without help."""
    declared: Parameter | Reference = attribute.metadata.get(_KEY, Parameter(help=""))
    return declared


def references(component: type) -> dict[str, Reference]:
    """The fields of a component class that are references, by name."""
    fields = {item.name: field_spec(item) for item in attrs.fields(component)}
    return {name: item for name, item in fields.items() if isinstance(item, Reference)}
