"""How many of the graphs that `flowlab check` accepts fail in the run: experiments with parts swapped at random.

    python tests/benchmarks/swapped_references.py [--graphs N] [--seed S] [--json FILE]

Every experiment is shrunk to a second or two. One or two of its parts are swapped: a reference names another node
of its kind, a component takes the place of another of its kind, the key `over` names another swept key, a grid
becomes a zip. What is left of the file is what the swapped parts need, and what needs them. Graphs that the check
refuses are left out; all others are run. Failures are counted by their messages. Nothing here is shared with the
check but the reading of files and the engine.
"""

from __future__ import annotations

import argparse
import copy
import json
import multiprocessing
import random
import re
import sys
import tempfile
import warnings
from collections import Counter
from collections.abc import Iterator
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import attrs
import tomli
import tomli_w

from flowlab.api import KINDS, ExperimentError, PluginError, references
from flowlab.engine.cache.store import Store
from flowlab.engine.progress.quiet import QuietListener
from flowlab.engine.run import run_graph
from flowlab.graph.graph import load_graph
from flowlab.registry.registry import Registry

EXPERIMENTS = Path(__file__).parents[2] / "experiments"
LONGEST = 30  # seconds of a run; a longer one is left out

# The most of a key, by its kind.
_MOST: dict[str, dict[str, int]] = {
    "dataset": {"samples": 8, "dimension": 4, "points": 4, "each": 1},
    "schedule": {"levels": 4},
    "optimizer": {"steps": 40, "rounds": 2, "batch": 10},
    "denoiser": {"width": 12},
    "flow": {"samples": 12},
    "analysis": {
        "starts": 8, "steps": 6, "rounds": 2, "regions": 2000, "samples": 12, "most": 20, "times": 8,
        "iterations": 50,
    },
    "figure": {"resolution": 8, "paths": 4},
}  # fmt: skip
_SETTINGS = 3  # of an axis of a sweep

Tables = dict[str, dict[str, Any]]


def shrink(tables: Tables) -> Tables:
    """The experiment with one seed, and at most so many of everything."""
    tables = copy.deepcopy(tables)
    tables["experiment"].pop("seeds", None)
    tables["experiment"]["threads"] = 1
    tables.pop("executor", None)
    tables.pop("tracker", None)
    for kind, most in _MOST.items():
        for table in tables.get(kind, {}).values():
            for key, value in table.items():
                if key in most and isinstance(value, int):
                    table[key] = min(value, most[key])
    for axis in tables.get("sweep", {}).values():
        for path, values in axis.items():
            if path != "use":
                kind, _, key = path.split(".", 1)[0], None, path.rpartition(".")[2]
                most = _MOST.get(kind, {}).get(key)
                short = [min(v, most) if most and isinstance(v, int) else v for v in values[:_SETTINGS]]
                axis[path] = list(dict.fromkeys(map(json.dumps, short)))
                axis[path] = [json.loads(text) for text in axis[path]]
    return tables


def names_of(tables: Tables) -> Iterator[tuple[str, str]]:
    """Every node of an experiment, by kind and name."""
    for kind in KINDS:
        for name in tables.get(kind, {}):
            yield kind, name


