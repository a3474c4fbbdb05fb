"""The experiments that come with flowlab."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

import tomli

from flowlab.api import ExperimentError, Problem
from flowlab.api.nearest_name import nearest
from flowlab.output.run_folder import write_file
from flowlab.output.text_table import align_columns


def examples_folder() -> Path:
    """Where they are: in the package of an installed wheel, at the top of the repository elsewhere."""
    package = Path(str(files("flowlab")))
    built = package / "experiments"
    return built if built.is_dir() else package.parent / "experiments"


def find_examples() -> dict[str, Path]:
    """Their files by name."""
    return {path.stem: path for path in sorted(examples_folder().glob("*.toml"))}


def describe_examples() -> list[str]:
    """A line for each: its name and what it is about."""
    return align_columns([(name, _summarize(path.read_text("utf-8"))) for name, path in find_examples().items()])


def require_example(name: str) -> Path:
    """The file of an experiment. Raises ExperimentError with the nearest name."""
    examples = find_examples()
    if name not in examples:
        rule = "no experiment of this name comes with flowlab; 'flowlab examples' lists them"
        raise ExperimentError([Problem(name, rule, nearest(name, examples))])
    return examples[name]


def copy_examples(names: Sequence[str], folder: Path) -> list[Path]:
    """Copy experiments, and the files that they read, to a folder; the paths of the copies, experiments first.

    A file that is there already stays as it is. Raises ExperimentError where its content is another, before
    anything is written, or for a name that there is not; OutputError.
    """
    sources: dict[str, Path] = {path.name: path for path in map(require_example, names)}
    for source in tuple(sources.values()):
        sources |= {path.name: path for path in _files_read(source)}
    contents = {folder / name: source.read_bytes() for name, source in sources.items()}
    taken = [path for path, content in contents.items() if path.exists() and path.read_bytes() != content]
    if taken:
        rule = "is there already with other content, and is left as it is; --out names another folder"
        raise ExperimentError([Problem(str(path), rule) for path in taken])
    for path, content in contents.items():
        write_file(path, content)
    return list(contents)


def _files_read(experiment: Path) -> Iterator[Path]:
    """The files beside an experiment that it names in some value."""
    for text in _texts(tomli.loads(experiment.read_text("utf-8"))):
        file = experiment.parent / text.rpartition("/")[2]
        if text and file.is_file():
            yield file


def _texts(value: Any) -> Iterator[str]:
    """All texts in a value."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _texts(item)


def _summarize(text: str) -> str:
    """The comment at the head of a file, up to its first full stop, colon or semicolon."""
    lines: list[str] = []
    for line in text.splitlines():
        if not line.startswith("# "):
            break
        lines.append(line.removeprefix("# "))
    head = " ".join(lines)
    ends = [head.find(mark) for mark in (". ", ": ", "; ") if mark in head]
    return head[: min(ends, default=len(head))].removesuffix(".")
