"""Every fault of the table has a test that provokes it, named for its row."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
HERE = {1, 2, *range(7, 24)}
CLUSTER = {3, 4, 5, 6}  # of the plugin that brings the cluster, where that is in the tree
PLUGIN = ROOT / "plugins/flowlab-dask"


def rows(folder: Path) -> set[int]:
    """The rows that the names of a folder's tests tell."""
    text = "".join(file.read_text() for file in folder.glob("test_*.py"))
    return {int(row) for name in re.findall(r"def test_row((?:_\d\d)+)_", text) for row in name.split("_")[1:]}


def test_every_row_has_a_test() -> None:
    assert rows(Path(__file__).parent) == HERE
    if PLUGIN.exists():
        assert rows(PLUGIN / "tests") >= CLUSTER
