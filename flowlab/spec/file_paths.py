"""Where the paths of an experiment start: in its file's folder; on the command line, in the current folder."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Mapping
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import attrs

from flowlab.api.fields import path_fields

T = TypeVar("T")


def locate_files(component: T, folder: Path) -> T:
    """The component with paths that can be opened: those that are relative start at `folder`."""
    names = path_fields(type(component)) if folder != Path() else ()
    return _evolve(component, names, lambda path: str(folder / path))


def rebase_paths(component: T, folder: Path, starts: Mapping[str, Path]) -> T:
    """The component whose paths in some fields start in another folder, with the same paths from `folder`."""
    target = os.path.realpath(folder)
    for name in path_fields(type(component)):
        if name in starts:
            start = os.path.realpath(starts[name])
            component = _evolve(component, [name], partial(_rebase, start=start, target=target))
    return component


def _rebase(path: str, start: str, target: str) -> str:
    return path if os.path.isabs(path) else os.path.relpath(os.path.join(start, path), target)


def locate_swept(values: Mapping[str, Any], fields: Mapping[str, Collection[str]], folder: Path) -> dict[str, Any]:
    """A sweep's table with paths that can be opened; `fields` are the path fields of each `kind.name`."""
    located = dict(values)
    for path, settings in values.items():
        node, _, key = path.rpartition(".")
        if folder != Path() and key in fields.get(node, ()) and isinstance(settings, list):
            located[path] = [_map_paths(setting, lambda name: str(folder / name)) for setting in settings]
    return located


def path_as_written(path: str, folder: Path) -> str:
    """A path that `locate_files` made, as it was before."""
    start = f"{folder}{os.sep}"
    return path.removeprefix(start) if folder != Path() else path


def _evolve(component: T, names: Collection[str], change: Callable[[str], str]) -> T:
    changes = {name: _map_paths(getattr(component, name), change) for name in names}
    changed: T = attrs.evolve(component, **changes) if changes else component  # type: ignore[misc]
    return changed


def _map_paths(value: Any, change: Callable[[str], str]) -> Any:
    """A path, several or none, each changed."""
    if isinstance(value, tuple | list):
        return type(value)(map(change, value))
    return change(value) if isinstance(value, str) else value
