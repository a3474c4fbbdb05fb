"""The folder of a run: claimed before any work, filled file by file without half-written ones."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

import tomli

from flowlab.api import OutputError
from flowlab.engine import whole_file

LOCK = "lock.toml"
SUMMARY = "summary.json"
PAGE = "report.html"
FOLDERS = ("tables", "figures")
_PROBE = "flowlab"


def claim(folder: Path, files: Iterable[str] = (LOCK, SUMMARY, PAGE), folders: Iterable[str] = FOLDERS) -> None:
    """Make the folder, or raise OutputError where these files and folders could not be written into it."""
    with _blaming(folder):
        whole_file.probe(folder / _PROBE)
    for name in folders:
        inner = folder / name
        if inner.exists() and not inner.is_dir():
            raise OutputError(f"{inner}: can't be written: a file is in the way of a folder")
        if inner.is_dir():
            with _blaming(inner):
                whole_file.probe(inner / _PROBE)
    for name in files:
        if (folder / name).is_dir():
            raise OutputError(f"{folder / name}: can't be written: a folder is in the way of a file")


def fill(folder: Path, files: Mapping[str, bytes]) -> None:
    """Replace a former run's files by these, by relative path; touch nothing that no run has written."""
    for name in sorted(set(former(folder)) - set(files)):
        with _blaming(folder / name), suppress(FileNotFoundError):
            (folder / name).unlink()
    for name, content in files.items():
        replace(folder / name, content)


def former(folder: Path) -> Iterable[str]:
    """The tables and figures that a former run lists in its lock; none where the lock can't be trusted."""
    try:
        content = tomli.loads((folder / LOCK).read_text("utf-8"))
        # flowlab wrote a list of them before it took their digests
        paths = [Path(name) for name in content.get("files") or content["run"]["files"]]
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return ()
    return tuple(
        path.as_posix()
        for path in paths
        if len(path.parts) == 2 and path.parts[0] in FOLDERS and path.parts[1] != ".."
    )


def replace(path: Path, content: bytes) -> None:
    """Write a file as a whole or not at all. Raises OutputError."""
    with _blaming(path):
        whole_file.replace(path, content)


@contextmanager
def _blaming(path: Path) -> Iterator[None]:
    """Name the path in place of a traceback."""
    try:
        yield
    except OSError as error:
        raise OutputError(f"{path}: can't be written: {error.strerror or error}") from error
