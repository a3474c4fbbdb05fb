"""Writing a first experiment."""

from __future__ import annotations

import re
from importlib.resources import files
from pathlib import Path

from flowlab.api import ExperimentError, OutputError, Problem
from flowlab.spec.experiment_settings import NAME


def write_first_experiment(path: Path) -> None:
    """Write an experiment with the name of its file, which runs in seconds and explains itself.

    Raises ExperimentError where the name is not valid for an experiment or the file exists, and OutputError where
    the file cannot be written.
    """
    if not re.fullmatch(NAME.expression, path.stem):
        raise ExperimentError([Problem(str(path), f"the experiment's name, {path.stem!r}, must be {NAME.rule}")])
    template = files("flowlab.scaffold").joinpath("templates", "experiment.toml").read_text("utf-8")
    text = template.replace("NAME", path.stem, 1)
    try:
        with path.open("x", encoding="utf-8", newline="\n") as file:
            file.write(text)
    except FileExistsError as error:
        raise ExperimentError([Problem(str(path), "is there already, and is left as it is")]) from error
    except OSError as error:
        raise OutputError(f"{path}: can't be written: {error.strerror or error}") from error
