"""From a file to a graph: every mistake at its place, every sweep as declared."""

from __future__ import annotations

from pathlib import Path

import pytest
import tomli
import tomli_w

from flowlab.api import ExperimentError, PluginError
from flowlab.graph.graph import Graph, load_graph
from flowlab.graph.mermaid import to_mermaid
from flowlab.registry.entry_points import Entry
from flowlab.registry.registry import Registry

PARTS = {("dataset", "cloud"): "Cloud", ("denoiser", "bank"): "Bank", ("denoiser", "loop"): "Loop"}
PARTS |= {("analysis", "judge"): "Judge", ("analysis", "survey"): "Survey"}
PARTS |= {("analysis", "summing"): "Summing", ("figure", "picture"): "Picture"}
REGISTRY = Registry(tuple(Entry(k, n, f"graph_parts:{c}", "parts", "1.0") for (k, n), c in PARTS.items()))
HEAD = '[experiment]\nname = "e"\n'
CLOUD = '[dataset.c]\nuse = "cloud"\npoints = 3\n'
BANK = '[denoiser.b]\nuse = "bank"\ndataset = "c"\n'


def loaded(folder: Path, text: str, *settings: str, registry: Registry = REGISTRY) -> Graph:
    file = folder / "e.toml"
    file.write_text(text)
    return load_graph(file, settings, registry)


def mistakes(folder: Path, text: str, *settings: str, registry: Registry = REGISTRY) -> list[str]:
    with pytest.raises(ExperimentError) as caught:
        loaded(folder, text, *settings, registry=registry)
    return [str(problem).replace(f"{folder / 'e.toml'}:", "") for problem in caught.value.problems]


def test_five_mistakes_in_one_file(tmp_path: Path) -> None:
    text = """[experiment]
name = "e"
seed = -1
[dataset.c]
use = "cloud"
points = "3"
  scael = 2.0
[denoiser.b]
use = "bank"
dataset = "d"
[analysis.j]
use = "jugde"
"""
    found = mistakes(tmp_path, text)
    assert [one.split(": ")[0] for one in found] == ["3:8", "6:10", "7:3", "10:11", "12:7"]
    assert "did you mean 'scale'" in found[2]
    assert "did you mean 'judge'" in found[4]


@pytest.mark.parametrize(
    ("text", "place", "words"),
    [
        (CLOUD, "1:1", "[experiment]"),
        ("[experiment]\nseed = 1\n", "1:1", "[experiment] needs 'name'"),
        ('[experiment]\nname = "../x"\n', "2:8", "name must be"),
        (HEAD + "seeed = 1\n", "3:1", "did you mean 'seed'"),
        (HEAD + "seed = 1.0\n", "3:8", "seed must be"),
        (HEAD + "seed = true\n", "3:8", "seed must be"),
        (HEAD + 'dtype = "float16"\n', "3:9", "dtype must be"),
        (HEAD + '[datasett.c]\nuse = "cloud"\n', "3:1", "did you mean 'dataset'"),
        (HEAD + "[dataset.c]\npoints = 3\n", "3:1", "needs use"),
        (HEAD + '[dataset."a b"]\nuse = "cloud"\npoints = 3\n', "3:1", "node's name"),
        (HEAD + '[dataset.c]\nuse = "cloud"\n', "3:1", "needs 'points'"),
        (HEAD + CLOUD + '[denoiser.a]\nuse="loop"\ndenoiser="a"\n', "6:1", "circle"),
        (HEAD + CLOUD + BANK + '[analysis.j]\nuse="judge"\ndenoiser = ["b",\n  "bb"]\n', "12:3", "'bb' names no"),
        (HEAD + CLOUD + '[denoiser.b]\nuse = "bank"\ndataset = "b"\n', "8:11", "names no [dataset.b]"),
        (HEAD + CLOUD + '[sweep.s]\n"dataset.c.use" = ["cloud"]\n', "7:1", "component in use"),
        (HEAD + CLOUD + '[sweep.s]\n"dataset.c.points" = [2, 2]\n', "7:22", "twice"),
        (HEAD + CLOUD + '[sweep.s]\n"dataset.c.points" = []\n', "7:22", "list of values"),
        (HEAD + CLOUD + '[sweep.s]\n"dataset.d.points" = [1]\n', "7:1", "names no parameter"),
        (HEAD + CLOUD + '[sweep.s]\n"dataset.c.pionts" = [1]\n', "7:22", "did you mean 'points'"),
        (HEAD + CLOUD + '[sweep.s]\nuse = "zap"\n"dataset.c.points" = [1]\n', "7:7", "'grid' or 'zip'"),
        (
            HEAD + CLOUD + '[sweep.s]\nuse="zip"\n"dataset.c.points"=[1,2]\n"dataset.c.scale"=[1]\n',
            "6:1",
            "length",
        ),
        (HEAD + CLOUD.replace("3", "7") + BANK, "8:1", "seven points"),
    ],
)
def test_one_mistake(tmp_path: Path, text: str, place: str, words: str) -> None:
    (found,) = mistakes(tmp_path, text)
    assert found.startswith(f"{place}: ")
    assert words in found


