"""The guide as a folder of HTML pages that need no network and no file but each other."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib import metadata, resources
from pathlib import Path
from typing import Any
from urllib.parse import quote

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from flowlab.api import KINDS
from flowlab.docs.components import FOLDER, component_pages, to_html
from flowlab.docs.markdown import RenderedPage, extract_section, render_markdown
from flowlab.output.run_folder import claim_folder, write_file
from flowlab.registry.registry import Registry

INDEX = "index.html"
_TEXTS = ("tour", "theory")
_LANGUAGE = "The language in a page"


def write_site(registry: Registry, out: Path) -> str:
    """Write the guide, and return where it begins. Raises OutputError.

    Pages of components that are no longer installed stay where they are; nothing leads to them.
    """
    files = build_site(registry)
    claim_folder(out, (name for name in files if "/" not in name), (FOLDER,))
    for name, content in files.items():
        write_file(out / name, content)
    return str(out / INDEX)


def build_site(registry: Registry) -> dict[str, bytes]:
    """The pages by their path from the index. Equal installations give equal pages."""
    kinds = component_pages(registry)
    texts = dict(_texts({name: quote(one.path) for kind in kinds.values() for one in kind for name in one.names}))
    environment = Environment(
        loader=PackageLoader("flowlab.docs"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["marked"] = to_html
    shared = {
        "style": Markup(_style()),
        "version": metadata.version("flowlab"),
        "texts": {f"{name}.html": text.title for name, text in texts.items()},
    }

    def page(template: str, root: str, **content: Any) -> bytes:
        return environment.get_template(template).render(root=root, **shared, **content).encode()

    files = {INDEX: page("index.html", "", kinds=kinds, help=KINDS)}
    files |= {f"{name}.html": page("text.html", "", text=text) for name, text in texts.items()}
    for kind in kinds.values():
        files |= {one.path: page("component.html", "../", one=one, kind=KINDS[one.entry.kind]) for one in kind}
    return files


def _texts(paths: Mapping[str, str]) -> Iterator[tuple[str, RenderedPage]]:
    """The pages to be read from top to bottom; that of the language is a part of the README, in the metadata."""
    folder = resources.files("flowlab.docs")
    pictures = {one.name: one.read_bytes() for one in folder.iterdir() if one.name.endswith(".png")}
    for name in _TEXTS:
        yield name, render_markdown(folder.joinpath(f"{name}.md").read_text("utf-8"), pictures, paths)
    about = metadata.metadata("flowlab")
    language = extract_section(about.get("Description") or str(about.get_payload()), _LANGUAGE)  # type: ignore[attr-defined]
    if language:
        yield "language", render_markdown(language, {}, paths)


def _style() -> str:
    """The style of a run's page, and what the guide adds to it."""
    sheets = (("flowlab.html", "page.css"), ("flowlab.docs", "guide.css"))
    return "\n".join(
        resources.files(package).joinpath("templates", name).read_text("utf-8") for package, name in sheets
    )
