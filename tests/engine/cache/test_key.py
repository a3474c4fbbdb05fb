"""What a node's key depends on, and what it doesn't."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from attrs import evolve, field, frozen
from engine_nodes import Bank, Judge, node

from flowlab.api import parameter
from flowlab.engine.cache.key import CacheKeys, combine_digests
from flowlab.engine.cache.source_digest import digest_modules
from flowlab.graph.node import Node


@frozen
class Points:
    """A made-up dataset."""

    count: int = parameter(3, help="how many")
    scale: float = parameter(0.1, help="how wide")
    path: str | None = parameter(None, help="a file")
    derived: object = field(factory=object, init=False)

    def reads(self) -> tuple[str, ...]:
        return (self.path,) if self.path else ()


def bank(points: Points | None = None, dataset: str = "points", **fields: Any) -> Node:
    source = node("dataset", dataset, points or Points())
    return node("denoiser", "bank", Bank(dataset, **fields), {"dataset": (source,)})


def key(
    of: Node,
    seed: int = 0,
    dtype: str = "float64",
    device: str = "cpu",
    threads: int = 1,
    flowlab: dict[str, str] | None = None,
) -> str:
    keys = CacheKeys(seed, dtype, device, threads)
    keys._digests["flowlab"] = combine_digests(flowlab or {})  # in place of a quarter of a second
    return keys.of(of)


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
    assert len({plain, *others}) == 6


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


def test_the_content_of_a_file_that_is_read_counts(tmp_path: Path) -> None:
    file = tmp_path / "points.csv"
    keys = []
    for content in ("1,2", "1,3", None):
        file.unlink() if content is None else file.write_text(content)
        keys.append(key(bank(Points(path=str(file)))))
    assert len(set(keys)) == 3


def test_the_sources_of_every_package_involved_count(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    module = tmp_path / "made.py"  # where `node` says that its components are
    keys = []
    for source in ("x = 1", "x = 1  # one", "x = 2"):
        module.write_text(source)
        keys.append(key(bank()))
    assert keys[0] == keys[1] != keys[2]
    assert keys[2] != key(bank(), flowlab={"cli.py": "edited"})
    assert CacheKeys(0, "float64", "cpu", 1).of(bank()) == key(bank(), flowlab=digest_modules("flowlab"))


def test_sources_are_read_once_a_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "made.py").write_text("x = 1")
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
