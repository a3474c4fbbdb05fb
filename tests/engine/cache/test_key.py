"""What a node's key depends on, and what it doesn't."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from pathlib import Path
from typing import Any

import pytest
import torch
from attrs import define, evolve, field, frozen
from engine_nodes import Bank, Judge, node
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from flowlab.api import parameter, reference
from flowlab.engine.cache.content_digests import ContentDigests, SourceDigest
from flowlab.engine.cache.key import CacheKeys
from flowlab.graph.graph import build_graph
from flowlab.graph.node import Node
from flowlab.registry.entry_points import Entry
from flowlab.registry.registry import Registry
from flowlab.spec.document import parse_document


@frozen
class Points:
    """A made-up dataset."""

    count: Any = parameter(3, help="how many")
    scale: float = parameter(0.1, help="how wide")
    path: str | None = parameter(None, help="a file")
    note: str = parameter("", help="a text")
    derived: object = field(factory=object, init=False)

    def reads(self) -> tuple[str, ...]:
        return (self.path,) if self.path else ()


@frozen
class Steps:
    """A made-up tool."""

    size: float = parameter(0.1, help="how long")


@frozen
class Trained:
    """A made-up denoiser with a tool."""

    dataset: str = reference("dataset", help="points")
    optimizer: str = reference("optimizer", help="a tool")


@define
class Sources(ContentDigests):
    """Digests of sources that are made up: a module a component."""

    modules: Mapping[str, str] = field(factory=dict)

    def sources(self, entry: Entry) -> SourceDigest:
        return SourceDigest.of({"flowlab/api.py": "1", entry.target: self.modules.get(entry.target, "1")})


def bank(points: Points | None = None, dataset: str = "points", **fields: Any) -> Node:
    source = node("dataset", dataset, points or Points())
    return node("denoiser", "bank", Bank(dataset, **fields), {"dataset": (source,)})


def trained(size: float = 0.1, tool: str = "steps", target: str = "made:Up") -> Node:
    optimizer = node("optimizer", tool, Steps(size))
    optimizer = evolve(optimizer, entry=evolve(optimizer.entry, target=target))
    ends = {"dataset": (node("dataset", "points", Points()),), "optimizer": (optimizer,)}
    return node("denoiser", "bank", Trained("points", tool), ends)


def key(
    of: Node,
    seed: int = 0,
    dtype: str = "float64",
    device: str = "cpu",
    threads: int = 1,
    modules: Mapping[str, str] | None = None,
) -> str:
    return CacheKeys(seed, dtype, device, threads, Sources(modules or {})).of(of)


def test_equal_nodes_have_equal_keys() -> None:
    assert key(bank()) == key(bank())
    assert len(key(bank())) == 64


@pytest.mark.parametrize(
    "other",
    [
        bank(width=6),
        bank(Points(count=4)),
        bank(Points(scale=0.1 + 1e-16)),
        bank(dataset="others"),
        evolve(bank(), name="another"),
        evolve(bank(), entry=evolve(bank().entry, version="1.1")),
        evolve(bank(), entry=evolve(bank().entry, distribution="forged")),
        evolve(bank(), entry=evolve(bank().entry, name="made-anew")),
        evolve(bank(), inputs={"dataset": (evolve(bank().inputs["dataset"][0], name="x"),)}),
    ],
)
def test_what_a_node_and_its_ancestors_are_counts(other: Node) -> None:
    assert key(other) != key(bank())


def test_a_tool_counts_where_it_is_used() -> None:
    assert key(trained()) == key(trained())
    others = [key(trained(0.2)), key(trained(target="made:Other"))]
    assert len({key(trained()), *others}) == 3
    assert key(trained(tool="strides")) == key(trained())  # what it is called does not count
    steps = trained().inputs["optimizer"][0]
    # by itself it is the same whatever its name, the seed and the machine are
    assert len({key(steps), key(steps, seed=1), key(steps, threads=2), key(evolve(steps, name="other"))}) == 1


def test_what_the_run_sets_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    plain = key(bank())
    others = [
        key(bank(), seed=1),
        key(bank(), dtype="float32"),
        key(bank(), device="cuda"),
        key(bank(), threads=2),
    ]
    monkeypatch.setattr(torch, "__version__", "0.1")
    others.append(key(bank()))
    monkeypatch.setattr("flowlab.engine.cache.key.NUMERICS", {"tf32": True})
    others.append(key(bank()))
    assert len({plain, *others}) == 7


def test_the_patch_and_the_build_of_torch_do_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    keys = set()
    for version in ("2.13.0+cpu", "2.13.1+cu126", "2.13.0"):
        monkeypatch.setattr(torch, "__version__", version)
        keys.add(key(bank()))
    assert len(keys) == 1


def test_a_swept_value_counts_by_what_it_sets() -> None:
    assert key(evolve(bank(), variant={"dataset.points.count": 3})) == key(bank())


def test_which_of_several_inputs_is_which_counts() -> None:
    one, two = bank(width=1), bank(width=2)
    sweeps = ({"denoiser.bank.width": 1}, {"denoiser.bank.width": 2})
    pairs = [
        tuple(evolve(end, variant=variant) for end, variant in zip(ends, sweeps, strict=True))
        for ends in ((one, two), (two, one))
    ]
    assert len({key(node("analysis", "a", Judge(("bank",)), {"denoiser": pair})) for pair in pairs}) == 2


def test_a_file_counts_by_its_content_and_not_by_its_place(tmp_path: Path) -> None:
    def read(name: str, content: str | None, **fields: Any) -> str:
        file = tmp_path / name
        file.parent.mkdir(exist_ok=True)
        file.unlink(missing_ok=True) if content is None else file.write_text(content)
        return key(bank(Points(path=str(file), **fields)))

    here = read("points.csv", "1,2")
    assert here == read("other.csv", "1,2") == read("below/points.csv", "1,2")
    others = [read("points.csv", "1,3"), read("points.csv", None), read("points.txt", "1,2"), key(bank())]
    assert len({here, *others}) == 5
    # which of two equal texts is the path can't be told: both count as they are
    twins = [read(name, "1,2", note=str(tmp_path / name)) for name in ("points.csv", "other.csv")]
    assert twins[0] != twins[1]
    # a text that happens to be the path is what it is
    texts = [read("points.csv", "1,2", note=note) for note in ("", "x", str(tmp_path / "points.csv"))]
    assert len({*texts}) == 3


def test_the_sources_of_the_component_and_of_its_inputs_count() -> None:
    plain = key(trained(target="made:Tool"))
    others = [
        key(trained(target="made:Tool"), modules={"made:Tool": "2"}),
        key(trained(target="made:Tool"), modules={"made:Up": "2"}),
    ]
    assert len({plain, *others}) == 3
    assert key(trained(target="made:Tool"), modules={"made:Elsewhere": "2"}) == plain


def test_sources_are_read_once_a_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "made.py").write_text("x = 1")  # where `node` says that its components are
    keys = CacheKeys(0, "float64", "cpu", 1)
    first = keys.of(bank())
    (tmp_path / "made.py").write_text("x = 2")  # an edit changes nothing of what runs already
    assert keys.of(bank()) == first != CacheKeys(0, "float64", "cpu", 1).of(bank())


def test_a_node_of_a_sweep_over_seeds_has_the_key_of_its_own_seed() -> None:
    def seeded(one: Node, seed: int) -> Node:
        ends = {name: tuple(seeded(end, seed) for end in group) for name, group in one.inputs.items()}
        return evolve(one, variant={"experiment.seed": seed}, inputs=ends)

    assert key(seeded(bank(), 3)) == key(bank(), seed=3) != key(bank())
    gathered = [
        key(node("analysis", "a", Judge(("bank",)), {"denoiser": tuple(seeded(bank(), seed) for seed in seeds)}))
        for seeds in ((0, 1), (0, 2))
    ]
    assert gathered[0] != gathered[1]


class Shade(Enum):
    """A made-up choice."""

    DARK = 1
    LIGHT = 2


PLAIN = [3, 3.0, True, None, "3", (3,), ((3,),), (3, 3), {"3": 3}, {"3": (3,)}, frozenset({3, 4}), Path("3")]


def test_parameters_of_any_plain_form_are_told_apart() -> None:
    values = [*PLAIN, Shade.DARK, Shade.LIGHT, Steps(), Steps(0.2)]
    assert len({key(bank(Points(count=value))) for value in values}) == len(values)
    assert key(bank(Points(count=frozenset({3, 4})))) == key(bank(Points(count=frozenset({4, 3}))))


@pytest.mark.parametrize("value", [object(), torch.ones(2), {1: 2}, float("nan"), b"3"])
def test_a_parameter_that_is_no_plain_data_has_no_key(value: Any) -> None:
    with pytest.raises((TypeError, ValueError)):
        key(bank(Points(count=value)))


CHOICES = {
    "seed": st.integers(0, 1),
    "dtype": st.sampled_from(["float64", "float32"]),
    "threads": st.integers(1, 2),
    "source": st.sampled_from(["1", "2"]),
    "width": st.sampled_from([5, 6]),
    "count": st.sampled_from([3, 4]),
    "size": st.sampled_from([0.1, 0.2]),
    "content": st.sampled_from(["1,2", "1,3"]),
}
IRRELEVANT = {"place": st.sampled_from(["a.csv", "b.csv"]), "unrelated": st.sampled_from(["1", "2"])}


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(*[st.fixed_dictionaries(CHOICES | IRRELEVANT)] * 2)
def test_keys_are_equal_just_if_all_that_counts_is(
    tmp_path: Path, one: dict[str, Any], other: dict[str, Any]
) -> None:
    def made(chosen: dict[str, Any]) -> str:
        file = tmp_path / chosen["place"]
        file.write_text(chosen["content"])
        points = node("dataset", "points", Points(chosen["count"], path=str(file)))
        bank = node("denoiser", "bank", Bank("points", chosen["width"]), {"dataset": (points,)})
        steps = node("optimizer", "steps", Steps(chosen["size"]))
        ends = {"dataset": (bank,), "optimizer": (steps,)}
        modules = {"made:Up": chosen["source"], "made:Unrelated": chosen["unrelated"]}
        judge = node("denoiser", "judge", Trained("bank", "steps"), ends)
        return key(judge, chosen["seed"], chosen["dtype"], "cpu", chosen["threads"], modules)

    relevant = [{name: chosen[name] for name in CHOICES} for chosen in (one, other)]
    assert (made(one) == made(other)) == (relevant[0] == relevant[1])


TOML = """
[experiment]
name = "form"

