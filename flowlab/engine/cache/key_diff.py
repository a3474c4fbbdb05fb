"""What differs between the ingredients of two keys, those of their inputs included, in words."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from attrs import define, field

from flowlab.engine.inputs import files_read, named_inputs
from flowlab.engine.value_diff import Change, list_changes, side_by_side
from flowlab.graph.node import Node

Ingredients = Mapping[str, Any]

_RUN, _NODE, _VERSION, _SOURCE = range(4)  # the order in which changes are told
_VALUES_OF_A_RUN = ("dtype", "device", "threads")


@define
class KeyDiff:
    """Compares the stored ingredients of a node with its current ones, and those of its inputs in turn.

    `stored` has the ingredients of a key and `modules` the modules of a digest of sources, as far as the store
    knows them; `current` has a node's ingredients now, with the modules of its sources.
    """

    stored: Callable[[str], Ingredients | None]
    modules: Callable[[str], Mapping[str, str] | None]
    current: Callable[[Node], tuple[Ingredients, Mapping[str, str]]]
    _key: Callable[[Node], str] = field(alias="key")

    def describe(self, former: Ingredients, node: Node) -> list[str]:
        """One line a change: values of the run, settings of the node and its inputs, versions, source files."""
        lines = dict.fromkeys(self._changes(former, node))  # an input may be met twice
        return [text for _, text in sorted(lines, key=lambda line: line[0])]

    def count_renamed(self, former: Ingredients, node: Node) -> int:
        """How many inputs, and inputs of inputs, have another name than then."""
        count = 0
        for name, group in named_inputs(node).items():
            sources = {str(label): source for label, source in group.items()}
            for _, (key, source) in side_by_side(former["inputs"].get(name, {}), sources):
                ingredients = None if key is None else self.stored(key)
                if key is None or source is None:
                    count += 1
                elif ingredients is not None and key != self._key(source):
                    same = ingredients.get("name") == self.current(source)[0].get("name")
                    count += self.count_renamed(ingredients, source) if same else 1
        return count

    def _changes(self, former: Ingredients, node: Node) -> Iterator[tuple[int, str]]:
        current, modules = self.current(node)
        label = node.declared
        yield from self._run_changes(former.get("run", {}), current.get("run", {}))
        yield from _seed_changes(label, former, current)
        yield from _component_changes(label, former["component"], current["component"])
        yield from _parameter_changes(label, former, current, node)
        yield from self._input_changes(label, former["inputs"], node)
        if former["sources"] != current["sources"]:
            yield from _source_changes(label, self.modules(former["sources"]), modules)

    def _run_changes(self, former: Ingredients, current: Ingredients) -> Iterator[tuple[int, str]]:
        values = [{name: run.get(name) for name in _VALUES_OF_A_RUN} for run in (former, current)]
        yield from _changed(_RUN, values)
        yield from _changed(_RUN, [run.get("numerics", {}) for run in (former, current)], "numeric switch ")
        yield from _changed(_VERSION, [run.get("versions", {}) for run in (former, current)], "version of ")

    def _input_changes(
        self, label: str, former: Mapping[str, Mapping[str, str]], node: Node
    ) -> Iterator[tuple[int, str]]:
        for name, group in named_inputs(node).items():
            for end, (key, source) in side_by_side(
                former.get(name, {}), {str(end): source for end, source in group.items()}
            ):
                if key is None or source is None:
                    yield _NODE, f"{label}.{name}: {end} {'is new' if source else 'is gone'}"
                elif key != self._key(source):
                    ingredients = self.stored(key)
                    if ingredients is None:
                        yield _NODE, f"{source.declared}: changed; what it was made of is not stored"
                    elif ingredients.get("name", source.name) in (
                        source.name,
                        self.current(source)[0].get("name"),
                    ):
                        yield from self._changes(ingredients, source)
                    else:  # another node
                        yield _NODE, str(Change(f"{label}.{name}", ingredients["name"], source.name))


def _changed(rank: int, sides: Sequence[Mapping[str, Any]], prefix: str = "") -> Iterator[tuple[int, str]]:
    for change in list_changes(sides[0], sides[1], prefix):
        yield rank, str(change)


def _seed_changes(label: str, former: Ingredients, current: Ingredients) -> Iterator[tuple[int, str]]:
    """The run's seed, or that of a node whose own table pins it."""
    seeds = [sides.get("run", {}).get("seed") for sides in (former, current)]
    pinned = [sides.get("pinned", False) for sides in (former, current)]
    if not any(pinned):
        yield from _changed(_RUN, [{"seed": seed} for seed in seeds])
    else:
        own = [seed if is_pinned else "the run's" for seed, is_pinned in zip(seeds, pinned, strict=True)]
        yield from _changed(_NODE, [{"seed": seed} for seed in own], f"{label}.")


def _component_changes(label: str, former: list[str], current: list[str]) -> Iterator[tuple[int, str]]:
    (owner, version, name, target), (owner_now, version_now, name_now, target_now) = former, current
    use, use_now = f"{owner}:{name}", f"{owner_now}:{name_now}"
    if use != use_now:
        yield _NODE, str(Change(f"{label}.use", use, use_now))
    elif target != target_now:
        yield _NODE, str(Change(f"the class of {use}", target, target_now))
    if owner == owner_now and version != version_now:
        yield _VERSION, str(Change(f"version of {owner}", version, version_now))


def _parameter_changes(
    label: str, former: Ingredients, current: Ingredients, node: Node
) -> Iterator[tuple[int, str]]:
    for change in list_changes(former["parameters"], current["parameters"], f"{label}."):
        yield _NODE, str(change)
    paths = files_read(node.component)
    if len(former["files"]) == len(paths):
        for path, old, new in zip(paths, former["files"], current["files"], strict=True):
            if old != new:
                yield _NODE, f"{label}: the content of {path}"
    else:
        yield _NODE, str(Change(f"{label}: files read", len(former["files"]), len(paths)))


def _source_changes(
    label: str, former: Mapping[str, str] | None, current: Mapping[str, str]
) -> Iterator[tuple[int, str]]:
    if former is None:
        yield _SOURCE, f"source code of {label}: changed; what it was is not stored"
        return
    for module, (old, new) in side_by_side(former, current):
        if old != new:
            yield _SOURCE, f"source file {module}: {'changed' if old and new else 'is new' if new else 'is gone'}"
