"""One component, with all its keys."""

from __future__ import annotations

import inspect
from collections.abc import Iterable

from flowlab.api import KINDS, ExperimentError, Problem
from flowlab.api.nearest_name import nearest
from flowlab.introspection.component_facts import KeyFacts, component_facts, setting_facts
from flowlab.introspection.list_components import format_distribution
from flowlab.output.text_table import align_columns
from flowlab.registry.entry_points import Entry
from flowlab.registry.registry import Registry
from flowlab.spec.experiment_settings import ExperimentSettings

EXPERIMENT = "experiment"


def describe(registry: Registry, text: str) -> str:
    """The component that `text` names, or `experiment`: the table. Raises ExperimentError for any other name."""
    return _describe_settings() if text == EXPERIMENT else describe_component(find_component(registry, text))


def find_component(registry: Registry, text: str) -> Entry:
    """The entry of `name`, `kind:name` or `distribution:name`. Raises ExperimentError."""
    name = text.rpartition(":")[2]
    named = [entry for entry in registry.entries if entry.name == name]
    matches = [entry for entry in named if text == f"{entry.kind}:{name}" or entry.means(text)]
    if len(matches) == 1:
        return matches[0]
    if not matches and text in KINDS:
        rule = f"a kind, no component; there are: {', '.join(registry.names(text))}"
        raise ExperimentError([Problem(text, rule)])
    if not matches:
        absence = next(filter(None, (registry.absence(kind, text.removeprefix(f"{kind}:")) for kind in KINDS)), "")
        hint = f"{named[0].kind}:{name}" if named else nearest(name, [e.name for e in registry.entries])
        rule = f"there is no such component{absence and f'; {absence}'}"
        raise ExperimentError([Problem(text, rule, None if absence else hint)])
    # A qualifier that tells them apart: the kind, or where two share it, the distribution.
    kinds = {entry.kind for entry in matches}
    full = [f"{e.kind if len(kinds) == len(matches) else e.distribution}:{name}" for e in matches]
    raise ExperimentError([Problem(text, f"several components have this name: {', '.join(full)}")])


def describe_component(entry: Entry) -> str:
    """The component's docstring, its keys, whom it is from, and where it is written.

    Of one that can't be loaded, what can be read in its source, and why it can't.
    """
    facts = component_facts(entry)
    parts = [
        [f"{entry.kind} {entry.name} ({entry.distribution} {entry.version})"],
        facts.doc.splitlines(),
        _section("references", ((key.name, key.type, key.default, key.help) for key in facts.keys if key.refers)),
        _section("parameters", (_parameter(key) for key in facts.keys if not key.refers)),
        [f"yields {facts.yields}"] if facts.yields else [],
        [facts.fault],
        [f"{format_distribution(entry)}, {entry.root}", *([facts.source.place] if facts.source.file else [])],
    ]
    return "\n\n".join("\n".join(part) for part in parts if any(part))


def _describe_settings() -> str:
    """The keys of the table [experiment]."""
    summary = inspect.getdoc(ExperimentSettings) or ""
    return "\n\n".join([summary, "\n".join(_section("parameters", map(_parameter, setting_facts())))])


def _section(title: str, rows: Iterable[tuple[str, ...]]) -> list[str]:
    lines = align_columns(list(rows), indent=2)
    return [title, *lines] if lines else []


def _parameter(key: KeyFacts) -> tuple[str, ...]:
    unit = f" [{key.unit}]" if key.unit else ""
    return key.name, key.type, key.default, key.range, f"{key.help}{unit}"
