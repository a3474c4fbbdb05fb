"""Templates of ours as pages that need nothing else: no network, no other file."""

from __future__ import annotations

import base64
import hashlib
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from flowlab.engine.versions import installed_versions

_LARGEST_SVG = 1 << 20  # bytes; a page shows the PNG of a figure of more strokes than that


def make_environment(package: str) -> Environment:
    """The templates of a package: texts are escaped, and a value that is missing is an error."""
    return Environment(
        loader=PackageLoader(package),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def render_page(template: str, *scripts: str, **values: Any) -> bytes:
    """A page that runs these scripts and no other."""
    environment = make_environment("flowlab.html")
    script = Markup("").join(_asset(environment, name) for name in ("page.js", *scripts))
    made = environment.get_template(template).render(
        version=installed_versions(("flowlab",))["flowlab"],
        style=_asset(environment, "page.css"),
        script=script,
        script_hash=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
        **values,
    )
    return made.encode()


def to_data_url(svg: bytes, png: bytes) -> str:
    """A figure as a URL that holds it."""
    kind, content = ("svg+xml", svg) if len(svg) <= _LARGEST_SVG else ("png", png)
    return f"data:image/{kind};base64,{base64.b64encode(content).decode()}"


def _asset(environment: Environment, name: str) -> Markup:
    """A file of ours, which holds no text of others."""
    assert environment.loader is not None
    return Markup(environment.loader.get_source(environment, name)[0])
