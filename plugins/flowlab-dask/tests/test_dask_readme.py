"""What the README shows of clusters is what happens; SLURM's `srun` is a stand-in that starts two tasks."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest
from markdown_it import MarkdownIt
from running import kill

README = Path(__file__).parents[1] / "README.md"
EXPERIMENT = """
[experiment]
name = "shown"

[dataset.nap]
use = "nap"
marks = "{marks}"
"""
SRUN = '#!/bin/sh\nfor task in 1 2; do "$@" & done\nwait\n'

pytestmark = pytest.mark.slow


def shown(words: str) -> str:
    """The indented block that has these words."""
    tokens = MarkdownIt("commonmark").parse(README.read_text())
    [found] = [token.content for token in tokens if token.type == "code_block" and words in token.content]
    return found


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "experiment.toml").write_text(EXPERIMENT.format(marks=tmp_path / "marks"))
    (tmp_path / "srun").write_text(SRUN)
    (tmp_path / "srun").chmod(0o755)
    return tmp_path


def follow(script: str, folder: Path, environment: Mapping[str, str]) -> str:
    """Do it, and end what it leaves running."""
    path = os.pathsep.join([str(folder), os.environ["PATH"]])
    with (folder / "log").open("wb") as log:
        shell = subprocess.Popen(
            ["bash", "-euc", script],
            cwd=folder,
            env={**environment, "PATH": path, "SLURM_JOB_ID": "7"},
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
        try:
            code = shell.wait(timeout=100)
        finally:
            kill(shell)
    said = (folder / "log").read_text()
    assert code == 0, said
    assert len(list((folder / "marks").iterdir())) == 1  # a worker was at it
    return said


def test_on_one_machine(folder: Path, environment: Mapping[str, str]) -> None:
    assert "1 of 1 nodes" in follow(shown("--nworkers 2"), folder, environment)


def test_under_slurm(folder: Path, environment: Mapping[str, str]) -> None:
    assert "1 of 1 nodes" in follow(shown("#SBATCH"), folder, environment)


def test_with_tls_who_has_no_key_is_turned_away(folder: Path, environment: Mapping[str, str]) -> None:
    script = shown("#SBATCH").replace("--no-dashboard", "--no-dashboard --protocol tls --host 127.0.0.1")
    again = (
        "env -u DASK_DISTRIBUTED__COMM__TLS__CLIENT__KEY -u DASK_DISTRIBUTED__COMM__TLS__CLIENT__CERT flowlab run "
        "experiment.toml --executor dask --set executor.greeting=3.0 "
        '--set executor.scheduler_file="$file" --out other || echo left with $?'
    )
    said = follow(f"{shown('openssl')}\n{script}\n{again}", folder, environment)
    assert json.loads((folder / "cluster-7.json").read_text())["address"].startswith("tls://")
    assert "1 of 1 nodes" in said
    assert "Dask's configuration names no certificate and key for a client" in said
    assert "left with 4" in said
    assert (folder / "dask.key").stat().st_mode & 0o077 == 0
