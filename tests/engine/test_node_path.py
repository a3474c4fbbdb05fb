"""The path of a cached node through the engine stays short."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "benchmarks"))

from node_path import cached_node_paths


@pytest.mark.skipif(sys.gettrace() is not None, reason="a debugger or a coverage tool follows the run")
def test_a_cached_node_passes_few_calls_and_files(tmp_path: Path) -> None:
    paths = cached_node_paths(tmp_path)
    assert set(paths) == {"denoiser.bank", "flow.probability"}
    for path in paths.values():
        assert len(path.files) <= 6
        assert path.changes <= 16
        assert len(path.calls) <= 32