@pytest.mark.parametrize(
    "value",
    ['points = "3"', "points = 2.7", "points = true", "points = 0", "points = 10", "points = 3\nscale = nan"]
    + [f"points = 3\n{line}" for line in ("scale = true", "scale = inf", 'levels = "abc"', "levels = [0.0]")]
    + [f"points = 3\n{line}" for line in ("limit = 1.0", 'shape = "bal"', "frames = 1", 'weight = ["a"]')]
    + [f"points = 3\nscale = 1{'0' * 400}"],
)
def test_strict_types(tmp_path: Path, value: str) -> None:
    (found,) = mistakes(tmp_path, f'{HEAD}[dataset.c]\nuse = "cloud"\n{value}\n')
    line, column, *_ = found.split(":")
    last = value.splitlines()[-1]
    assert (int(line), int(column)) == (5 + value.count("\n"), last.index("=") + 3)


def test_all_problems_of_a_table_and_all_circles(tmp_path: Path) -> None:
    text = HEAD + CLOUD + '[denoiser.b]\nuse = "bank"\ndataset = "d"\nwidht = 3\n'
    assert [one.split(": ")[0] for one in mistakes(tmp_path, text)] == ["8:11", "9:1"]
    pairs = (("p", "q"), ("q", "p"), ("r", "s"), ("s", "r"))
    loops = "".join(f'[denoiser.{a}]\nuse = "loop"\ndenoiser = "{b}"\n' for a, b in pairs)
    assert len(mistakes(tmp_path, HEAD + loops)) == 2


def test_a_check_that_breaks_is_the_plugins_fault(tmp_path: Path) -> None:
    with pytest.raises(PluginError, match=r"bank.*ZeroDivisionError"):
        loaded(tmp_path, HEAD + CLOUD.replace("3", "8") + BANK)


def test_two_distributions_claim_a_name(tmp_path: Path) -> None:
    both = Registry((*REGISTRY.entries, Entry("dataset", "cloud", "graph_parts:Cloud", "other", "2.0")))
    (found,) = mistakes(tmp_path, HEAD + CLOUD, registry=both)
    assert "parts:cloud" in found
    assert "other:cloud" in found
    graph = loaded(tmp_path, HEAD + CLOUD.replace('"cloud"', '"other:cloud"'), registry=both)
    assert graph.nodes[0].entry.distribution == "other"


def test_sweeps_multiply_and_touch_only_descendants(tmp_path: Path) -> None:
    text = HEAD + CLOUD + BANK + CLOUD.replace(".c", ".other")
    text += '[sweep.a]\n"dataset.c.points" = [1, 2]\n"dataset.c.scale" = [1, 2, 3]\n'
    text += '[sweep.b]\nuse = "zip"\n"dataset.c.shape" = ["ball", "box"]\n"dataset.c.limit" = [4, 5]\n'
    graph = loaded(tmp_path, text)
    assert [sum(n.name == name for n in graph.nodes) for name in ("c", "b", "other")] == [12, 12, 1]
    assert len({node.id for node in graph.nodes}) == len(graph.nodes)
    for node in graph.nodes:
        for ends in node.inputs.values():
            assert all(graph.nodes.index(end) < graph.nodes.index(node) for end in ends)
            assert all(end.variant == node.variant for end in ends)
    assert any(node.id == "denoiser.b[points=1,scale=1,shape=ball,limit=4]" for node in graph.nodes)


