"""Completion through the protocol that shells speak, and through bash itself."""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
from site_packages import STAR, SitePackages

KEYS = ("use", "points", "nap", "fault")


def complete(environment: Mapping[str, str], folder: Path, line: str) -> list[str]:
    """What is offered at the end of a command line."""
    words = line.split(" ")
    asked = {"_FLOWLAB_COMPLETE": "complete_bash", "COMP_WORDS": line, "COMP_CWORD": str(len(words) - 1)}
    done = subprocess.run(
        [sys.executable, "-m", "flowlab"],
        env={**environment, **asked}, cwd=folder, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.split()


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("flowlab d", ["diff", "describe", "docs", "doctor"]),
        ("flowlab list-components --kind f", ["flow", "figure"]),
        ("flowlab describe made-", ["made-source", "made-count", "made-picture"]),
        ("flowlab describe analysis:int", ["analysis:interpolation"]),
        ("flowlab describe nothing-like-it", []),
        ("flowlab run t", ["tiny.toml"]),
        ("flowlab check ./", ["./sub/deep.toml", "./tiny.toml"]),
        ("flowlab graph su", ["sub/deep.toml"]),
        (
            "flowlab run tiny.toml --set dataset.b.",
            [f"dataset.b.{key}=" for key in (*KEYS, "seed")],
        ),
        ("flowlab check tiny.toml sub/deep.toml --set schedule.l", ["schedule.l.use=", "schedule.l.levels="]),
        ("flowlab graph tiny.toml --set figure.g.d", ["figure.g.dataset="]),
        ("flowlab run tiny.toml --set experiment.s", ["experiment.seed=", "experiment.seeds="]),
        ("flowlab run broken.toml --set ", []),
        ("flowlab run absent.toml --set ", []),
        ("flowlab run --set ", []),
    ],
)
def test_what_is_offered(
    environment: Mapping[str, str], experiment: Path, tmp_path: Path, line: str, offered: list[str]
) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub/deep.toml").write_text('[experiment]\n[schedule.l]\nuse = "noise-levels"\n')
    (tmp_path / "broken.toml").write_text("[dataset\n")
    (tmp_path / "pyproject.toml").write_text("[project]\n")
    assert complete(environment, tmp_path, line) == offered


def test_a_plugin_that_breaks_is_offered_with_its_keys(site: SitePackages, tmp_path: Path) -> None:
    source = "import no_such_package\n" + STAR
    site.add("broken", "[flowlab.dataset]\nstar = broken:Star\n", {"broken.py": source})
    site.add("bad-bytes", b"\xff")
    text = '[experiment]\n[dataset.d]\nuse = "star"\n[dataset.e]\nuse = 3\n[flow]\na = 1\n'
    (tmp_path / "x.toml").write_text(text)
    assert complete(site.environment(), tmp_path, "flowlab describe star") == ["star"]
    offered = complete(site.environment(), tmp_path, "flowlab run x.toml --set dataset.")
    assert offered == ["dataset.d.use=", "dataset.d.tips=", "dataset.d.seed=", "dataset.e.use="]


@pytest.mark.skipif(shutil.which("bash") is None, reason="needs bash")
def test_bash_itself(environment: Mapping[str, str], tmp_path: Path) -> None:
    folder = tmp_path / "bin"
    folder.mkdir()
    (folder / "flowlab").write_text(f'#!/bin/sh\nexec "{sys.executable}" -m flowlab "$@"\n')
    (folder / "flowlab").chmod(0o755)
    path = os.pathsep.join([str(folder), os.environ["PATH"]])
    script = """
        eval "$(_FLOWLAB_COMPLETE=source_bash flowlab)"
        function=$(complete -p flowlab | sed 's/.*-F \\([^ ]*\\) .*/\\1/')
        COMP_WORDS=(flowlab describe obtuse); COMP_CWORD=2
        "$function" flowlab
        echo "${COMPREPLY[@]}"
    """
    done = subprocess.run(
        ["bash", "--norc", "-c", script],
        env={**environment, "PATH": path}, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert (done.stdout, done.stderr) == ("obtuse-simplex\n", "")


@pytest.fixture
def fifty(site: SitePackages, tmp_path: Path) -> SitePackages:
    """Fifty plugins that import torch as soon as they are imported, half of them editable."""
    for i in range(50):
        modules = {f"plugin_{i}/__init__.py": "import torch\n", f"plugin_{i}/star.py": STAR}
        points = f"[flowlab.dataset]\nstar-{i} = plugin_{i}.star:Star\n"
        site.add(f"plugin-{i}", points, modules, editable=tmp_path / f"sources-{i}" if i % 2 else None)
    (tmp_path / "x.toml").write_text('[experiment]\n[dataset.d]\nuse = "star-7"\n')
    return site


@pytest.mark.parametrize(
    ("arguments", "line", "expected"),
    [
        (["list-components"], "", "plugin-49 1.0"),
        (["describe", "line"], "", "Training points on one line"),
        ([], "flowlab describe star-4", "star-49"),
        ([], "flowlab run x.toml --set dataset.", "dataset.d.tips="),
    ],
)
def test_half_a_second_with_fifty_plugins(
    fifty: SitePackages, tmp_path: Path, arguments: list[str], line: str, expected: str
) -> None:
    asked = {"COMP_WORDS": line, "COMP_CWORD": str(line.count(" ")), "_FLOWLAB_COMPLETE": "complete_bash"}
    environment = fifty.environment(**(asked if line else {}))

    def cost() -> float:
        """Seconds of processor time, which a busy machine leaves as they are; waiting there is next to none."""
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        command = [sys.executable, "-m", "flowlab", *arguments]
        done = subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, text=True, check=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        assert expected in done.stdout
        return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime

    assert min(cost() for _ in range(3)) < 0.5


def test_completion_imports_nothing_heavy(fifty: SitePackages, tmp_path: Path) -> None:
    for line in ("flowlab ", "flowlab describe star", "flowlab run ", "flowlab run x.toml --set dataset."):
        asked = {"COMP_WORDS": line, "COMP_CWORD": str(line.count(" ")), "_FLOWLAB_COMPLETE": "complete_bash"}
        done = subprocess.run(
            [sys.executable, "-X", "importtime", "-m", "flowlab"],
            env=fifty.environment(**asked), cwd=tmp_path, capture_output=True, text=True, check=True,
        )  # fmt: skip
        imported = {row.rpartition("|")[2].strip() for row in done.stderr.splitlines()}
        assert "typer" in imported
        assert not imported & {"torch", "numpy", "scipy", "matplotlib", "plugin_7"}
        assert done.stdout
