"""The installed distributions as their metadata files tell of them; nothing of theirs is imported."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from urllib.parse import unquote, urlsplit

from attrs import frozen

from flowlab.api import KINDS

API_GROUP = "flowlab.api"
GROUPS = {API_GROUP, *(kind.group for kind in KINDS.values())}


@frozen
class EntryPoint:
    """One line of a distribution's entry points: its group, name and `module:Class`."""

    group: str
    name: str
    target: str


@frozen
class Distribution:
    """A distribution, and its entry points that are meant for flowlab.

    `root` is the folder it is installed in, or that of its sources where it is `editable`; `fault` says why
    its entry points can't be read, and is empty where they can.
    """

    name: str
    version: str
    root: str
    editable: bool = False
    points: tuple[EntryPoint, ...] = ()
    fault: str = ""

    @property
    def api(self) -> tuple[str, ...]:
        """The API versions that it says it is written for; empty where it says nothing."""
        return tuple(point.name for point in self.points if point.group == API_GROUP)


def normalize_name(name: str) -> str:
    """A distribution's name in the spelling by which two are compared."""
    return re.sub(r"[-_.]+", "-", name).lower()


def installed_distributions() -> Iterator[Distribution]:
    """Every installed distribution once: where one is found twice on the path, the first counts."""
    seen: set[str] = set()
    for installed in metadata.distributions():
        distribution = _read(installed)
        if distribution is not None and normalize_name(distribution.name) not in seen:
            seen.add(normalize_name(distribution.name))
            yield distribution


def _read(installed: metadata.Distribution) -> Distribution | None:
    """A distribution; None for a folder without a name, which was left behind by an uninstall."""
    sources = _sources(installed)
    root = sources or str(installed.locate_file(""))
    try:
        text = installed.read_text("METADATA") or installed.read_text("PKG-INFO") or ""
        name, version = _header(text, "Name"), _header(text, "Version")
    except (OSError, ValueError):
        name = version = ""
    if not name:
        return None
    try:
        points = tuple(
            EntryPoint(point.group, point.name, point.value)
            for point in installed.entry_points
            if point.group in GROUPS
        )
    except Exception as error:  # the standard library's parser has no error of its own
        reason = " ".join(f"{type(error).__name__}: {error}".split())
        fault = f"its entry_points.txt can't be read ({reason})"
        return Distribution(name, version, root, sources is not None, fault=fault)
    return Distribution(name, version, root, sources is not None, points)


def _header(text: str, key: str) -> str:
    """A field of the metadata. A whole email parser for two lines takes ten times as long."""
    match = re.search(rf"^{key}:[ \t]*(.+)$", text.partition("\n\n")[0], re.MULTILINE)
    return match[1].strip() if match else ""


def _sources(installed: metadata.Distribution) -> str | None:
    """The folder of an editable distribution, by its direct_url.json (PEP 610)."""
    try:
        about = json.loads(installed.read_text("direct_url.json") or "{}")
        if about.get("dir_info", {}).get("editable"):
            return str(Path(unquote(urlsplit(about["url"]).path)))
    except (OSError, ValueError, TypeError, AttributeError, KeyError):
        pass  # it is then listed as an ordinary one
    return None
