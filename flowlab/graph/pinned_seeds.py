"""The seeds that nodes have of their own: the key `seed` of a computed node's table."""

from __future__ import annotations

from collections.abc import Mapping

from flowlab.api import Problem
from flowlab.graph.declaration import Declaration
from flowlab.spec.document import Document
from flowlab.spec.node_settings import NODE_SEED, NodeSettings, can_be_pinned
from flowlab.spec.structure import structure_table


def read_pinned_seed(declaration: Declaration, document: Document) -> tuple[int | None, list[Problem]]:
    """The seed that a node's table pins, None without one, and what is wrong with it."""
    table = document.data[declaration.kind.name][declaration.name]
    if NODE_SEED not in table or not can_be_pinned(declaration.kind, declaration.component):
        return None, []
    settings, problems = structure_table(
        NodeSettings, {NODE_SEED: table[NODE_SEED]}, document, declaration.path, repr(declaration.use)
    )
    return (settings.seed if settings else None), problems


def read_pinned_seeds(
    declaration: Declaration, variants: Mapping[tuple[int, ...], Document]
) -> tuple[dict[tuple[int, ...], int | None], list[Problem]]:
    """The pinned seed of a node in each of its variants, and what is wrong with them."""
    seeds: dict[tuple[int, ...], int | None] = {}
    problems: dict[Problem, None] = {}
    for chosen, varied in variants.items():
        seeds[chosen], faults = read_pinned_seed(declaration, varied)
        problems |= dict.fromkeys(faults)
    return seeds, list(problems)
