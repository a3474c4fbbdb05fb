"""The registry: what is installed, what is broken, what is claimed twice."""

import importlib

import pytest

from flowlab.api import KINDS, ExperimentError, PluginError
from flowlab.graph.graph import load_graph
from flowlab.registry.entry_points import Entry
from flowlab.registry.registry import Registry
from flowlab.registry.source import find_source


@pytest.fixture
def plugin(tmp_path, monkeypatch):
    """A distribution on the path, with one component that breaks on import and one that clashes."""
    info = tmp_path / "shaky-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: shaky\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(
        "[flowlab.dataset]\nbroken = shaky:Broken\nline = shaky:Line\n[unrelated]\na = b:c\n"
    )
    (tmp_path / "shaky.py").write_text('class Broken:\n    """Breaks at once."""\nraise RuntimeError("no luck")\n')
    monkeypatch.syspath_prepend(tmp_path)
    importlib.invalidate_caches()


def test_every_kind_has_a_built_in_component_that_loads_and_is_documented():
    entries = Registry.installed().entries
    assert {entry.kind for entry in entries} == set(KINDS)
    for entry in entries:
        component = entry.load()
        about = find_source(entry)
        assert about.summary == component.__doc__.splitlines()[0]
        assert len(about.summary) < 120
        assert about.line > 1


def test_a_broken_plugin_is_listed_and_breaks_nobody_else(plugin):
    registry = Registry.installed()
    broken = registry.find("dataset", "broken")
    assert find_source(broken).summary == "Breaks at once."
    with pytest.raises(PluginError, match=r"'broken' of shaky 1\.0 .*RuntimeError: no luck"):
        broken.load()
    assert registry.find("dataset", "orthogonal").load()


def test_a_name_claimed_twice_needs_its_distribution(plugin, tmp_path):
    registry = Registry.installed()
    assert registry.find("dataset", "line") is None
    assert registry.find("dataset", "flowlab:line").distribution == "flowlab"
    path = tmp_path / "x.toml"
    path.write_text('[experiment]\nname = "x"\n[dataset.l]\nuse = "line"\ncoordinates = [0, 1]\n')
    with pytest.raises(ExperimentError, match="write 'flowlab:line' or 'shaky:line'"):
        load_graph(path, (), registry)
    path.write_text(path.read_text().replace('"line"', '"flowlab:line"'))
    assert load_graph(path, (), registry).nodes[0].component.coordinates == (0.0, 1.0)


def test_a_class_that_is_no_component_is_refused():
    with pytest.raises(PluginError, match="no attrs class"):
        Entry("dataset", "path", "pathlib:Path", "somebody", "1").load()
