"""The source files that the guide leads to, a page each, with a number on every line."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from urllib.parse import quote

from attrs import frozen

from flowlab.docs.api_reference import ROOT, ApiGroup
from flowlab.registry.source import ComponentSource

FOLDER = "source"


@frozen
class SourcePages:
    """The files by their name from the folder that their package lies in."""

    files: Mapping[str, Path]

    @classmethod
    def of(cls, components: Iterable[ComponentSource], groups: Iterable[ApiGroup]) -> SourcePages:
        """Of all components whose source is known, and of the names of the API."""
        files = {one.source: ROOT / one.source for group in groups for one in group.names}
        files |= {_name(one): Path(one.file) for one in components if one.file}
        return cls(dict(sorted(files.items())))

    def path_of(self, name: str, line: int | None) -> str:
        """Where a line is shown, from the index."""
        return f"{FOLDER}/{quote(name)}.html" + (f"#L{line}" if line else "")

    def path_of_component(self, source: ComponentSource) -> str | None:
        """Where a component's class is shown, if its source is known."""
        return self.path_of(_name(source), source.line) if source.file else None

    def pages(self) -> Iterator[tuple[str, str, list[str]]]:
        """The path of each page, the file's name, and its lines."""
        for name, file in self.files.items():
            yield f"{FOLDER}/{name}.html", name, file.read_text("utf-8", errors="replace").splitlines()


def _name(source: ComponentSource) -> str:
    """A file's path from the outermost package that it is in."""
    file = Path(source.file or "")
    top = file.parent
    while (top / "__init__.py").exists():
        top = top.parent
    return file.relative_to(top).as_posix()