def test_a_gathering_reference_takes_every_setting_at_once(tmp_path: Path) -> None:
    text = HEAD + CLOUD + BANK + '[analysis.s]\nuse = "survey"\ndenoiser = ["b"]\n'
    sweep = '[sweep.a]\n"dataset.c.points" = [1, 2, 3]\n'
    (survey,) = (node for node in loaded(tmp_path, text + sweep).nodes if node.name == "s")
    assert survey.label == "s"
    assert [bank.label for bank in survey.inputs["denoiser"]] == [f"b[points={n}]" for n in (1, 2, 3)]
    # a sweep of its own repeats it, and one that touches both goes along
    own = loaded(tmp_path, text + sweep + '[sweep.b]\n"analysis.s.effort" = [1, 2]\n')
    assert [len(node.inputs["denoiser"]) for node in own.nodes if node.name == "s"] == [3, 3]
    both = '[sweep.a]\nuse = "zip"\n"dataset.c.points" = [1, 2]\n"analysis.s.effort" = [1, 2]\n'
    nodes = [node for node in loaded(tmp_path, text + both).nodes if node.name == "s"]
    assert [[bank.variant["dataset.c.points"] for bank in node.inputs["denoiser"]] for node in nodes] == [[1], [2]]


def test_swept_references(tmp_path: Path) -> None:
    text = HEAD + CLOUD + CLOUD.replace(".c", ".d") + BANK + '[sweep.a]\n"denoiser.b.dataset" = ["c", "d"]\n'
    banks = [node for node in loaded(tmp_path, text).nodes if node.name == "b"]
    assert [bank.inputs["dataset"][0].name for bank in banks] == ["c", "d"]


def test_two_sweeps_of_one_path(tmp_path: Path) -> None:
    text = HEAD + CLOUD + '[sweep.a]\n"dataset.c.points" = [1]\n[sweep.b]\n"dataset.c.points" = [2]\n'
    (found,) = mistakes(tmp_path, text)
    assert found.startswith("9:1: ")


def test_overrides_and_what_is_resolved(tmp_path: Path) -> None:
    graph = loaded(tmp_path, HEAD + CLOUD + BANK, "dataset.c.points=5", "experiment.seed=4", "dataset.c.shape=box")
    assert graph.seed == 4
    assert graph.dtype == "float64"
    assert graph.resolved["dataset"]["c"] == {
        "use": "cloud", "points": 5, "scale": 1.0, "shape": "box", "frames": False, "levels": [1.0], "weight": 1.0,
    }  # fmt: skip
    written = tomli_w.dumps(graph.resolved)
    again = loaded(tmp_path, written)
    assert again.resolved == graph.resolved == tomli.loads(written)
    picture = to_mermaid(graph)
    assert "n0 -->|dataset| n1" in picture


def test_bad_overrides(tmp_path: Path) -> None:
    found = mistakes(tmp_path, HEAD + CLOUD, "dataset.cc.points=1", "nonsense", "datset.c.points=2")
    assert found[0] == "--set dataset.cc.points: there is no [dataset.cc] (did you mean 'c'?)"
    assert "expected kind.name.key=value" in found[1]
    assert "did you mean 'dataset'" in found[2]
    assert mistakes(tmp_path, HEAD + CLOUD, "dataset.c.points=x")[0].startswith("--set dataset.c.points: ")


def test_a_value_that_a_sweep_replaces_is_checked_too(tmp_path: Path) -> None:
    text = HEAD + CLOUD.replace("3", '"3"') + '[sweep.a]\n"dataset.c.points" = [1, 2]\n'
    assert mistakes(tmp_path, text) == ["5:10: points must be an integer, found the string '3'"]


def test_a_sweep_gives_what_a_table_lacks(tmp_path: Path) -> None:
    text = HEAD + '[dataset.c]\nuse = "cloud"\nscale = 2.0\n[sweep.a]\n"dataset.c.points" = [4, 5]\n'
    graph = loaded(tmp_path, text + '"dataset.c.scale" = [3.0]\n')
    assert [(node.component.points, node.component.scale) for node in graph.nodes] == [(4, 3.0), (5, 3.0)]
    assert (graph.resolved["dataset"]["c"]["points"], graph.resolved["dataset"]["c"]["scale"]) == (4, 2.0)
    assert mistakes(tmp_path, text.replace("[4, 5]", "[4, 50]"))[0].startswith("7:22: points must be")


