"""What one cached node passes on its way through a run: Python calls within flowlab, files, changes of file.

    python tests/benchmarks/node_path.py [--trace NODE]

A run of a small experiment fills a store; a second run finds every result there, and is followed with
sys.setprofile. Counted is the last setting of each node in a sweep, from its start to its end, in flowlab's own
files and without what the standard library and other packages do in between. Comprehensions are calls before
Python 3.12 and are left out.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path
from types import FrameType
from typing import Any

from attrs import define, field, frozen

import flowlab
from flowlab.engine.cache.content_digests import ContentDigests
from flowlab.engine.cache.store import Store
from flowlab.engine.checkpoints import Checkpoints
from flowlab.engine.progress.quiet import QuietListener
from flowlab.engine.run import run_graph
from flowlab.graph.graph import load_graph
from flowlab.graph.node import Node
from flowlab.provenance.environment import Environment
from flowlab.registry.registry import Registry

ROOT = str(Path(flowlab.__file__).parent)
EXPERIMENT = """
[experiment]
name = "path"
threads = 1

[dataset.points]
use = "line"
coordinates = [0.0, 1.0, 2.5]
samples = 10

[schedule.levels]
use = "noise-levels"
levels = [0.08, 0.05]

[optimizer.slabs]
use = "max-margin"

[denoiser.bank]
use = "shallow-relu"
dataset = "points"
schedule = "levels"
optimizer = "slabs"

[integrator.ddim]
use = "ddim"

[flow.probability]
use = "probability"
denoiser = "bank"
integrator = "ddim"
samples = 20

[sweep.samples]
"dataset.points.samples" = [10, 11]
"""


@frozen
class NodePath:
    """The calls between a node's start and its end, in order: file and function.

    `tree_calls`, not among `calls`, are those that build the result from its text: about one for each part of it.
    """

    calls: tuple[tuple[str, str], ...]
    tree_calls: int

    @property
    def files(self) -> set[str]:
        """The files passed."""
        return {file for file, _ in self.calls}

    @property
    def changes(self) -> int:
        """How often a call is in another file than the one before it."""
        return sum(one[0] != other[0] for one, other in zip(self.calls, self.calls[1:], strict=False))


@define
class PathListener(QuietListener):
    """Follows each node from its start to its end."""

    paths: dict[str, NodePath] = field(factory=dict)
    _calls: list[tuple[str, str]] = field(factory=list)
    _tree_calls: int = 0
    _reader: FrameType | None = None  # at work on a result's tree

    def started(self, node: Node) -> None:
        """Begin to count."""
        self._calls, self._tree_calls = [], 0
        sys.setprofile(self._count)

    def finished(self, record: Any) -> None:
        """End."""
        sys.setprofile(None)
        if record.reused:
            self.paths[record.node.declared] = NodePath(tuple(self._calls), self._tree_calls)

    def _count(self, frame: FrameType, event: str, _: object) -> None:
        code = frame.f_code
        if not code.co_filename.startswith(ROOT) or code.co_name in ("<listcomp>", "<dictcomp>", "<setcomp>"):
            return
        if event == "return" and frame is self._reader:
            self._reader = None
        elif event == "call" and self._reader is not None:
            self._tree_calls += 1
        elif event == "call":
            self._calls.append((code.co_filename.removeprefix(ROOT + "/"), code.co_name))
            if code.co_name == "deserialize":
                self._reader = frame


def cached_node_paths(folder: Path) -> dict[str, NodePath]:
    """The paths of the nodes that a second run finds in the store."""
    file = folder / "path.toml"
    file.write_text(EXPERIMENT)
    listener = PathListener()
    for hearing in (QuietListener(), listener):
        graph = load_graph(file, [], Registry.installed())
        digests = ContentDigests()
        Environment.now(graph, "cpu", digests)
        checkpoints, store = Checkpoints(folder / "checkpoints"), Store(folder / "store", worth=0.0)
        assert run_graph(graph, "cpu", hearing, checkpoints, store, digests).exit_code == 0
    return listener.paths


def main() -> None:
    """Print a line for each cached node, and one node's calls if asked to."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trace", help="print each call of this node")
    trace = parser.parse_args().trace
    with tempfile.TemporaryDirectory() as folder:
        paths = cached_node_paths(Path(folder))
    for name, path in paths.items():
        passed = f"{len(path.calls)} calls in {len(path.files)} files, {path.changes} changes of file"
        print(f"{name}: {passed}, and {path.tree_calls} calls for the parts of its result")
    if trace:
        print(*(f"  {file}: {function}" for file, function in paths[trace].calls), sep="\n")


if __name__ == "__main__":
    main()
