"""Keys that all figures have in common are keys of each figure's own table."""

from __future__ import annotations

from pathlib import Path

import pytest

from flowlab.api import KINDS, ExperimentError, FigureLook, key_fields
from flowlab.graph.graph import Graph, load_graph
from flowlab.registry.registry import Registry

HEAD = """
[experiment]
name = "x"
[dataset.points]
use = "orthogonal"
dimension = 4
points = 3
[schedule.low]
use = "variance-exploding"
final_time = 0.01
levels = 3
[denoiser.theory]
use = "closed-form"
dataset = "points"
schedule = "low"
[flow.pf]
use = "probability"
denoiser = "theory"
[flow.sf]
use = "score"
denoiser = "theory"
[classifier.ends]
use = "stable-points"
flow = ["pf", "sf"]
[analysis.shares]
use = "class-fractions"
classifier = "ends"
[sweep.size]
"dataset.points.points" = [2, 3, 4]
[sweep.time]
"schedule.low.final_time" = [0.01, 0.015, 0.02]
[sweep.place]
"dataset.points.frame" = ["random", "standard"]
"""


def loaded(folder: Path, figure: str) -> Graph:
    """The experiment with a figure of those keys."""
    (folder / "x.toml").write_text(f"{HEAD}[figure.f]\n{figure}\n")
    return load_graph(folder / "x.toml", (), Registry.installed())


def faults(folder: Path, figure: str) -> str:
    with pytest.raises(ExperimentError) as error:
        loaded(folder, figure)
    return str(error.value)


BARS = 'use = "class-bars"\nclassifier = "ends"\n'


def test_every_figure_has_the_keys() -> None:
    figures = [entry for entry in Registry.installed().entries if entry.kind == "figure"]
    assert figures
    assert "figure" in KINDS
    common = {field.name for field in key_fields(FigureLook)}
    for entry in figures:
        keys = [field.name for field in key_fields(entry.load())]
        assert common <= set(keys)
        assert len(keys) == len(set(keys))


def test_the_keys_stand_beside_the_others(tmp_path: Path) -> None:
    graph = loaded(tmp_path, BARS + 'title = "Ends"\nsize = [4, 3]\nstyle = "paper"')
    assert graph.nodes[-1].component.look == FigureLook(title="Ends", size=(4.0, 3.0), style="paper")
    table = graph.resolved["figure"]["f"]
    assert {"title": "Ends", "size": [4.0, 3.0], "style": "paper"}.items() <= table.items()
    assert "look" not in table


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ('titel = "a"', r"'titel' is no parameter of 'class-bars' (did you mean 'title'?)"),
        ("look = { title = 1 }", "'look' is no parameter of 'class-bars'"),
        ("title = 3", "title must be a string, found 3"),
        ('size = "triple"', "size must be"),
        ("size = [0, 3]", "size must be > 0"),
        ('style = "papre"', "style: 'papre' is no file *.mplstyle and no name of a style (did you mean 'paper'?)"),
    ],
)
def test_mistakes_in_them_are_found_at_their_place(tmp_path: Path, keys: str, message: str) -> None:
    found = faults(tmp_path, BARS + keys)
    assert message in found
    assert f"x.toml:{HEAD.count(chr(10)) + 4}:" in found


@pytest.mark.parametrize(
    ("figure", "message"),
    [
        ('use = "fractions-over-sweep"\nover = "point"', "over: 'shares' is not repeated by a sweep of 'point'"),
        ('use = "fractions-over-sweep"\nover = "levels"', "swept are: points, final_time, frame"),
        ('use = "fractions-over-sweep"\nover = "points"\nlinestyle = "points"', "is shown by `over` already"),
        ('use = "fractions-map"\nacross = "points"\nup = "final_time"', None),
        ('use = "fractions-map"\nacross = "points"\nup = "frame"', "the values of 'final_time' make 30 panels"),
        ('use = "fractions-over-sweep"\nover = "frame"', None),
    ],
)
def test_a_figure_of_a_sweep_fits_it_or_is_refused(tmp_path: Path, figure: str, message: str | None) -> None:
    text = f'{figure}\nanalysis = "shares"'
    if message is None:
        assert len([node for node in loaded(tmp_path, text).nodes if node.kind.name == "figure"]) == 1
    else:
        assert message in faults(tmp_path, text)
