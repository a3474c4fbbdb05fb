"""Editable distributions whose pyproject.toml was changed after they were installed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import tomli
from attrs import frozen

from flowlab.registry.distributions import GROUPS, Distribution, EntryPoint


@frozen
class PyprojectDiff:
    """What a distribution's pyproject.toml says of its entry points and its installed metadata doesn't, and
    the other way round; `fault` says why the file can't be read, if it can't."""

    distribution: Distribution
    file: Path
    added: tuple[EntryPoint, ...] = ()
    removed: tuple[EntryPoint, ...] = ()
    fault: str = ""

    def __bool__(self) -> bool:
        return bool(self.added or self.removed or self.fault)


def diff_pyproject(distribution: Distribution) -> PyprojectDiff:
    """Compare an editable distribution's sources with its installed entry points."""
    file = Path(distribution.root) / "pyproject.toml"
    try:
        project = tomli.loads(file.read_bytes().decode()).get("project")
        if not isinstance(project, dict) or "entry-points" in project.get("dynamic", ()):
            return PyprojectDiff(distribution, file)  # they are declared elsewhere
        offered = set(_points(project.get("entry-points", {})))
    except FileNotFoundError:
        return PyprojectDiff(distribution, file)
    except (OSError, ValueError, RecursionError, TypeError, AttributeError) as error:
        return PyprojectDiff(distribution, file, fault=str(error))
    held = set(distribution.points)
    return PyprojectDiff(distribution, file, _sorted(offered - held), _sorted(held - offered))


def _points(groups: dict[str, dict[str, Any]]) -> list[EntryPoint]:
    return [
        EntryPoint(group, name, target)
        for group, lines in groups.items()
        if group in GROUPS
        for name, target in lines.items()
    ]


def _sorted(points: set[EntryPoint]) -> tuple[EntryPoint, ...]:
    return tuple(sorted(points, key=lambda point: (point.group, point.name)))
