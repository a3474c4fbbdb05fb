"""A seed in a node's own table: which nodes a sweep over seeds repeats then, and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest
import tomli_w
from test_graph_load import BANK, CLOUD, HEAD, REGISTRY, loaded, mistakes

from flowlab import Experiment
from flowlab.api import ExperimentError
from flowlab.components.datasets.equilateral_triangle import EquilateralTriangle
from flowlab.components.optimizers.max_margin import MaxMargin
from flowlab.graph.graph import Graph
from flowlab.registry.entry_points import Entry
from flowlab.registry.registry import Registry

SURVEY = '[analysis.s]\nuse = "survey"\ndenoiser = ["b"]\n'
SUMMING = '[analysis.all]\nuse = "summing"\nanalysis = ["s"]\n'
PICTURE = '[figure.f]\nuse = "picture"\ndenoiser = ["b"]\n'
PINNED = CLOUD + "seed = 5\n"


def labels(graph: Graph) -> list[str]:
    return sorted(node.label for node in graph.nodes)


def test_what_a_pinned_seed_leaves_to_the_sweep_over_seeds(tmp_path: Path) -> None:
    rest = BANK + SURVEY + SUMMING + PICTURE
    head = HEAD + "seeds = 2\n"
    for pinned_bank, banks in (("", ["b[seed=0]", "b[seed=1]"]), ("seed = 1\n", ["b"])):
        graph = loaded(tmp_path, head + PINNED + BANK + pinned_bank + SURVEY + SUMMING + PICTURE)
        surveys = ["s[seed=0]", "s[seed=1]"]
        picture = "f" if pinned_bank else "f[seed=0]"  # it draws no numbers of its own
        assert labels(graph) == sorted(["c", "all", *banks, *surveys, picture])
        assert {node.seed for node in graph.nodes if node.name == "c"} == {5}
        assert [node.seed for node in graph.nodes if node.name == "s"] == [0, 1]
    # a pinned node is repeated with what it is made of, and draws the same each time
    graph = loaded(tmp_path, head + CLOUD + rest.replace(BANK, BANK + "seed = 7\n"))
    assert [(node.label, node.seed) for node in graph.nodes if node.name == "b"] == [
        ("b[seed=0]", 7),
        ("b[seed=1]", 7),
    ]
    assert [node.inputs["dataset"][0].seed for node in graph.nodes if node.name == "b"] == [0, 1]


def test_a_pinned_node_tells_the_seeds_that_it_gathers_apart(tmp_path: Path) -> None:
    graph = loaded(tmp_path, HEAD + "seeds = 2\n" + CLOUD + BANK + SURVEY + SUMMING + "seed = 3\n")
    (summing,) = (node for node in graph.nodes if node.name == "all")
    given = [str(end.given_to(summing, True)) for end in summing.inputs["analysis"]]
    assert (summing.label, summing.seed, given) == ("all", 3, ["s[seed=0]", "s[seed=1]"])


def test_a_pinned_seed_can_be_swept_and_is_in_the_resolved_experiment(tmp_path: Path) -> None:
    text = HEAD + PINNED + BANK + '[sweep.a]\n"dataset.c.seed" = [1, 2]\n'
    graph = loaded(tmp_path, text)
    clouds = [node for node in graph.nodes if node.name == "c"]
    assert [(node.label, node.pinned_seed) for node in clouds] == [
        ("c[dataset.c.seed=1]", 1),
        ("c[dataset.c.seed=2]", 2),
    ]
    assert graph.resolved["dataset"]["c"]["seed"] == 5
    again = loaded(tmp_path, tomli_w.dumps(graph.resolved))
    assert [(node.id, node.seed) for node in again.nodes] == [(node.id, node.seed) for node in graph.nodes]
    assert [node.pinned_seed for node in loaded(tmp_path, HEAD + CLOUD, "dataset.c.seed=3").nodes] == [3]


@pytest.mark.parametrize(
    ("text", "place", "words"),
    [
        (CLOUD + "seed = -1\n", "6:8", "seed must be >= 0, found -1"),
        (CLOUD + "seed = true\n", "6:8", "seed must be an integer, found true"),
        (CLOUD + "seed = 9223372036854775808\n", "6:8", "beyond 64 bits"),
        (CLOUD + '[sweep.a]\n"dataset.c.seed" = [1, "2"]\n', "7:20", "seed must be an integer"),
        (CLOUD + '[sweep.a]\n"dataset.c.seed" = [1, 1]\n', "7:20", "a value stands here twice"),
        ("seeds = 2\n" + PINNED, "3:1", "no node is repeated"),
        (PINNED + '[sweep.a]\n"experiment.seed" = [1, 2]\n', "8:1", "no node is repeated"),
    ],
)
def test_a_mistake_about_a_pinned_seed(tmp_path: Path, text: str, place: str, words: str) -> None:
    (found,) = mistakes(tmp_path, HEAD + text)
    assert found.startswith(f"{place}: ")
    assert words in found


def test_what_draws_nothing_itself_has_no_seed() -> None:
    with pytest.raises(ExperimentError, match="no optimizer draws by itself, so pin the nodes that use it"):
        Experiment.from_toml(HEAD + '[optimizer.o]\nuse = "max-margin"\nseed = 1\n')


def test_a_parameter_called_seed_is_the_component_s_own(tmp_path: Path) -> None:
    entry = Entry("dataset", "seeded", "graph_parts:Seeded", "parts", "1.0")
    registry = Registry((*REGISTRY.entries, entry))
    text = HEAD + '[dataset.c]\nuse = "seeded"\nseed = 2.5\n'
    (node,) = loaded(tmp_path, text, registry=registry).nodes
    assert (node.component.seed, node.pinned_seed) == (2.5, None)
    repeated = loaded(tmp_path, text.replace('"e"\n', '"e"\nseeds = 2\n'), registry=registry)
    assert labels(repeated) == ["c[seed=0]", "c[seed=1]"]


def test_pinned_seeds_in_python() -> None:
    nodes = {"dataset.t": EquilateralTriangle(samples=4), "optimizer.o": MaxMargin()}
    experiment = Experiment("e", nodes, node_seeds={"dataset.t": 3})
    assert [node.pinned_seed for node in experiment.graph.nodes if node.kind.built] == [3]
    assert Experiment.from_toml(experiment.to_toml()) == experiment != Experiment("e", nodes)
    with pytest.raises(ExperimentError) as caught:
        _ = Experiment("e", nodes, node_seeds={"dataset.u": 3, "optimizer.o": 1}).graph
    assert [str(problem) for problem in caught.value.problems] == [
        "node_seeds.optimizer.o: no optimizer draws by itself, so pin the nodes that use it",
        "node_seeds.dataset.u: there is no node 'dataset.u' (did you mean 'dataset.t'?)",
    ]


@pytest.mark.parametrize(
    ("key", "values", "words"),
    [
        ("scale", "[1, 2.0, 1.0]", "1 and 1.0 are one value"),
        ("levels", "[[1], [1.0]]", "[1] and [1.0] are one value"),
    ],
)
def test_values_that_differ_in_writing_alone_are_one_setting(
    tmp_path: Path, key: str, values: str, words: str
) -> None:
    (found,) = mistakes(tmp_path, f'{HEAD}{CLOUD}[sweep.a]\n"dataset.c.{key}" = {values}\n')
    assert found.startswith("7:")
    assert words in found


def test_rows_of_a_zip_are_one_setting_if_all_their_values_are(tmp_path: Path) -> None:
    text = HEAD + CLOUD + '[sweep.a]\nuse = "zip"\n"dataset.c.points" = [1, 2]\n"dataset.c.scale" = [1, 1.0]\n'
    assert len(loaded(tmp_path, text).nodes) == 2
    (found,) = mistakes(tmp_path, text.replace("[1, 2]", "[2, 2]"))
    assert found.startswith("9:")
    assert "1 and 1.0 are one value" in found


def test_a_reference_in_a_list_of_one_is_the_reference(tmp_path: Path) -> None:
    text = HEAD + CLOUD + BANK + SURVEY + '[sweep.a]\n"analysis.s.denoiser" = ["b", ["b"]]\n'
    (found,) = mistakes(tmp_path, text)
    assert "'b' and ['b'] are one value" in found
