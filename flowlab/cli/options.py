"""The arguments and options that several commands have."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from flowlab.cli import completion

File = Annotated[
    Path, typer.Argument(help="experiment file (TOML)", show_default=False, autocompletion=completion.experiments)
]
Files = Annotated[
    list[Path],
    typer.Argument(help="experiment files (TOML)", show_default=False, autocompletion=completion.experiments),
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