class Swapper:
    """Swaps parts of experiments at random."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.components: dict[str, dict[str, type]] = {}
        for entry in Registry.installed().entries:
            if entry.distribution == "flowlab":
                self.components.setdefault(entry.kind, {})[entry.name] = entry.load()

    def edges(self, tables: Tables, kind: str, name: str) -> dict[str, list[tuple[str, str]]]:
        """The nodes that a node refers to, by key."""
        table = tables[kind][name]
        found = {}
        for key, reference in references(self.components[kind][table["use"]]).items():
            value = table.get(key, [])
            found[key] = [(reference.kind, each) for each in ([value] if isinstance(value, str) else value)]
        return found

    def swap(self, tables: Tables) -> tuple[Tables, str] | None:
        """The experiment with one or two parts swapped, and what they are in words; None where none could be."""
        tables = copy.deepcopy(tables)
        swaps = [self._reference, self._reference, self._component, self._component, self._sweep]
        touched: list[tuple[str, str]] = []
        words = []
        for _ in range(self.random.choice((1, 1, 2))):
            done = self.random.choice(swaps)(tables)
            if done is None:
                return None
            touched.append(done[0])
            words.append(done[1])
        return self._only(tables, touched), "; ".join(words)

    def _reference(self, tables: Tables) -> tuple[tuple[str, str], str] | None:
        kind, name = self.random.choice(list(names_of(tables)))
        edges = [key for key, ends in self.edges(tables, kind, name).items() if ends]
        if not edges:
            return None
        key = self.random.choice(edges)
        reference = references(self.components[kind][tables[kind][name]["use"]])[key]
        others = [each for each in tables[reference.kind] if (reference.kind, each) != (kind, name)]
        other = self.random.choice(others) if others else ""
        value = tables[kind][name][key]
        if not other or other == value:
            return None
        if isinstance(value, list):
            value = list(value)
            value[self.random.randrange(len(value))] = other
            tables[kind][name][key] = list(dict.fromkeys(value))
        else:
            tables[kind][name][key] = other
        return (kind, name), f"{kind}.{name}.{key} = {tables[kind][name][key]!r}"

    def _component(self, tables: Tables) -> tuple[tuple[str, str], str] | None:
        kind, name = self.random.choice(list(names_of(tables)))
        use = self.random.choice(list(self.components[kind]))
        fields = {field.name: field for field in attrs.fields(self.components[kind][use]) if field.init}
        old = tables[kind][name]
        if use == old["use"]:
            return None
        table = {"use": use, **{key: value for key, value in old.items() if key in fields}}
        for key, reference in references(self.components[kind][use]).items():
            value = table.get(key, next((each for each in tables.get(reference.kind, {}) if each != name), None))
            if value is not None and (key in table or fields[key].default is attrs.NOTHING):
                names = value if isinstance(value, list) else [value]
                table[key] = names if reference.many else names[0]
        needed = [key for key, field in fields.items() if field.default is attrs.NOTHING and key not in table]
        for key in needed:
            value = self._guess(tables, key)
            if value is None:
                return None
            table[key] = value
        tables[kind][name] = table
        return (kind, name), f"{kind}.{name}.use = {use!r}"

    def _guess(self, tables: Tables, key: str) -> Any:
        """A value for a key that a component needs, as some other table has it."""
        if key == "over":
            return self._swept_key(tables)
        known = [table[key] for kind in KINDS for table in tables.get(kind, {}).values() if key in table]
        return self.random.choice(known) if known else _NEEDED.get(key)

    def _swept_key(self, tables: Tables) -> str | None:
        keys = [path.rpartition(".")[2] for axis in tables.get("sweep", {}).values() for path in axis]
        return self.random.choice(keys) if keys else None

    def _sweep(self, tables: Tables) -> tuple[tuple[str, str], str] | None:
        """Another swept key for `over`, or a zip for a grid."""
        overs = [(kind, name) for kind, name in names_of(tables) if "over" in tables[kind][name]]
        key = self._swept_key(tables)
        if not overs or key is None:
            return None
        kind, name = self.random.choice(overs)
        tables[kind][name]["over"] = key
        axes = [axis for axis in tables["sweep"].values() if len(axis) > 1 and "use" not in axis]
        if axes and self.random.random() < 0.5:
            axis = self.random.choice(axes)
            least = min(len(values) for values in axis.values())
            axis.update({path: values[:least] for path, values in axis.items()}, use="zip")
        return (kind, name), f"{kind}.{name}.over = {key!r}"

    def _only(self, tables: Tables, touched: list[tuple[str, str]]) -> Tables:
        """What the touched nodes need, and what needs them, with all that these need."""
        nodes = list(names_of(tables))
        ends = {node: [end for ends in self.edges(tables, *node).values() for end in ends] for node in nodes}
        kept = set(touched)
        while more := {node for node in nodes if node not in kept and any(end in kept for end in ends[node])}:
            kept |= more
        while more := {end for node in kept for end in ends.get(node, [])} - kept:
            kept |= more
        result: Tables = {"experiment": tables["experiment"]}
        for kind, name in nodes:
            if (kind, name) in kept:
                result.setdefault(kind, {})[name] = tables[kind][name]
        for label, axis in tables.get("sweep", {}).items():
            left = {
                path: values
                for path, values in axis.items()
                if path == "use" or tuple(path.split(".")[:2]) in kept or path.count(".") < 2
            }
            if left.keys() - {"use"}:
                result.setdefault("sweep", {})[label] = left
        return result


_NEEDED: dict[str, Any] = {
    "final_time": 0.01, "levels": [0.1, 0.05], "dimension": 3, "points": 3, "coordinates": [0.0, 1.0, 2.5],
    "vertices": [[0.0, 0.0], [1.0, 0.0], [0.3, 0.8]], "by": "samples", "baseline": "pf", "first": [-0.2, 0.1],
    "last": [1.2, 0.9], "path": str(EXPERIMENTS / "square.csv"),
}  # fmt: skip


def outcome_of(path: Path, store: Store) -> tuple[str, list[str]]:
    """'refused', 'done', 'failed' or 'long', and the messages of failed nodes; in a process of its own."""
    context = multiprocessing.get_context("fork")
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(target=_run, args=(path, store, theirs))
    process.start()
    theirs.close()
    answer: tuple[str, list[str]] = ours.recv() if ours.poll(LONGEST) else ("long", [])
    process.kill()
    process.join()
    return answer


def _run(path: Path, store: Store, answer: Connection) -> None:
    warnings.simplefilter("ignore")
    try:
        graph = load_graph(path, [], Registry.installed())
    except ExperimentError:
        answer.send(("refused", []))
        return
    except PluginError as error:
        answer.send(("failed", [f"the check broke: {error}"]))
        return
    records = run_graph(graph, "cpu", QuietListener(), None, store).records
    messages = [f"{record.node.use}: {record.message}" for record in records if record.status == "failed"]
    answer.send(("failed" if messages else "done", list(dict.fromkeys(messages))))


def common(message: str) -> str:
    """A message without its names and numbers."""
    return re.sub(r"'[^']*'", "'...'", re.sub(r"\d[\d.e+-]*", "#", message))[:150]


def count_failures(graphs: int, seed: int, report: bool = True) -> dict[str, Any]:
    """Run so many accepted graphs; how many failed, and the messages with an example of each."""
    swapper = Swapper(seed)
    files = {path.stem: shrink(tomli.loads(path.read_text())) for path in sorted(EXPERIMENTS.glob("*.toml"))}
    tally: Counter[str] = Counter()
    messages: dict[str, list[str]] = {}
    with tempfile.TemporaryDirectory() as folder:
        store = Store(Path(folder) / "store")
        path = Path(folder) / "swapped.toml"
        # the processes of the runs inherit what this run imports
        path.write_text(tomli_w.dumps(files["smoke"]))
        run_graph(load_graph(path, [], Registry.installed()), "cpu", QuietListener())
        while tally["done"] + tally["failed"] < graphs:
            name = swapper.random.choice(list(files))
            swapped = swapper.swap(files[name])
            if swapped is None:
                continue
            path.write_text(tomli_w.dumps(swapped[0]))
            what, failures = outcome_of(path, store)
            tally[what] += 1
            if report and failures:
                print(f"{name}: {swapped[1]}: {failures[0]}", file=sys.stderr, flush=True)
            if failures:
                messages.setdefault(common(failures[0]), []).append(f"{name}: {swapped[1]}: {failures[0]}")
            if report and sum(tally.values()) % 20 == 0:
                print(dict(tally), file=sys.stderr, flush=True)
    ordered = sorted(messages.items(), key=lambda item: -len(item[1]))
    return {**tally, "messages": {key: [len(cases), cases[0]] for key, cases in ordered}}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--graphs", type=int, default=400, help="accepted graphs to run")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", type=Path, help="write the result there")
    options = parser.parse_args()
    result = count_failures(options.graphs, options.seed)
    if options.json:
        options.json.write_text(json.dumps(result, indent=1))
    for message, (count, example) in result["messages"].items():
        print(f"{count:5}  {message}\n       {example}")
    ran = result.get("done", 0) + result.get("failed", 0)
    print(f"accepted and run {ran}, failed {result.get('failed', 0)}, refused {result.get('refused', 0)}")


if __name__ == "__main__":
    main()