SEEDED = (
    HEAD
    + "seeds = 3\n"
    + CLOUD
    + BANK
    + '[analysis.s]\nuse = "survey"\ndenoiser = ["b"]\n[analysis.all]\nuse = "summing"\nanalysis = ["s"]\n'
    + '[figure.f]\nuse = "picture"\ndenoiser = ["b"]\n[sweep.a]\n"dataset.c.points" = [1, 2]\n'
)


def test_all_is_computed_at_each_seed(tmp_path: Path) -> None:
    nodes = loaded(tmp_path, SEEDED, "experiment.seed=7").nodes
    labels = [node.label for node in nodes]
    assert [label for label in labels if label[0] == "b"] == [
        f"b[points={n},seed={seed}]" for n in (1, 2) for seed in (7, 8, 9)
    ]
    assert all(end.seed == node.seed for node in nodes if node.name == "b" for end in node.inputs["dataset"])
    # who gathers a sweep is repeated with the seeds; who asks for all seeds is not; a picture shows the first
    assert [label for label in labels if label[0] == "s"] == ["s[seed=7]", "s[seed=8]", "s[seed=9]"]
    surveys = [node for node in nodes if node.name == "s"]
    assert [[str(end.given_to(node, True)) for end in node.inputs["denoiser"]] for node in surveys] == [
        ["b[points=1]", "b[points=2]"]
    ] * 3
    (summing,) = (node for node in nodes if node.name == "all")
    assert (summing.seed, [str(end.given_to(summing, True)) for end in summing.inputs["analysis"]]) == (
        None,
        ["s[seed=7]", "s[seed=8]", "s[seed=9]"],
    )
    assert [label for label in labels if label[0] == "f"] == ["f[seed=7]"]


def test_seeds_in_a_table_of_their_own(tmp_path: Path) -> None:
    swept = SEEDED.replace("seeds = 3\n", "") + '[sweep.seed]\n"experiment.seed" = [7, 8, 9]\n'
    one, other = loaded(tmp_path, SEEDED, "experiment.seed=7"), loaded(tmp_path, swept)
    assert [node.id for node in one.nodes] == [node.id for node in other.nodes]
    for graph in (one, other):
        again = loaded(tmp_path, tomli_w.dumps(graph.resolved))
        assert [node.id for node in again.nodes] == [node.id for node in graph.nodes]
    assert [node.label for node in loaded(tmp_path, SEEDED, "experiment.seeds=1").nodes if node.name == "s"] == [
        "s"
    ]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (HEAD + "seeds = 0\n" + CLOUD, "seeds must be >= 1 and <= 100000, found 0"),
        (HEAD + "seeds = true\n" + CLOUD, "seeds must be an integer, found true"),
        (HEAD + "seed = 9223372036854775807\nseeds = 2\n" + CLOUD, "the largest there is"),
        (HEAD + CLOUD + '[sweep.a]\n"experiment.seed" = [0, 0]\n', "a seed stands here twice"),
        (HEAD + CLOUD + '[sweep.a]\n"experiment.seed" = [-1]\n', "expected a list of seeds"),
        (HEAD + CLOUD + '[sweep.a]\n"experiment.seed" = []\n', "expected a list of seeds"),
        (HEAD + CLOUD + '[sweep.a]\n"experiment.dtype" = ["float32"]\n', "names no parameter"),
        (HEAD + CLOUD + '[sweep.a]\n"experiment.seed" = [0, 1]\n"dataset.c.points" = [1, 2]\n', "stands alone"),
        (HEAD + "seeds = 2\n" + CLOUD + '[sweep.a]\n"experiment.seed" = [0]\n', "goes over seeds already"),
    ],
)
def test_a_mistake_about_seeds(tmp_path: Path, text: str, words: str) -> None:
    (found,) = mistakes(tmp_path, text)
    assert words in found
