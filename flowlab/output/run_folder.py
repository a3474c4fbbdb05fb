"""The folder of a run: claimed before any work, filled file by file without half-written ones."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

import tomli

from flowlab.api import ExperimentError, OutputError, Problem
from flowlab.engine import atomic_file as whole_file

LOCK = "lock.toml"
SUMMARY = "summary.json"
PAGE = "report.html"
FOLDERS = ("tables", "figures")
CHECKPOINTS = "checkpoints"
_PROBE = "flowlab"


def claim_folder(
    folder: Path,
    files: Iterable[str] = (LOCK, SUMMARY, PAGE),
    folders: Iterable[str] = (*FOLDERS, CHECKPOINTS),
) -> None:
    """Make the folder, or raise OutputError where these files and folders could not be written into it.

    What a killed run left half-written there is removed. Raises ExperimentError for a folder there that is a link
    to elsewhere.
    """
    with _name_path_in_errors(folder):
        whole_file.check_writable(folder / _PROBE)
    whole_file.remove_leftovers(folder)
    for name in folders:
        inner = folder / name
        _require_inside(folder, inner)
        if inner.exists() and not inner.is_dir():
            raise OutputError(f"{inner}: can't be written: a file is in the way of a folder")
        if inner.is_dir():
            with _name_path_in_errors(inner):
                whole_file.check_writable(inner / _PROBE)
            whole_file.remove_leftovers(inner)
    for name in files:
        if (folder / name).is_dir():
            raise OutputError(f"{folder / name}: can't be written: a folder is in the way of a file")


def fill_folder(folder: Path, files: Mapping[str, bytes]) -> None:
    """Replace a former run's files by these, by relative path; touch nothing that no run has written."""
    for name in sorted(set(former_files(folder)) - set(files)):
        with _name_path_in_errors(folder / name), suppress(FileNotFoundError):
            (folder / name).unlink()
    for name, content in files.items():
        write_file(folder / name, content)


def former_files(folder: Path) -> Iterable[str]:
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


def write_file(path: Path, content: bytes) -> None:
    """Write a file as a whole or not at all. Raises OutputError."""
    with _name_path_in_errors(path):
        whole_file.write_atomically(path, content)


def _require_inside(folder: Path, inner: Path) -> None:
    """Raise ExperimentError where a link leads out of a run's folder."""
    target = inner.resolve()
    if not target.is_relative_to(folder.resolve()):
        raise ExperimentError([Problem(str(inner), f"leads out of the run's folder, to {target}")])


@contextmanager
def _name_path_in_errors(path: Path) -> Iterator[None]:
    """Name the path in place of a traceback."""
    try:
        yield
    except OSError as error:
        raise OutputError(f"{path}: can't be written: {error.strerror or error}") from error
