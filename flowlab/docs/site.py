"""The guide as a folder of HTML pages that need no network and no file but each other."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Mapping
from importlib import metadata, resources
from importlib.resources.abc import Traversable
from itertools import chain
from pathlib import Path
from typing import Any
from urllib.parse import quote

from attrs import field, frozen
from jinja2 import Environment

from flowlab.api import API_VERSION, KINDS
from flowlab.docs.api_reference import ApiGroup, api_groups
from flowlab.docs.components import ComponentPage, component_pages
from flowlab.docs.contents import API, COMPONENTS, SECTIONS
from flowlab.docs.markdown import RenderedPage, TextPage, render_markdown
from flowlab.docs.prose import render_paragraphs
from flowlab.docs.search_index import search_script
from flowlab.docs.source_pages import SourcePages
from flowlab.html.templating import make_environment
from flowlab.output.run_folder import claim_folder, write_file
from flowlab.registry.registry import Registry

INDEX = "index.html"
_PAGES = resources.files("flowlab.docs") / "pages"


@frozen
class Item:
    """A line of the table of contents."""

    path: str
    title: str


@frozen
class ContentsSection:
    """A section of the table of contents."""

    title: str
    items: tuple[Item, ...]


def write_site(registry: Registry, out: Path) -> str:
    """Write the guide, and return where it begins. Raises OutputError, FormulaError.

    Pages of components that are no longer installed stay where they are; nothing leads to them.
    """
    files = build_site(registry)
    folders = {name.partition("/")[0] for name in files if "/" in name}
    claim_folder(out, (name for name in files if "/" not in name), sorted(folders))
    for name, content in files.items():
        write_file(out / name, content)
    return str(out / INDEX)


def build_site(registry: Registry) -> dict[str, bytes]:
    """The files by their path from the index. Equal installations give equal files. Raises FormulaError."""
    kinds = component_pages(registry)
    groups = api_groups()
    texts = _render_texts(_links(kinds, groups))
    site = _Site(_contents(texts))
    sources = SourcePages.of(
        [component.facts.source for components in kinds.values() for component in components], groups
    )
    pages = {INDEX: site.render("index.html", INDEX)}
    pages |= {path: site.render("text.html", path, text=text) for path, text in texts.items()}
    pages[COMPONENTS] = site.render("components.html", COMPONENTS, kinds=kinds, help=KINDS)
    pages[API] = site.render("api.html", API, groups=groups, api_version=API_VERSION, source_path=sources.path_of)
    for component in chain.from_iterable(kinds.values()):
        source = sources.path_of_component(component.facts.source)
        pages[component.path] = site.render(
            "component.html",
            component.path,
            COMPONENTS,
            component=component,
            kind=KINDS[component.entry.kind],
            source=source,
        )
    source_pages = {
        path: site.render("source.html", path, name=name, lines=lines) for path, name, lines in sources.pages()
    }
    return {
        **pages,
        **source_pages,
        "guide.css": _style().encode(),
        "search.js": _template("search.js").encode(),
        "search-index.js": search_script({path: page for path, page in pages.items() if path != INDEX}),
    }


@frozen
class _Site:
    """What all pages share: the table of contents, and where a page stands in it."""

    contents: tuple[ContentsSection, ...]
    environment: Environment = field(init=False)

    @environment.default
    def _make_environment(self) -> Environment:
        environment = make_environment("flowlab.docs")
        environment.filters["paragraphs"] = render_paragraphs
        return environment

    def render(self, template: str, path: str, parent: str = "", **content: Any) -> bytes:
        """A page, with its place among the others; `parent` is the page in the contents that it belongs to."""
        items = [item for section in self.contents for item in section.items]
        at = next((index for index, item in enumerate(items) if item.path == path), None)
        page = self.environment.get_template(template).render(
            root="../" * path.count("/"),
            path=path,
            parent=parent,
            version=metadata.version("flowlab"),
            contents=self.contents,
            previous=items[at - 1] if at else None,
            next=items[at + 1] if at is not None and at + 1 < len(items) else None,
            **content,
        )
        return page.encode()


def _contents(texts: Mapping[str, RenderedPage]) -> tuple[ContentsSection, ...]:
    return tuple(
        ContentsSection(
            section.title,
            (
                *(
                    Item(path, texts[path].title)
                    for path in (f"{section.folder}/{name}.html" for name in section.texts)
                ),
                *(Item(path, title) for path, title in section.generated),
            ),
        )
        for section in SECTIONS
    )


def _links(kinds: Mapping[str, list[ComponentPage]], groups: tuple[ApiGroup, ...]) -> dict[str, str]:
    """What a text may name in code, and the page of it, from the index."""
    components = {name: quote(page.path) for pages in kinds.values() for page in pages for name in page.names}
    api = {f"flowlab.api.{entry.name}": f"{API}#{entry.name}" for group in groups for entry in group.names}
    return components | api


def _render_texts(links: Mapping[str, str]) -> dict[str, RenderedPage]:
    """The texts by their path. Each holds its pictures."""
    pictures = dict(_pictures(_PAGES))
    texts = {}
    for section in SECTIONS:
        for name in section.texts:
            stem = f"{section.folder}/{name}"
            source = _PAGES / section.folder / f"{name}.md"
            page = TextPage(f"flowlab/docs/pages/{stem}.md", f"{stem}.html", source.read_text("utf-8"))
            away = {code: posixpath.relpath(path, section.folder) for code, path in links.items()}
            texts[page.path] = render_markdown(page, pictures, away)
    return texts


def _pictures(folder: Traversable, above: str = "") -> Iterator[tuple[str, bytes]]:
    for entry in folder.iterdir():
        if entry.is_dir():
            yield from _pictures(entry, f"{above}{entry.name}/")
        elif entry.name.endswith(".png"):
            yield above + entry.name, entry.read_bytes()


def _style() -> str:
    """The style of a run's page, and what the guide adds to it."""
    page = resources.files("flowlab.html").joinpath("templates", "page.css").read_text("utf-8")
    return f"{page}\n{_template('guide.css')}"


def _template(name: str) -> str:
    return resources.files("flowlab.docs").joinpath("templates", name).read_text("utf-8")
