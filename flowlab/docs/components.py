"""The page of each installed component, by what its class and the experiments say of it."""

from __future__ import annotations

from attrs import frozen
from markupsafe import Markup

from flowlab.api import KINDS
from flowlab.docs.docstring import DocstringParts, split_docstring
from flowlab.docs.formulas import FormulaError
from flowlab.docs.prose import render_prose
from flowlab.docs.uses import Use, find_uses
from flowlab.introspection.component_facts import ComponentFacts, component_facts
from flowlab.introspection.list_components import format_distribution, select_entries
from flowlab.output.file_names import distinct_names, to_file_name
from flowlab.registry.entry_points import Entry
from flowlab.registry.registry import Registry

FOLDER = "components"


@frozen
class ComponentPage:
    """A component as its page shows it: `path` from the guide's index, `use` as an experiment writes it."""

    path: str
    use: str
    facts: ComponentFacts
    parts: DocstringParts
    uses: tuple[Use, ...]

    @property
    def entry(self) -> Entry:
        """The component's entry point."""
        return self.facts.entry

    @property
    def names(self) -> tuple[str, str]:
        """What texts call it: `kind:name`, and the name of its class."""
        return f"{self.entry.kind}:{self.use}", self.entry.target.replace(":", ".")

    @property
    def origin(self) -> str:
        """Whose it is."""
        return format_distribution(self.entry)

    @property
    def place(self) -> str:
        """Where it is written, from its distribution's folder."""
        return self.facts.source.place.removeprefix(f"{self.entry.root}/") or self.entry.target

    def html(self, text: str) -> Markup:
        """A text of its class. A formula that can't be typeset is text in a plugin, a FormulaError in flowlab."""
        try:
            return render_prose(text)
        except FormulaError as error:
            if self.entry.distribution == "flowlab":
                raise FormulaError(f"{self.place}: {error}") from error
            return render_prose(text, typeset=False)

    @property
    def example(self) -> Use | None:
        """The shortest use that there is."""
        return min(self.uses, key=lambda use: len(use.toml), default=None)

    @property
    def skeleton(self) -> str:
        """The table with the keys that it needs, for a component that no experiment uses."""
        needed = [key for key in self.facts.keys if key.default == "required"]
        lines = [f"# {key.name} = ...  # {key.type}: {key.help}" for key in needed]
        return "\n".join([f"[{self.entry.kind}.example]", f'use = "{self.use}"', *lines, ""])

    @property
    def files(self) -> dict[str, list[str]]:
        """The experiments that use it, and the nodes in each."""
        files: dict[str, list[str]] = {}
        for use in self.uses:
            files.setdefault(use.file, []).append(f"{use.kind}.{use.name}")
        return files


def component_pages(registry: Registry) -> dict[str, list[ComponentPage]]:
    """The components of each kind, in the order of the kinds."""
    entries = select_entries(registry, None)
    known = find_uses(registry)
    names = distinct_names(to_file_name(f"{entry.kind}.{registry.use(entry)}") for entry in entries)
    pages: dict[str, list[ComponentPage]] = {kind: [] for kind in KINDS}
    for entry, name in zip(entries, names, strict=True):
        pages[entry.kind].append(_page(registry, entry, f"{FOLDER}/{name}.html", known.get(entry, [])))
    return pages


def _page(registry: Registry, entry: Entry, path: str, known: list[Use]) -> ComponentPage:
    facts = component_facts(entry)
    docstring = split_docstring(facts.doc, (key.name for key in facts.keys))
    return ComponentPage(path, registry.use(entry), facts, docstring, tuple(known))
