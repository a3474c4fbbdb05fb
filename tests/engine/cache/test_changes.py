"""What differs between two keys, in words."""

from __future__ import annotations

import json
from typing import Any

import pytest
from attrs import evolve, frozen
from engine_nodes import Bank, Judge, node
from hypothesis import given
from hypothesis import strategies as st

from flowlab.api import parameter
from flowlab.engine.cache.key import CacheKeys, expand_ingredients
from flowlab.engine.cache.key_diff import describe_key_changes
from flowlab.graph.node import Node


@frozen
class Points:
    """A made-up dataset."""

    count: Any = parameter(3, help="how many")


def bank(count: Any = 3, width: int = 5, dataset: str = "points", name: str = "bank") -> Node:
    source = node("dataset", dataset, Points(count))
    return node("denoiser", name, Bank(dataset, width), {"dataset": (source,)})


def judge(*banks: Node) -> Node:
    return node("analysis", "judge", Judge(tuple(one.name for one in banks)), {"denoiser": banks})


def made(of: Node, seed: int = 0, sources: dict[str, str] | None = None, **run: str) -> Any:
    keys = CacheKeys(seed, run.get("dtype", "float64"), run.get("device", "cpu"), 1)
    keys._digests["flowlab"] = "its sources"
    modules = {"a.py": "1", "b.py": "1"} if sources is None else sources
    return expand_ingredients(keys.ingredients(of), lambda digest: modules if digest == "its sources" else {})


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
        (made(bank(), dtype="float32"), ['dtype: "float64" -> "float32"']),
        (made(bank(), device="cuda"), ['device: "cpu" -> "cuda"']),
        (made(bank(), sources={"a.py": "2", "b.py": "1"}), ["source file flowlab/a.py: changed"]),
        (made(bank(), sources={"a.py": "1"}), ["source file flowlab/b.py: is gone"]),
        (made(evolve(bank(), entry=evolve(bank().entry, version="1.1"))), ['version of made: "1.0" -> "1.1"']),
        (
            made(evolve(bank(), entry=evolve(bank().entry, name="anew"))),
            ['denoiser.bank.use: "made:made-up" -> "made:anew"'],
        ),
        ({**SAME, "schema": 1}, ["the store's own version: 4 -> 1"]),
        (
            {**SAME, "versions": {**SAME["versions"], "torch": "0.1"}},
            [f'version of torch: "{SAME["versions"]["torch"]}" -> "0.1"'],
        ),
    ],
)
def test_each_ingredient_is_named(other: Any, said: list[str]) -> None:
    assert describe_key_changes(SAME, other) == said


def test_a_shared_ancestor_is_named_once_and_a_new_input_by_name() -> None:
    former = made(judge(bank(), bank(name="other")))
    current = made(judge(bank(4), bank(4, name="other"), bank(4, name="third")))
    assert describe_key_changes(former, current) == [
        'analysis.judge.denoiser: ["bank", "other"] -> ["bank", "other", "third"]',
        "dataset.points.count: 3 -> 4",
        "analysis.judge.denoiser: third is new",
    ]


settings_ = st.tuples(st.sampled_from([3, 4, 3.0, True, None, "3"]), st.integers(5, 6), st.integers(0, 1))


@given(settings_, settings_)
def test_keys_differ_where_something_is_said_to_have_changed(one: Any, other: Any) -> None:
    contents = [made(bank(count, width), seed) for count, width, seed in (one, other)]
    assert bool(describe_key_changes(*contents)) == (json.dumps(contents[0]) != json.dumps(contents[1]))
