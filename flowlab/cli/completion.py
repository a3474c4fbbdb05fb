"""What the shell offers to complete a command line with; no component is imported for it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import typer

from flowlab.api import KINDS, FlowlabError
from flowlab.registry.registry import Registry

Offer = tuple[str, str]  # a completion and what it means


def kinds(incomplete: str) -> list[Offer]:
    """The kinds of component."""
    return _beginning(incomplete, ((kind.name, kind.help) for kind in KINDS.values()))


def components(incomplete: str) -> list[Offer]:
    """Names of components; where kinds share one, or the colon is already there, `kind:name`."""
    from flowlab.registry.source import find_source

    entries = Registry.installed().entries
    shared = Counter(entry.name for entry in entries)
    offers = {entry.name: entry for entry in entries}
    offers |= {
        f"{entry.kind}:{entry.name}": entry for entry in entries if shared[entry.name] > 1 or ":" in incomplete
    }
    chosen = {text: entry for text, entry in offers.items() if text.startswith(incomplete)}
    return [(text, find_source(entry).summary or "") for text, entry in chosen.items()]


def experiments(incomplete: str) -> list[str]:
    """Experiment files here and in the folders below; else the names of those that come with flowlab."""
    folder, _, start = incomplete.rpartition("/")
    here = Path(folder) if folder else Path("/" if incomplete.startswith("/") else ".")
    files = (file for pattern in (f"{start}*.toml", f"{start}*/*.toml") for file in _glob(here, pattern))
    texts = (str(file) for file in files if _is_experiment(file))
    here_or_below = sorted(f"./{text}" if incomplete.startswith("./") else text for text in texts)
    return here_or_below or examples(incomplete)


def examples(incomplete: str) -> list[str]:
    """The names of the experiments that come with flowlab."""
    from flowlab.scaffold.examples import find_examples

    return [name for name in find_examples() if name.startswith(incomplete)]


def settings(ctx: typer.Context, incomplete: str) -> list[Offer]:
    """`kind.name.key=` of the experiments on the command line: keys that stand there, and that may."""
    # click leaves the files among the rest where an option lacks its value
    files = [*(ctx.params.get("files") or ()), ctx.params.get("file"), *ctx.args]
    offers: dict[str, str] = {}
    for file in filter(None, files):
        with suppress(FlowlabError):
            offers |= dict(_settings(Path(file), incomplete))
    return _beginning(incomplete, offers.items())


def _settings(file: Path, incomplete: str) -> Iterator[Offer]:
    from flowlab.spec.experiment_settings import ExperimentSettings
    from flowlab.spec.extends import read_experiment

    registry = Registry.installed()
    for kind, nodes in read_experiment(file).data.items():
        if kind == "experiment":
            yield from ((f"experiment.{key}=", help) for key, help in _helps(ExperimentSettings))
        for name, table in nodes.items() if kind in KINDS and isinstance(nodes, dict) else ():
            node = f"{kind}.{name}."
            # a component's source is read only where its keys are asked for
            if isinstance(table, dict) and (node.startswith(incomplete) or incomplete.startswith(node)):
                keys = dict.fromkeys(table, "") | dict(_keys(registry, kind, table.get("use")))
                yield from ((f"{node}{key}=", help) for key, help in keys.items())


def _keys(registry: Registry, kind: str, use: Any) -> Iterator[Offer]:
    """The keys of a component, by its source."""
    from flowlab.registry.source import find_source
    from flowlab.registry.static_schema import static_component
    from flowlab.spec.node_settings import NodeSettings, can_be_pinned

    entry = registry.find(kind, use) if isinstance(use, str) else None
    component = static_component(find_source(entry)) if entry else None
    if component is None:
        return
    yield from _helps(component)
    if can_be_pinned(KINDS[kind], component):
        yield from _helps(NodeSettings)


def _helps(table: type) -> Iterator[Offer]:
    """The keys of a table, each with its help."""
    from flowlab.api import field_spec, key_fields

    return ((field.name, field_spec(field).help) for field in key_fields(table))


def _beginning(incomplete: str, offers: Iterable[Offer]) -> list[Offer]:
    return [offer for offer in offers if offer[0].startswith(incomplete)]


def _glob(folder: Path, pattern: str) -> list[Path]:
    with suppress(OSError, ValueError):
        return list(folder.glob(pattern))
    return []


def _is_experiment(file: Path) -> bool:
    with suppress(OSError):
        return b"[experiment]" in file.read_bytes()
    return False
