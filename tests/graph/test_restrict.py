"""A part of an experiment is an experiment: its tables, read again, make the same nodes."""

from __future__ import annotations

from pathlib import Path

import pytest
import tomli_w
from built_in import BUILT_IN

from flowlab.api import ExperimentError
from flowlab.graph.graph import Graph, build_graph, load_graph
from flowlab.graph.restrict import restrict_graph
from flowlab.spec.document import parse_document

ROOT = Path(__file__).parents[2]
TEXT = b"""
[experiment]
name = "part"
seeds = 2

[dataset.a]
use = "orthogonal"
dimension = 4
points = 3

[dataset.b]
use = "orthogonal"
dimension = 4
points = 3

[dataset.c]
use = "orthogonal"
dimension = 4
points = 3

[schedule.low]
use = "variance-exploding"
final_time = 0.01

[denoiser.a]
use = "closed-form"
dataset = "a"
schedule = "low"

[denoiser.b]
use = "closed-form"
dataset = "b"
schedule = "low"

[denoiser.c]
use = "closed-form"
dataset = "c"
schedule = "low"

[executor.here]
use = "local"

[sweep.both]
use = "zip"
"dataset.a.points" = [2, 3]
"dataset.b.samples" = [20, 30]

[sweep.other]
"dataset.c.points" = [2, 4]
"""


def graph_of(text: bytes) -> Graph:
    return build_graph(parse_document("part.toml", text), BUILT_IN)


def ids(graph: Graph) -> list[str]:
    return sorted(node.id for node in graph.nodes)


def test_a_node_what_it_needs_and_what_its_sweep_varies() -> None:
    part = restrict_graph(graph_of(TEXT), ["denoiser.a"])
    assert {node.declared for node in part.nodes} == {
        "dataset.a",
        "dataset.b",  # varied together with dataset.a
        "schedule.low",
        "denoiser.a",
        "executor.here",
    }
    assert set(part.resolved["sweep"]) == {"both"}
    assert ids(graph_of(tomli_w.dumps(part.resolved).encode())) == ids(part)


def test_what_no_seed_repeats_has_no_sweep_over_seeds() -> None:
    part = restrict_graph(graph_of(TEXT), ["schedule.low"])
    assert part.resolved["experiment"]["seeds"] == 1
    swept = TEXT.replace(b"seeds = 2", b"") + b'[sweep.seed]\n"experiment.seed" = [4, 5]\n'
    assert "sweep" not in restrict_graph(graph_of(swept), ["schedule.low"]).resolved
    assert set(restrict_graph(graph_of(swept), ["denoiser.c"]).resolved["sweep"]) == {"other", "seed"}


def test_several_nodes_and_none() -> None:
    whole = graph_of(TEXT)
    assert restrict_graph(whole, []) is whole
    part = restrict_graph(whole, ["denoiser.c", "dataset.a"])
    assert {node.declared for node in part.nodes} == {node.declared for node in whole.nodes} - {
        "denoiser.a",
        "denoiser.b",
    }
    assert set(part.resolved["sweep"]) == {"both", "other"}


def test_all_mistyped_names_are_told() -> None:
    with pytest.raises(ExperimentError) as caught:
        restrict_graph(graph_of(TEXT), ["denoiser.aa", "denoiser.a", "flow.x"])
    assert len(caught.value.problems) == 2
    assert caught.value.problems[0].suggestion == "denoiser.a"


@pytest.mark.parametrize("name", ["smoke", "simplex", "repetition", "number-of-points", "early-stopping"])
def test_each_part_of_an_experiment_is_one(name: str) -> None:
    graph = load_graph(ROOT / f"experiments/{name}.toml", (), BUILT_IN)
    for declared in dict.fromkeys(node.declared for node in graph.nodes):
        part = restrict_graph(graph, [declared])
        assert ids(graph_of(tomli_w.dumps(part.resolved).encode())) == ids(part)
        kept = {node.id for node in part.nodes}
        assert kept <= set(ids(graph))
        assert all(source.id in kept for node in part.nodes for group in node.inputs.values() for source in group)