[dataset.line]
use = "line"
coordinates = [0.0, 1.0]
samples = 10

[schedule.levels]
use = "noise-levels"
levels = [0.1]

[optimizer.slabs]
use = "max-margin"

[denoiser.bank]
use = "shallow-relu"
dataset = "line"
schedule = "levels"
optimizer = "slabs"
"""
OTHERWISE = """
[denoiser]
bank = {optimizer = 'slabs', width = 500, dataset="line", schedule = "levels", use="shallow-relu", scale = 0.5}
[optimizer]
  [optimizer.slabs]   # a remark
  use = 'flowlab:max-margin'
[experiment]
seed = 0
name = "another"
[schedule.levels]
levels = [
    1e-1,
]
use = "noise-levels"
[dataset.line]
samples = 10
coordinates = [0.0, 1.0]
use = "line"
[dataset.unused]
use = "line"
coordinates = [5.0, 6.0]
"""


def test_the_layout_of_the_file_and_defaults_written_out_do_not_count() -> None:
    keys = []
    for text in (TOML, OTHERWISE, TOML.replace("samples = 10", "samples = 11")):
        graph = build_graph(parse_document("made.toml", text.encode()), Registry.installed())
        [bank] = [one for one in graph.nodes if one.kind.name == "denoiser"]
        keys.append(CacheKeys(graph.seed, graph.dtype, "cpu", 1).of(bank))
    assert keys[0] == keys[1] != keys[2]
