"""The classes of the values that a component yields and takes, by the annotations of its `build`.

`def build(self, context, *, analysis: EndShares) -> Result[Figure]` takes EndShares. What can't be read (no
annotation, Any, a protocol, a number or a container, or a name that is imported for type checkers alone) is left
open: an empty tuple.
"""

from __future__ import annotations

import inspect
import types
from functools import cache
from typing import Any, Union, get_args, get_origin

from typing_extensions import is_protocol

from flowlab.api.fields import Reference
from flowlab.api.kinds.kind import KINDS
from flowlab.api.result import Result

# Numbers and containers tell no two values apart.
_GENERAL = {"builtins", "collections", "collections.abc", "typing"}


def declared_types(component: type) -> tuple[type, ...]:
    """The classes of which a component's value is one, as its `build` declares them."""
    declared = _annotation(component, "return")
    return _classes(get_args(declared)[0]) if get_origin(declared) is Result else ()


def yielded_types(component: type, kind: str) -> tuple[type, ...]:
    """The classes of which a component's value is one: those that its `build` declares, or its kind's."""
    value = KINDS[kind].value
    return declared_types(component) or (() if value is None else (value,))


def accepted_types(component: type, field: str, reference: Reference) -> tuple[type, ...]:
    """The classes of which each value at a reference has to be one."""
    if reference.metrics:
        return ()
    declared = _annotation(component, field)
    inner = get_args(declared)
    return _classes(inner[-1] if reference.many and inner else declared)


def fits(yielded: tuple[type, ...], accepted: tuple[type, ...]) -> bool:
    """Whether a value of one of these classes may be accepted; what is left open fits."""
    if not yielded or not accepted:
        return True
    return any(issubclass(cls, accepted) for cls in yielded)


def type_words(classes: tuple[type, ...]) -> str:
    """Their names, as an error message has them."""
    return " or ".join(cls.__name__ for cls in classes)


def reference_words(component: type | None, field: str, reference: Reference) -> str:
    """What a reference names, in words: a kind, and the class of the value where the kind has several."""
    accepted = () if component is None else accepted_types(component, field, reference)
    words = f"{reference.kind}{' (several)' if reference.many else ''}"
    return (
        f"{words} that yields {type_words(accepted)}" if set(accepted) - {KINDS[reference.kind].value} else words
    )


@cache  # asked for each edge of a graph
def _annotation(component: type, name: str) -> Any:
    """The annotation of an argument of `build`, or of its return value; None where it can't be evaluated."""
    build = inspect.unwrap(getattr(component, "build", None) or _no_build)
    annotation = getattr(build, "__annotations__", {}).get(name)
    if not isinstance(annotation, str):
        return annotation
    try:
        return eval(annotation, getattr(build, "__globals__", {}))
    except Exception:  # an annotation may be any expression
        return None


def _no_build() -> None:
    """What a component without `build` has in its place."""


def _classes(hint: Any) -> tuple[type, ...]:
    """The classes of a type hint; empty where one of them is open."""
    if get_origin(hint) in (Union, types.UnionType):
        parts = [_classes(item) for item in get_args(hint) if item is not type(None)]
        return tuple(cls for part in parts for cls in part) if all(parts) else ()
    cls = get_origin(hint) or hint
    open_ended = not isinstance(cls, type) or is_protocol(cls) or cls.__module__ in _GENERAL
    return () if open_ended else (cls,)
