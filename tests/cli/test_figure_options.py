"""The options of `flowlab figure` that say how a figure looks."""

from __future__ import annotations

from typing import Any

import pytest
from typer.testing import CliRunner

from flowlab.api import FigureLook
from flowlab.cli.app import app
from flowlab.runner import redraw_figure as module


@pytest.fixture
def looks(monkeypatch: pytest.MonkeyPatch) -> list[FigureLook]:
    """The looks that the command asks for."""
    asked: list[FigureLook] = []

    def redraw(folder: Any, name: Any, form: Any, look: FigureLook, *others: Any) -> str:
        asked.append(look)
        return "f.pdf"

    monkeypatch.setattr(module, "redraw_figure", redraw)
    return asked


@pytest.mark.parametrize(
    ("options", "look"),
    [
        ([], FigureLook()),
        (["--size", "single"], FigureLook(size="single")),
        (["--width", "double"], FigureLook(size="double")),
        (["--size", "5x3.2", "--title", "a"], FigureLook(title="a", size=(5.0, 3.2))),
        (
            ["--xscale", "log", "--ylabel", "b", "--style", "paper"],
            FigureLook(None, None, "b", "log", style="paper"),
        ),
    ],
)
def test_each_option_is_a_key(looks: list[FigureLook], options: list[str], look: FigureLook) -> None:
    result = CliRunner().invoke(app, ["figure", "runs/x", "f", *options])
    assert result.exit_code == 0, result.output
    assert looks == [look]


@pytest.mark.parametrize("size", ["5by3", "0x3", "5x", "101x3", "triple"])
def test_a_size_that_is_none_is_refused(looks: list[FigureLook], size: str) -> None:
    result = CliRunner().invoke(app, ["figure", "runs/x", "f", "--size", size])
    assert result.exit_code == 2
    assert "must be single, double" in result.output
    assert not looks
