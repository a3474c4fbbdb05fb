"""The tables of an experiment, each checked by itself: all that is known before references are followed."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from attrs import frozen

from flowlab.api import ExperimentError, Problem
from flowlab.graph.declaration import Declaration, read_declarations, read_settings
from flowlab.graph.equal_settings import equal_settings
from flowlab.graph.pinned_seeds import read_pinned_seed, read_pinned_seeds
from flowlab.graph.variants import expand_variants, structure_as_written, structure_variants
from flowlab.registry.registry import Registry
from flowlab.spec.document import Document
from flowlab.spec.experiment_settings import MAX_NODES, ExperimentSettings
from flowlab.spec.structure import structure_component
from flowlab.spec.sweep import Axis, read_sweeps


@frozen
class Tables:
    """Declarations, the axes that touch them, and what each is in each setting of its axes, by node `kind.name`.

    `settings` are those of [experiment], None where it has problems. `seeds` are the pinned ones in each setting,
    None for a node that is not pinned. `written` are the components of the tables as they stand, where a table
    lacks what a sweep gives with the sweep's first value, and `written_seeds` the seeds that tables pin. A
    declaration with problems has no components.
    """

    settings: ExperimentSettings | None
    declared: tuple[Declaration, ...]
    axes: tuple[Axis, ...]
    touching: Mapping[str, list[int]]
    varied: Mapping[str, Mapping[tuple[int, ...], Document]]
    components: Mapping[str, Mapping[tuple[int, ...], Any]]
    seeds: Mapping[str, Mapping[tuple[int, ...], int | None]]
    written: Mapping[str, Any]
    written_seeds: Mapping[str, int]
    problems: tuple[Problem, ...]


def read_tables(document: Document, registry: Registry) -> Tables:
    """Check each table of a document. Raises ExperimentError for too large a sweep, PluginError."""
    settings, setting_faults = read_settings(document)
    declared, faults = read_declarations(document, registry)
    axes, sweep_faults = read_sweeps(document, settings)
    problems = dict.fromkeys([*setting_faults, *faults, *sweep_faults])
    touching = {
        declaration.id: [i for i, axis in enumerate(axes) if declaration.id in axis.nodes]
        for declaration in declared
    }
    check_size(axes, touching, document)
    varied, components, seeds, written, written_seeds = {}, {}, {}, {}, {}
    for declaration in declared:
        varied[declaration.id] = dict(expand_variants(declaration, document, axes, touching[declaration.id]))
        components[declaration.id], faults = structure_variants(declaration, varied[declaration.id])
        problems |= dict.fromkeys(faults)
        seeds[declaration.id], faults = read_pinned_seeds(declaration, varied[declaration.id])
        problems |= dict.fromkeys(faults)
        base = structure_as_written(declaration, document, next(iter(varied[declaration.id].values())))
        written[declaration.id], faults = structure_component(declaration.component, base, declaration.path)
        problems |= dict.fromkeys(faults)
        written_seeds[declaration.id], faults = read_pinned_seed(declaration, document)
        problems |= dict.fromkeys(faults)
    problems |= dict.fromkeys(equal_settings(axes, touching, components, document))
    return Tables(
        settings,
        tuple(declared),
        axes,
        touching,
        varied,
        components,
        seeds,
        written,
        {node: seed for node, seed in written_seeds.items() if seed is not None},
        tuple(problems),
    )


def check_size(axes: tuple[Axis, ...], varying: Mapping[str, list[int]], document: Document) -> None:
    """Count nodes before building them. Raises ExperimentError for more than anybody means to compute."""
    total = sum(math.prod(len(axes[i].settings) for i in indices) for indices in varying.values())
    if total > MAX_NODES:
        name = axes[0].name if axes else ""
        where = document.where("sweep", name) if name else document.where("experiment")
        raise ExperimentError([Problem(where, f"the experiment makes {total} nodes; at most {MAX_NODES}")])
