"""How long a run took to draw its figures and to write its files, after its nodes were computed."""

from __future__ import annotations

from attrs import frozen


@frozen
class WritingTime:
    """Seconds for drawing figures, and for writing tables, summary, lock and page."""

    drawing: float
    writing: float

    def __str__(self) -> str:
        return f"then {self.drawing:.1f} s for drawing figures, {self.writing:.1f} s for writing files"
