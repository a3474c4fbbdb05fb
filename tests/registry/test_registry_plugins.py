"""Installed components, broken ones among them."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from flowlab.api import PluginError
from flowlab.registry.entry_points import Entry
from flowlab.registry.registry import Registry
from flowlab.registry.source import ComponentSource, find_source

BROKEN = '"""A plugin."""\nimport no_such_package\n\n\nclass Blob:\n    """A blob.\n\n    More.\n    """\n'


@pytest.fixture
def plugin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    info = tmp_path / "broken_blobs-2.5.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: broken-blobs\nVersion: 2.5\n")
    points = ["[flowlab.dataset]", "blob = broken_blobs_module:Blob", "line = broken_blobs_module:Blob"]
    (info / "entry_points.txt").write_text("\n".join([*points, "odd = not a target", "[other]", "x = y:z", ""]))
    (tmp_path / "broken_blobs_module.py").write_text(BROKEN)
    (tmp_path / "nameless-1.0.dist-info").mkdir()
    monkeypatch.syspath_prepend(str(tmp_path))
    return tmp_path


def test_a_broken_plugin_is_listed_and_named_when_loaded(plugin: Path) -> None:
    registry = Registry.installed()
    entry = registry.find("dataset", "blob")
    target = "broken_blobs_module:Blob"
    assert entry == Entry("dataset", "blob", target, "broken-blobs", "2.5", root=str(plugin))
    assert find_source(entry) == ComponentSource(str(plugin / "broken_blobs_module.py"), 5, "A blob.")
    with pytest.raises(PluginError, match=r"'blob' of broken-blobs 2\.5.*no_such_package") as caught:
        entry.load()
    assert caught.value.exit_code == 3
    odd = registry.find("dataset", "odd")
    assert odd is not None
    with pytest.raises(PluginError, match="odd"):
        odd.load()
    assert find_source(odd) == ComponentSource()


def test_a_name_claimed_twice(plugin: Path) -> None:
    registry = Registry.installed()
    assert registry.find("dataset", "line") is None
    assert {entry.distribution for entry in registry.matching("dataset", "line")} == {"flowlab", "broken-blobs"}
    mine = registry.find("dataset", "flowlab:line")
    assert mine is not None
    assert mine.distribution == "flowlab"


def test_a_distribution_found_twice_is_listed_once(plugin: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = Registry.installed()
    monkeypatch.setattr(sys, "path", [*sys.path, str(plugin)])
    assert Registry.installed() == before


def test_a_module_that_exits_is_a_plugin_error(plugin: Path) -> None:
    (plugin / "exiting_module.py").write_text("raise SystemExit(0)\n")
    with pytest.raises(PluginError, match="SystemExit"):
        Entry("dataset", "x", "exiting_module:X", "d", "1").load()


def test_what_is_no_attrs_class(plugin: Path) -> None:
    with pytest.raises(PluginError, match="no attrs class"):
        Entry("dataset", "x", "json:loads", "d", "1").load()


def test_every_builtin_has_a_source() -> None:
    for entry in Registry.installed().entries:
        assert find_source(entry).summary
