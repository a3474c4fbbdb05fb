"""`extends = "other.toml"` in [experiment]: a file that changes another's tables and keys."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from attrs import evolve, frozen

from flowlab.api import ExperimentError, Problem, parameter
from flowlab.spec.document import Document, parse_document, read_document
from flowlab.spec.overrides import EXECUTOR

EXTENDS = "extends"
_KEY = ("experiment", EXTENDS)


@frozen(kw_only=True)
class FileSettings:
    """What a file says of itself in [experiment]; the experiment that it makes with its base does not hold it."""

    extends: str | None = parameter(
        None, help="another file, relative to this one, whose tables and keys this file changes"
    )


def read_experiment(path: Path) -> Document:
    """Read an experiment's file, and the files that it extends. Raises ExperimentError as `read_document` does,
    and for a base that is missing, a circle of bases, or no name of its own."""
    return _read(path, ())


def parse_experiment(name: str, raw: bytes) -> Document:
    """An experiment's text. Raises ExperimentError as `parse_document` does, and where it extends a file."""
    document = parse_document(name, raw)
    if EXTENDS in _experiment(document):
        rule = "only a file can extend another: the path is relative to its folder"
        raise ExperimentError([Problem(document.where(*_KEY), rule)])
    return document


def _read(path: Path, above: tuple[Path, ...]) -> Document:
    """The file at a path, which the files above it extend one after another."""
    own = read_document(path)
    if EXTENDS not in _experiment(own):
        return own
    base = own.data["experiment"][EXTENDS]
    where = own.where(*_KEY, value=True)
    if not isinstance(base, str) or not base:
        raise ExperimentError(
            [Problem(where, f"{EXTENDS} must be the path of an experiment's file, found {base!r}")]
        )
    target, files = path.parent / base, (*above, path)
    try:
        with target.open("rb"):
            pass
        circle = [file.resolve() for file in files]
        target_is_above = target.resolve() in circle
    except (OSError, ValueError) as error:  # ValueError: a name with NUL
        missing = isinstance(error, FileNotFoundError)
        reason = "there is no such file" if missing else getattr(error, "strerror", None) or str(error)
        raise ExperimentError([Problem(where, f"{EXTENDS} = {base!r}: {reason}")]) from error
    if target_is_above:
        first = circle.index(target.resolve())
        names = " -> ".join(str(file) for file in (*files[first:], files[first]))
        raise ExperimentError([Problem(where, f"a circle of files: {names}")])
    if "name" not in own.data["experiment"]:
        rule = "needs a name of its own: its runs would take the place of those of the file that it extends"
        raise ExperimentError([Problem(own.where("experiment"), rule)])
    return merge_documents(_read(target, files), own)


def merge_documents(base: Document, own: Document) -> Document:
    """The base with the tables and keys of another document in place of, or beside, its own.

    A key takes the place of the key. A table with another `use`, and a table of a sweep, takes the place of the
    whole table. An experiment has one executor, so a new one takes the place of the base's.
    """
    data = dict(base.data)
    replaced: list[tuple[str, ...]] = [_KEY]
    for kind, tables in own.data.items():
        known = data.get(kind)
        if not isinstance(tables, dict) or not isinstance(known, dict):
            data[kind] = tables
            replaced += [(kind,)] if known is not None else []
            continue
        if kind == EXECUTOR:
            replaced += [(kind, name) for name in known if name not in tables]
            known = {name: table for name, table in known.items() if name in tables}
        data[kind] = dict(known)
        for name, table in tables.items():
            if name in known and _changes_keys(kind, known[name], table):
                data[kind][name] = {**known[name], **table}
            else:
                data[kind][name] = table
                replaced.append((kind, name))
    data["experiment"] = {key: value for key, value in data["experiment"].items() if key != EXTENDS}
    marks = {
        path: evolve(mark, file=mark.file or base.path)
        for path, mark in base.marks.items()
        if not any(path[: len(gone)] == gone for gone in replaced)
    }
    starts = {path: base.starts.get(path, base.folder) for path in marks if path not in own.marks}
    text = f"# {base.path}\n{base.text}\n\n# {own.path}\n{own.text}"
    files = (own.path, *base.files)
    return evolve(own, data=data, marks={**marks, **own.marks}, starts=starts, text=text, files=files)


def _changes_keys(kind: str, base: Any, own: Any) -> bool:
    """Whether a table changes keys of the base's, rather than taking its place."""
    both = isinstance(base, dict) and isinstance(own, dict)
    return both and kind != "sweep" and own.get("use", base.get("use")) == base.get("use")


def _experiment(document: Document) -> dict[str, Any]:
    table = document.data.get("experiment")
    return table if isinstance(table, dict) else {}
