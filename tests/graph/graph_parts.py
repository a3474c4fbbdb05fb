"""Components made for the tests of the graph."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Literal

from attrs import frozen

from flowlab.api import NodeSpec, ValidationIssue, parameter, reference


@frozen
class Cloud:
    """Points of no shape.

    More of it.
    """

    points: int = parameter(help="how many", ge=1, le=9)
    scale: float = parameter(1.0, help="width")
    shape: Literal["ball", "box"] = parameter("ball", help="form")
    frames: bool = parameter(False, help="whether framed")
    levels: tuple[float, ...] = parameter((1.0,), help="levels", gt=0)
    limit: int | None = parameter(None, help="at most")
    weight: float | tuple[float, ...] = parameter(1.0, help="one or several")


@frozen
class Bank:
    """A bank."""

    dataset: str = reference("dataset", help="points")

    def check(self, inputs: Mapping[str, tuple[NodeSpec, ...]]) -> Iterator[ValidationIssue]:
        if inputs["dataset"][0].component.points == 7:
            yield ValidationIssue("dataset", "seven points don't fit")
        if inputs["dataset"][0].component.points == 8:
            raise ZeroDivisionError("eight")


@frozen
class Loop:
    """A denoiser that refers to denoisers."""

    denoiser: Any = reference("denoiser", help="another")


@frozen
class Judge:
    """Takes several banks."""

    denoiser: tuple[str, ...] = reference("denoiser", help="banks", many=True)


@frozen
class Survey:
    """Takes several banks in every setting at once."""

    denoiser: tuple[str, ...] = reference("denoiser", help="banks", many=True, gather=True)
    effort: int = parameter(1, help="how hard to look")


@frozen
class Summing:
    """Takes analyses in every setting and at every seed."""

    analysis: tuple[str, ...] = reference("analysis", help="analyses", many=True, gather=True, seeds=True)


@frozen
class Picture:
    """Shows banks."""

    denoiser: tuple[str, ...] = reference("denoiser", help="banks", many=True, gather=True)


@frozen
class Seeded:
    """Points with a parameter of the name `seed`."""

    seed: float = parameter(1.0, help="the size of a sunflower's seed")
