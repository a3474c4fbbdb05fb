"""The arguments and options that several commands have."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from flowlab.api import ExperimentError, Problem
from flowlab.cli import completion
from flowlab.output.terminal import print_error


def _find_file(path: Path) -> Path:
    """The file, or of a name that no file here has, the experiment that comes with flowlab."""
    if path.is_file() or path.suffix or len(path.parts) != 1:
        return path
    from flowlab.scaffold.examples import require_example

    try:
        return require_example(path.name)
    except ExperimentError as error:
        if path.exists():  # a folder, say: who reads it says what is wrong with it
            return path
        [problem] = error.problems
        rule = f"there is no such file, and {problem.message}"
        print_error(str(Problem(problem.where, rule, problem.suggestion)))
        raise typer.Exit(error.exit_code) from error


def _find_argument(context: typer.Context, path: Path) -> Path:
    return path if context.resilient_parsing else _find_file(path)  # as it is while the shell completes a line


def _find_arguments(context: typer.Context, paths: list[Path]) -> list[Path]:
    return paths if context.resilient_parsing else [_find_file(path) for path in paths]


_EXPERIMENT = "experiment file (TOML), or the name of one that comes with flowlab"
File = Annotated[
    Path,
    typer.Argument(
        help=_EXPERIMENT, show_default=False, autocompletion=completion.experiments, callback=_find_argument
    ),
]
Files = Annotated[
    list[Path],
    typer.Argument(
        help=_EXPERIMENT, show_default=False, autocompletion=completion.experiments, callback=_find_arguments
    ),
]
Past = Annotated[Path, typer.Argument(help="a run's folder, or a lock file", metavar="RUN", show_default=False)]
Settings = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="KIND.NAME.KEY=VALUE",
        help="replace a value of the file; repeatable",
        autocompletion=completion.settings,
    ),
]
Only = Annotated[
    list[str] | None,
    typer.Option("--only", metavar="KIND.NAME", help="this node and what it needs; repeatable [default: all]"),
]
Debug = Annotated[bool, typer.Option("--debug", help="show tracebacks")]
Json = Annotated[bool, typer.Option("--json", help="print JSON")]
