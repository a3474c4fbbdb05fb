"""What differs between a stored key and the current one, in words."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest
from attrs import define, evolve, field, frozen
from engine_nodes import Bank, Judge, node
from hypothesis import given
from hypothesis import strategies as st

from flowlab.api import parameter, reference
from flowlab.engine.cache.content_digests import ContentDigests, SourceDigest
from flowlab.engine.cache.key import CacheKeys
from flowlab.engine.cache.key_diff import KeyDiff
from flowlab.engine.inputs import ancestors
from flowlab.graph.node import Node
from flowlab.registry.entry_points import Entry


@frozen
class Points:
    """A made-up dataset."""

    count: Any = parameter(3, help="how many")
    path: str | None = parameter(None, help="a file")

    def reads(self) -> tuple[str, ...]:
        return (self.path,) if self.path else ()


@frozen
class Steps:
    """A made-up tool."""

    size: float = parameter(0.1, help="how long")


@frozen
class Trained:
    """A made-up denoiser with a tool."""

    optimizer: str = reference("optimizer", help="a tool")


@define
class Sources(ContentDigests):
    """Digests of made-up sources and files."""

    modules: Mapping[str, str] = field(factory=dict)
    content: str = ""

    def sources(self, entry: Entry) -> SourceDigest:
        return SourceDigest.of(self.modules)

    def file(self, name: str) -> str:
        return self.content


@define
class Made:
    """A node with all that its key is made of, as a run with these settings has it."""

    node: Node
    keys: CacheKeys

    @property
    def notes(self) -> dict[str, Any]:
        """The ingredients of the node and its ancestors by key, as the store keeps them."""
        nodes = (self.node, *ancestors(self.node))
        return {self.keys.of(one): json.loads(self.keys.ingredients(one)) for one in nodes}


MODULES = {"flowlab/a.py": "1", "flowlab/b.py": "1"}


def made(
    of: Node, seed: int = 0, sources: Mapping[str, str] | None = None, content: str = "1", **run: Any
) -> Made:
    digests = Sources(MODULES if sources is None else sources, content)
    keys = CacheKeys(seed, run.get("dtype", "float64"), run.get("device", "cpu"), run.get("threads", 1), digests)
    return Made(of, keys)


def changes(former: Made, current: Made, forgotten: bool = False) -> list[str]:
    """What is said; with `forgotten` nothing is known of the former inputs and modules."""
    notes = former.notes
    first = notes[former.keys.of(former.node)]
    modules = {
        former.keys.digests.sources(one.entry).digest: former.keys.digests.sources(one.entry).modules
        for one in (former.node, *ancestors(former.node))
    }
    diff = KeyDiff(
        (lambda _: None) if forgotten else notes.get,
        (lambda _: None) if forgotten else modules.get,
        lambda one: (json.loads(current.keys.ingredients(one)), current.keys.digests.sources(one.entry).modules),
        current.keys.of,
    )
    return diff.describe(first, current.node)


def bank(
    count: Any = 3, width: int = 5, dataset: str = "points", name: str = "bank", path: str | None = None
) -> Node:
    source = node("dataset", dataset, Points(count, path))
    return node("denoiser", name, Bank(dataset, width), {"dataset": (source,)})


def judge(*banks: Node) -> Node:
    return node("analysis", "judge", Judge(tuple(one.name for one in banks)), {"denoiser": banks})


def trained(size: float) -> Node:
    return node("denoiser", "bank", Trained("steps"), {"optimizer": (node("optimizer", "steps", Steps(size)),)})


SAME = made(bank())


@pytest.mark.parametrize(
    ("other", "said"),
    [
        (SAME, []),
        (made(bank(width=6)), ["denoiser.bank.width: 5 -> 6"]),
        (made(bank(4, 6)), ["denoiser.bank.width: 5 -> 6", "dataset.points.count: 3 -> 4"]),
        (made(bank(3.0)), ["dataset.points.count: 3 -> 3.0"]),
        (made(bank(dataset="others")), ['denoiser.bank.dataset: "points" -> "others"']),
        (made(bank(), seed=2), ["seed: 0 -> 2"]),
        (made(bank(), threads=2), ["threads: 1 -> 2"]),
        (made(bank(), dtype="float32"), ['dtype: "float64" -> "float32"']),
        (made(bank(), device="cuda"), ['device: "cpu" -> "cuda"']),
        (made(bank(), sources={**MODULES, "flowlab/a.py": "2"}), ["source file flowlab/a.py: changed"]),
        (made(bank(), sources={"flowlab/a.py": "1"}), ["source file flowlab/b.py: is gone"]),
        (made(bank(), sources={**MODULES, "star.py": "1"}), ["source file star.py: is new"]),
        (made(evolve(bank(), entry=evolve(bank().entry, version="1.1"))), ['version of made: "1.0" -> "1.1"']),
        (
            made(evolve(bank(), entry=evolve(bank().entry, name="anew"))),
            ['denoiser.bank.use: "made:made-up" -> "made:anew"'],
        ),
        (
            made(evolve(bank(), entry=evolve(bank().entry, target="made:Down"))),
            ['the class of made:made-up: "made:Up" -> "made:Down"'],
        ),
    ],
)
def test_each_ingredient_is_named(other: Made, said: list[str]) -> None:
    assert changes(SAME, other) == said


def test_versions_and_numeric_switches_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    versions = [SAME.keys._run["versions"], {**SAME.keys._run["versions"], "torch": "0.1"}]
    other = made(bank())
    other.keys._run = {**other.keys._run, "versions": versions[1]}
    assert changes(SAME, other) == [f'version of torch: "{versions[0]["torch"]}" -> "0.1"']
    monkeypatch.setattr("flowlab.engine.cache.key.NUMERICS", {**SAME.keys._run["numerics"], "tf32": True})
    assert changes(SAME, made(bank())) == ["numeric switch tf32: false -> true"]


def test_a_file_is_named_as_it_is_now() -> None:
    former = made(bank(path="old.csv"))
    assert changes(former, made(bank(path="new.csv"))) == []
    assert changes(former, made(bank(path="new.csv"), content="2")) == ["dataset.points: the content of new.csv"]


def test_a_tool_that_changed_is_named() -> None:
    assert changes(made(trained(0.1)), made(trained(0.2))) == ["optimizer.steps.size: 0.1 -> 0.2"]


def test_a_shared_ancestor_is_named_once_and_a_new_input_by_name() -> None:
    former = made(judge(bank(), bank(name="other")))
    current = made(judge(bank(4), bank(4, name="other"), bank(4, name="third")))
    assert changes(former, current) == [
        'analysis.judge.denoiser: ["bank", "other"] -> ["bank", "other", "third"]',
        "dataset.points.count: 3 -> 4",
        "analysis.judge.denoiser: third is new",
    ]


def test_what_the_store_does_not_know_is_said() -> None:
    assert changes(SAME, made(bank(4)), forgotten=True) == [
        "dataset.points: changed; what it was made of is not stored"
    ]
    other = made(bank(), sources={"flowlab/a.py": "2"})
    assert "source code of denoiser.bank: changed; what it was is not stored" in changes(
        SAME, other, forgotten=True
    )


settings_ = st.tuples(st.sampled_from([3, 4, 3.0, True, None, "3"]), st.integers(5, 6), st.integers(0, 1))


@given(settings_, settings_)
def test_keys_differ_just_where_something_is_said_to_have_changed(one: Any, other: Any) -> None:
    former, current = (made(bank(count, width), seed) for count, width, seed in (one, other))
    assert bool(changes(former, current)) == (former.keys.of(former.node) != current.keys.of(current.node))
