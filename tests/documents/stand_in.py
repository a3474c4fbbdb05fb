"""In place of programs that install, or that take long: `stand_in.py NAME ARGUMENTS` does what can be checked.

`python3 -m venv` makes a folder of stand-ins, `pip install` writes the metadata that it would: the real one takes
the network and minutes, and CI does it (.ci/run). Where FLOWLAB_REHEARSAL is set, `flowlab run` checks its
experiments instead, and `pytest` collects its tests. Anything else is done by the program itself.
"""

from __future__ import annotations

import json
import os
import re
import sys
import tomllib
from pathlib import Path

REHEARSAL = "FLOWLAB_REHEARSAL"
STAND_INS = ("python3", "pip", "pytest", "flowlab")


def make(folder: Path) -> None:
    """Fill a folder with the stand-ins."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in STAND_INS:
        program = folder / name
        program.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{Path(__file__).resolve()}" {name} "$@"\n')
        program.chmod(0o755)


def install(requirement: str, editable: bool) -> None:
    """Note a distribution as installed in $SITE; a name without a folder is one of this repository's plugins."""
    target, extras = re.fullmatch(r"([^\[]+)(?:\[(.*)\])?", requirement).groups()
    if not editable and target.startswith("torch=="):
        assert f"{target} " in Path(os.environ["ROOT"], ".ci/run").read_text(), f"CI has another version: {target}"
        return
    folder = Path(target).resolve() if editable else Path(os.environ["ROOT"], "plugins", target)
    about = tomllib.loads((folder / "pyproject.toml").read_text())["project"]
    for extra in filter(None, (extras or "").split(",")):
        assert extra in about["optional-dependencies"], f"{target} has no extra {extra!r}"
    if about["name"] == "flowlab":
        return
    info = Path(os.environ["SITE"], f"{about['name'].replace('-', '_')}-{about['version']}.dist-info")
    info.mkdir(exist_ok=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {about['name']}\nVersion: {about['version']}\n")
    points = "".join(
        f"[{group}]\n" + "".join(f"{name} = {value}\n" for name, value in names.items())
        for group, names in about["entry-points"].items()
    )
    (info / "entry_points.txt").write_text(points)
    (info / "direct_url.json").write_text(json.dumps({"url": folder.as_uri(), "dir_info": {"editable": True}}))
    (Path(os.environ["SITE"]) / "paths").open("a").write(f"{folder}\n")


def stand_in(name: str, arguments: list[str]) -> list[str]:
    """The command to go on with, none where all is done."""
    rehearsal = REHEARSAL in os.environ
    match name, arguments:
        case "python3", ["-m", "venv", folder]:
            make(Path(folder, "bin"))
            return []
        case "pip", ["install", *rest]:
            editable = False
            for one in rest:
                if one == "-e":
                    editable = True
                elif not one.startswith("-"):
                    install(one, editable)
                    editable = False
            return []
        case "pytest", [] | ["-n", "auto"] if rehearsal:  # the suite doesn't run itself
            return []
        case "pytest", paths if rehearsal:
            return [sys.executable, "-m", "pytest", "--collect-only", "-q", *paths]
        case "flowlab", ["run", *rest] if rehearsal:
            return [sys.executable, "-m", "flowlab", "check", *checked(rest)]
        case (("flowlab" | "pytest" | "pip"), _):
            return [sys.executable, "-m", name, *arguments]
    return [sys.executable, *arguments]


def checked(arguments: list[str]) -> list[str]:
    """Of a run's arguments those of a check."""
    kept, rest = [], list(arguments)
    while rest:
        match rest:
            case ["--out" | "--device" | "--only", _, *rest]:
                pass
            case ["--quiet" | "--no-store" | "--json", *rest]:
                pass
            case [one, *rest]:
                kept.append(one)
    return kept


if __name__ == "__main__":
    command = stand_in(sys.argv[1], sys.argv[2:])
    if command:
        paths = Path(os.environ["SITE"]) / "paths"
        added = paths.read_text().split() if paths.exists() else []
        os.environ["PYTHONPATH"] = os.pathsep.join(
            filter(None, [os.environ["SITE"], *added, os.environ.get("PYTHONPATH")])
        )
        os.execv(command[0], command)
