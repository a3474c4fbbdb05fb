"""The graph's picture."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flowlab.api import KINDS
from flowlab.graph.graph import Graph, load_graph
from flowlab.graph.node import Node
from flowlab.html.dag_layout import Drawing, columns
from flowlab.registry.entry_points import Entry
from flowlab.registry.registry import Registry
from flowlab.spec.experiment_settings import ExperimentSettings

EXPERIMENTS = sorted((Path(__file__).parents[2] / "experiments").glob("*.toml"))
ENTRY = Entry("dataset", "made-up", "made:Up", "made", "1.0")


def graph_of(inputs: list[set[int]]) -> Graph:
    """A graph whose i-th node refers to those before it that are named, a name a node."""
    nodes: list[Node] = []
    for index, ends in enumerate(inputs):
        given = {"dataset": tuple(nodes[end] for end in sorted(ends))}
        nodes.append(Node(KINDS["dataset"], f"n{index}", "made-up", ENTRY, None, {}, given))
    return Graph(Path("x"), ExperimentSettings(name="x"), tuple(nodes), {})


@st.composite
def graphs(draw: st.DrawFn) -> Graph:
    count = draw(st.integers(0, 9))
    return graph_of(
        [draw(st.sets(st.integers(0, index - 1), max_size=3)) if index else set() for index in range(count)]
    )


def check(drawing: Drawing, graph: Graph) -> None:
    boxes = {box.id: box for box in drawing.boxes}
    assert set(boxes) == {f"{node.kind.name}.{node.name}" for node in graph.nodes}
    for box in boxes.values():
        assert box.x >= 0
        assert box.y >= 0
        assert box.x + box.width <= drawing.width
        assert box.y + box.height <= drawing.height
        for other in boxes.values():
            apart = (
                box.x + box.width <= other.x
                or other.x + other.width <= box.x
                or box.y + box.height <= other.y
                or other.y + other.height <= box.y
            )
            assert apart or box is other
    links = {
        (f"{end.kind.name}.{end.name}", f"{node.kind.name}.{node.name}")
        for node in graph.nodes
        for ends in node.inputs.values()
        for end in ends
    }
    assert len(drawing.arrows) == len(links)
    assert all(boxes[end].x + boxes[end].width < boxes[name].x for end, name in links)
    numbers = [[float(text) for text in re.findall(r"-?[\d.]+", path)] for path in drawing.arrows]
    # paths hold one decimal
    starts = {(round(box.x + box.width, 1), round(box.y + box.height / 2, 1)): name for name, box in boxes.items()}
    ends = {(round(box.x, 1), round(box.y + box.height / 2, 1)): name for name, box in boxes.items()}
    assert {(starts[one[0], one[1]], ends[one[-2], one[-1]]) for one in numbers} == links


@settings(deadline=None)
@given(graphs())
def test_boxes_are_apart_and_arrows_lead_rightward(graph: Graph) -> None:
    check(columns(graph), graph)


@pytest.mark.parametrize("path", EXPERIMENTS, ids=lambda path: path.stem)
def test_shipped_experiments(path: Path) -> None:
    graph = load_graph(path, (), Registry.installed())
    check(columns(graph), graph)


def test_a_long_arrow_passes_the_box_between() -> None:
    drawing = columns(graph_of([set(), {0}, {0, 1}]))
    between = drawing.boxes[1]
    long = max(drawing.arrows, key=len)
    _, height, *_ = (float(text) for text in re.findall(r"-?[\d.]+", long.split("H")[2].partition("C")[2]))
    assert not between.y <= height <= between.y + between.height


def test_a_column_has_no_crossing_that_an_order_avoids() -> None:
    drawing = columns(graph_of([set(), set(), {1}, {0}]))
    a, b, of_b, of_a = drawing.boxes
    assert (a.y < b.y) == (of_a.y < of_b.y)
