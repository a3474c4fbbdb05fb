"""`flowlab examples`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from flowlab.cli import completion
from flowlab.cli.errors import handle_errors
from flowlab.cli.options import Debug
from flowlab.output.terminal import echo


def examples(
    names: Annotated[
        list[str] | None,
        typer.Argument(
            help="experiments to copy [default: list all]", show_default=False, autocompletion=completion.examples
        ),
    ] = None,
    out: Annotated[Path, typer.Option(help="folder for the copies")] = Path("experiments"),
    everything: Annotated[bool, typer.Option("--all", help="copy all of them")] = False,
    debug: Debug = False,
) -> None:
    """List the experiments that come with flowlab, or copy some of them with the data that they read."""
    with handle_errors(debug):
        from flowlab.scaffold.examples import copy_examples, describe_examples, find_examples

        chosen = list(find_examples()) if everything else names or []
        if chosen:
            echo("\n".join(map(str, copy_examples(chosen, out))))
        else:
            how = "flowlab run NAME runs one; flowlab examples NAME copies it, to be changed"
            echo("\n".join([*describe_examples(), "", how]))
