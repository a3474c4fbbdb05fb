"""An experiment in Python: all that a file says, with the components themselves."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import attrs
import tomli_w
from attrs import field, frozen

from flowlab.api.fields import path_fields
from flowlab.engine.cache.store import Store
from flowlab.engine.device import resolve_device
from flowlab.engine.progress.choose import open_listener
from flowlab.engine.run import run_graph
from flowlab.graph import from_python as built
from flowlab.graph.graph import Graph, build_graph
from flowlab.graph.tables import read_tables
from flowlab.registry.registry import Registry
from flowlab.results.results import Results
from flowlab.results.run_source import RunInProcess
from flowlab.runner.run_claim import claim_run_dir
from flowlab.runner.run_experiment import (
    FinishedRun,
    RunPlan,
    require_store,
    run_experiment,
    runs_folder,
)
from flowlab.spec.document import Document
from flowlab.spec.experiment_settings import ExperimentSettings
from flowlab.spec.extends import parse_experiment, read_experiment
from flowlab.spec.file_paths import locate_files, locate_swept


def _said(nodes: Mapping[str, Any]) -> dict[str, Any]:
    """What a file would say of nodes: a list is as good as a tuple there."""
    return {
        node: (type(component), built.to_table(component)) if attrs.has(type(component)) else component
        for node, component in nodes.items()
    }


def _unchecked(_: type, fields: list[attrs.Attribute[Any]]) -> list[attrs.Attribute[Any]]:
    """The fields without their rules: all mistakes are reported at once, when the graph is built."""
    return [field.evolve(validator=None) for field in fields]


@frozen(hash=False, field_transformer=_unchecked)
class Experiment(ExperimentSettings):
    """Nodes by `kind.name`, each a component that names others in its reference fields; sweeps as in a file.

    `node_seeds` pins what nodes draw, by `kind.name`: the key `seed` of their tables.
    The settings of `[experiment]` are fields by the same names. Relative paths start at the current folder.
    Nothing is checked before `graph`, `to_toml` or `run` asks: all mistakes are then reported at once, by an
    ExperimentError whose places are paths such as `dataset.triangle.samples`. Two experiments are equal if they
    say the same.
    """

    name: str = field()  # comes first, where the other settings need their names
    nodes: Mapping[str, Any] = field(converter=dict, eq=_said)
    sweeps: Mapping[str, Mapping[str, Any]] = field(factory=dict, converter=built.to_plain)
    node_seeds: Mapping[str, int] = field(factory=dict, converter=built.to_plain, kw_only=True)

    @classmethod
    def from_toml(cls, source: str | Path) -> Experiment:
        """Read a text, or the file at a Path. Raises ExperimentError, PluginError."""
        document = (
            read_experiment(source) if isinstance(source, Path) else parse_experiment("<text>", source.encode())
        )
        registry = Registry.installed()
        settings = attrs.asdict(build_graph(document, registry).settings)
        tables = read_tables(document, registry)
        paths = {node: path_fields(type(component)) for node, component in tables.written.items()}
        nodes = {node: locate_files(component, document.folder) for node, component in tables.written.items()}
        sweeps = {
            name: locate_swept(table, paths, document.folder)
            for name, table in document.data.get("sweep", {}).items()
        }
        return cls(**settings, nodes=nodes, sweeps=sweeps, node_seeds=tables.written_seeds)

    def to_toml(self) -> str:
        """The text of a file that says the same, defaults left out. Raises ExperimentError, PluginError."""
        registry = Registry.installed()
        document = self._document(registry)
        build_graph(document, registry)
        return tomli_w.dumps(document.data)

    @property
    def graph(self) -> Graph:
        """The checked graph of nodes. Raises ExperimentError with all mistakes, PluginError."""
        registry = Registry.installed()
        return build_graph(self._document(registry), registry)

    def run(
        self, out: str | Path | None = None, *, device: str = "auto", quiet: bool = False, store: bool = True
    ) -> Results:
        """Run every node; write the folder `out` as the command line does, with its store, or nothing at all.

        A node that fails has that status in the results. Raises ExperimentError, PluginError, OutputError.
        """
        graph = self.graph
        require_store(graph, store and out is not None, "run", "name a folder, and leave the store on")
        resolve_device(device)
        if out is None:
            with open_listener(quiet) as listener:
                return Results(RunInProcess(FinishedRun(graph, run_graph(graph, device, listener))))
        claim_run_dir(graph, Path(out))
        kept = Store.beside(runs_folder(Path(out))) if store else None
        return Results(RunInProcess(run_experiment(RunPlan(graph, Path(out), kept), device, quiet)))

    def _document(self, registry: Registry) -> Document:
        table = built.to_table(self, ExperimentSettings)
        return built.to_document(table, self.nodes, self.sweeps, registry, self.node_seeds)
