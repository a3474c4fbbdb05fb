"""Every shipped experiment is sound, and its small version runs as its header says."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
EXPERIMENTS = sorted((ROOT / "experiments").glob("*.toml"))


def small(path):
    """The settings that a header names below `In seconds:`; none for an experiment that needs none."""
    header = re.match(r"(#.*\n)*", path.read_text())[0]
    return re.findall(r"--set \S+", header.partition("In seconds:")[2])


def flowlab(*arguments):
    command = [sys.executable, "-m", "flowlab", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("path", EXPERIMENTS, ids=lambda path: path.stem)
def test_the_experiment_and_its_small_version_check(path):
    for settings in ([], small(path)):
        done = flowlab("check", str(path), *" ".join(settings).split())
        assert done.returncode == 0, done.stderr


@pytest.mark.slow
@pytest.mark.parametrize("path", EXPERIMENTS, ids=lambda path: path.stem)
def test_the_small_version_runs(path, tmp_path):
    done = flowlab("run", str(path), "--out", str(tmp_path), "--quiet", *" ".join(small(path)).split())
    assert done.returncode == 0, done.stdout + done.stderr
    claims = json.loads((tmp_path / "summary.json").read_text())["claims"]
    assert len(claims) == path.read_text().count('use = "claim"')
    assert bool(list((tmp_path / "figures").glob("*.png"))) == ("[figure." in path.read_text())
