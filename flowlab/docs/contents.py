"""The guide's table of contents: sections and their pages, in the order of reading."""

from __future__ import annotations

from attrs import frozen

COMPONENTS = "reference/components.html"
API = "reference/api.html"


@frozen
class Section:
    """A part of the guide: its folder below `pages`, and the names of its texts; then pages made from code."""

    title: str
    folder: str
    texts: tuple[str, ...]
    generated: tuple[tuple[str, str], ...] = ()  # path and title


SECTIONS = (
    Section("Tutorial", "tutorial", ("tour",)),
    Section(
        "How-to",
        "how-to",
        (
            "own-data",
            "own-model",
            "sweep",
            "figure",
            "tables",
            "cluster",
            "compare",
            "reproduce",
            "python",
            "plugin",
            "component-kinds",
        ),
    ),
    Section(
        "Explanation",
        "explanation",
        (
            "theory",
            "certificates",
            "exact-flows",
            "theorems",
            "paper",
            "provenance",
            "executors",
            "security",
            "measurements",
        ),
    ),
    Section(
        "Reference",
        "reference",
        ("experiment-file", "commands", "files"),
        ((COMPONENTS, "Components"), (API, "flowlab.api")),
    ),
    Section("Contributing", "contributing", ("tasks", "changelog")),
)
