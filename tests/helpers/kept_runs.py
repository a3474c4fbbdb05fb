"""An experiment of five results worth keeping, run through the engine with a store."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from recording_listener import RecordingListener

from flowlab.engine.cache.store import Store
from flowlab.engine.outcome import Outcome
from flowlab.engine.run import run_graph
from flowlab.graph.graph import load_graph
from flowlab.registry.registry import Registry

EXPERIMENT = """
[experiment]
name = "kept"

[dataset.box]
use = "orthogonal"
dimension = 2
points = 3
samples = 10

[schedule.levels]
use = "noise-levels"
levels = [0.08, 0.05]

[schedule.noisy]
use = "noise-levels"
levels = [0.2]

[optimizer.al]
use = "augmented-lagrangian"
steps = 30

[optimizer.wd]
use = "weight-decay"
steps = 20

[optimizer.slabs]
use = "max-margin"

[denoiser.al]
use = "shallow-relu"
dataset = "box"
schedule = "levels"
optimizer = "al"
width = 12

[denoiser.wd]
use = "shallow-relu"
dataset = "box"
schedule = "noisy"
optimizer = "wd"
width = 12

[denoiser.slabs]
use = "shallow-relu"
dataset = "box"
schedule = "levels"
optimizer = "slabs"

[denoiser.theory]
use = "closed-form"
dataset = "box"
schedule = "levels"

[denoiser.both]
use = "spliced"
low = "al"
high = "wd"

[integrator.ddim]
use = "ddim"

[flow.pf]
use = "probability"
denoiser = "al"
integrator = "ddim"
samples = 20
"""
STORED = ("denoiser.al", "denoiser.slabs", "denoiser.theory", "denoiser.wd", "flow.pf")


def ran(
    folder: Path | None, listener: RecordingListener | None = None, *overrides: str, worth: float = 0.0
) -> Outcome:
    """The outcome of the experiment with everything worth keeping."""
    file = (folder or Path(".")).parent / "kept.toml"
    file.write_text(EXPERIMENT)
    graph = load_graph(file, overrides, Registry.installed())
    return run_graph(graph, "cpu", listener or RecordingListener(), store=folder and Store(folder, worth))


def reused(outcome: Outcome) -> tuple[str, ...]:
    return tuple(sorted(record.node.id for record in outcome.records if record.reused))


def figures(outcome: Outcome) -> dict[str, Any]:
    """All that may reach a file or another node, to the last digit."""
    found: dict[str, Any] = {}
    for record in outcome.records:
        result = record.result
        assert result is not None or not record.node.kind.built
        if result is not None:
            tables = {name: repr(table.columns) for name, table in result.tables.items()}
            found[record.node.id] = [record.status, repr(result.metrics), tables, result.shortfall]
    states = outcome.of("flow")[0].value.states
    return {**found, "states": states.numpy().tobytes()}


def of(folder: Path, node: str) -> Path:
    """The file of a node's result."""
    kind, name = node.split(".")
    store = Store(folder)
    made = {path: store.ingredients(path.stem) for path in store.result_files()}
    found = [path for path, of in made.items() if of and (of["kind"], of["name"]) == (kind, name)]
    assert len(found) == 1
    return found[0]
