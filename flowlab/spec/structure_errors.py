"""What is wrong with plain data that is read as an attrs class."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from attrs import frozen
from cattrs import ClassValidationError, ForbiddenExtraKeysError, IterableValidationError


@frozen
class Fault:
    """One thing that is wrong with a value: the keys that lead to it, and the rule that it breaks.

    `what`: the value itself, a key that is missing, one that no field has, or values that don't go together.
    """

    path: tuple[str, ...]
    rule: str
    what: Literal["value", "missing", "unknown", "together"] = "value"

    def __str__(self) -> str:
        name = ".".join(self.path)
        match self.what:
            case "missing":
                return f"{name} is missing"
            case "unknown":
                return f"{name} is no key that is known"
            case "together":
                return f"{name}: {self.rule}" if name else self.rule
        return f"{name or 'it'} {self.rule}"


class StructureError(ValueError):
    """Data that isn't what a class asks for, with all its faults."""

    def __init__(self, faults: tuple[Fault, ...]) -> None:
        self.faults = faults
        super().__init__("; ".join(map(str, faults)))


class Mismatch(ValueError):
    """A value of another type or out of its range."""

    def __init__(self, expected: str, found: str) -> None:
        self.found = found
        super().__init__(f"must be {expected}, found {found}")


def list_faults(error: Exception, path: tuple[str, ...]) -> Iterator[Fault]:
    """What is wrong, in the order of the fields. Raises what is no mistake of the data but a defect of a class."""
    if isinstance(error, ClassValidationError | IterableValidationError):
        inside, beside = error.group_exceptions()
        for inner, note in inside:
            key = note.name if hasattr(note, "name") else str(note.index)
            if isinstance(error, ClassValidationError) and isinstance(inner, KeyError):
                yield Fault((*path, key), "is missing", "missing")
            else:
                yield from list_faults(inner, (*path, key))
        for inner in beside:
            yield from list_faults(inner, path)
    elif isinstance(error, ForbiddenExtraKeysError):
        yield from (Fault((*path, key), "is unknown", "unknown") for key in sorted(error.extra_fields, key=str))
    elif isinstance(error, Mismatch):
        yield Fault(path, str(error))
    elif isinstance(error, TypeError | ValueError):  # of a class's own validator
        yield Fault(path, str(error), "together")
    else:
        raise error
