"""What the README shows is run as it stands there."""

import re
from pathlib import Path

import torch

from flowlab.api import Context
from flowlab.api.testing import SUITES
from flowlab.graph.graph import load
from flowlab.registry.registry import Registry
from flowlab.scaffold.plugin import Plugin

README = (Path(__file__).parents[1] / "README.md").read_text()


def blocks(language):
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


def test_the_experiment_in_the_readme_is_valid(tmp_path):
    text = next(block for block in blocks("toml") if "[experiment]" in block)
    path = tmp_path / "x.toml"
    path.write_text(text)
    graph = load(path, (), Registry.installed())
    assert sum(node.kind.name == "denoiser" for node in graph.nodes) == 3  # one a swept value


def test_the_geometry_in_the_readme_builds():
    # a real module: attrs resolves annotations through it
    space = {"__name__": "star"}
    exec(next(block for block in blocks("python") if "class Star" in block), space)
    context = Context(0, "star", torch.float64, torch.device("cpu"))
    training = space["Star"](tips=5, samples=7).build(context).value
    assert training.draw(torch.tensor([0.1])).shape == (1, 5, 7, 2)


def test_the_experiment_from_python_runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    space = {}
    exec(next(block for block in blocks("python") if "Experiment(" in block), space)
    results = space["results"]
    assert {results[node].status for node in results} == {"done"}
    assert results["figure.plane[radius=2.0]"]._repr_png_()
    assert list(tmp_path.iterdir()) == []


def test_what_the_readme_shows_of_a_new_plugin_is_what_is_written():
    files = Plugin("star", "dataset").files()
    assert blocks("python")[-2:] == [files["star/star.py"], files["tests/test_star.py"]]


def test_every_suite_is_named_in_the_readme():
    named = re.findall(r"^\| `(\w+Suite)` \|", README, re.MULTILINE)
    assert set(named) == {suite.__name__ for suite in SUITES.values()}


def test_every_component_named_in_the_readme_is_installed():
    rows = re.findall(r"^\| (\w+) \| (`[^|]*`) \|$", README, re.MULTILINE)
    listed = {kind: set(re.findall(r"`([\w-]+)`", names)) for kind, names in rows}
    registry = Registry.installed()
    for kind, names in listed.items():
        built_in = {e.name for e in registry.entries if e.kind == kind and e.distribution == "flowlab"}
        assert names == built_in
