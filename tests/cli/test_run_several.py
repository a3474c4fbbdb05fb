"""`flowlab run` on several files."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

Run = Callable[..., "subprocess.CompletedProcess[str]"]

CLAIM = """
[analysis.many]
use = "claim"
text = "there are many points"
source = "here"
ours = "a"
metric = "points"
at_least = 3.0

[analysis.a]
use = "made-count"
dataset = "a"
"""


@pytest.fixture
def pair(experiment: Path, tmp_path: Path) -> tuple[Path, Path]:
    """Two experiments that claim, the second in vain."""
    text = experiment.read_text() + CLAIM
    experiment.write_text(text)
    other = tmp_path / "other.toml"
    other.write_text(
        text.replace('"tiny"', '"other"').replace(
            '[dataset.a]\nuse = "made-source"', '[dataset.a]\nuse = "made-source"\npoints = 2'
        )
    )
    return experiment, other


def rows(folder: Path) -> list[list[str]]:
    lines = (folder / "claims.md").read_text().splitlines()[2:]
    return [[cell.strip() for cell in line.split("|")[1:-1]] for line in lines]


@pytest.mark.slow
def test_each_has_its_folder_and_all_claims_one_table(
    flowlab: Run, pair: tuple[Path, Path], tmp_path: Path
) -> None:
    done = flowlab("run", *pair)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "runs/tiny/summary.json").exists()
    assert (tmp_path / "runs/other/figures/f.png").exists()
    assert [[row[0], row[4], *row[7:]] for row in rows(tmp_path / "runs")] == [
        ["tiny", "3", "one", "holds"],
        ["other", "2", "one", "fails"],
    ]
    assert done.stdout.splitlines()[-1] == "runs/claims.md"
    assert "Claims, 1 of 2 hold, 1 fails" in done.stdout
    claims = json.loads((tmp_path / "runs/other/summary.json").read_text())["claims"]
    assert [claim["verdict"] for claim in claims] == ["fails"]


@pytest.mark.slow
def test_json_of_several_is_a_list(flowlab: Run, pair: tuple[Path, Path], tmp_path: Path) -> None:
    done = flowlab("run", *pair, "--json", "--quiet", "--out", "o")
    assert [one["experiment"]["name"] for one in json.loads(done.stdout)] == ["tiny", "other"]
    assert (tmp_path / "o/tiny/lock.toml").exists()


@pytest.mark.slow
def test_one_that_fails_does_not_stop_the_others(flowlab: Run, pair: tuple[Path, Path], tmp_path: Path) -> None:
    pair[0].write_text(
        pair[0]
        .read_text()
        .replace("points = 2", 'points = 2\nfault = "node"')
        .replace('dataset = "a"', 'dataset = "b"')
    )
    done = flowlab("run", *pair)
    assert done.returncode == 1
    assert [row[8] for row in rows(tmp_path / "runs")] == ["not known", "fails"]


@pytest.mark.slow
def test_a_folder_lost_on_the_way_does_not_stop_the_others(
    flowlab: Run, pair: tuple[Path, Path], tmp_path: Path
) -> None:
    # the first experiment takes its own folder's tables away while it runs
    text = pair[0].read_text()
    pair[0].write_text(text.replace("points = 2", 'points = 2\nfault = "tables"'))
    done = flowlab("run", *pair)
    assert done.returncode == 4
    assert "runs/tiny/tables" in done.stderr
    assert [row[8] for row in rows(tmp_path / "runs")] == ["not known", "fails"]


def test_mistakes_of_all_files_are_told_before_any_work(
    flowlab: Run, pair: tuple[Path, Path], tmp_path: Path
) -> None:
    for file in pair:
        file.write_text(file.read_text().replace("made-picture", f"picture-of-{file.stem}"))
    done = flowlab("run", *pair, "absent.toml")
    assert (done.returncode, done.stdout) == (2, "")
    assert all(name in done.stderr for name in ("picture-of-tiny", "picture-of-other", "absent.toml:1:1"))
    assert not (tmp_path / "runs").exists()
    assert flowlab("check", *pair).stderr.count("\n") == 4


def test_two_of_one_name_are_refused(flowlab: Run, pair: tuple[Path, Path], tmp_path: Path) -> None:
    pair[1].write_text(pair[1].read_text().replace('"other"', '"Tiny"'))
    done = flowlab("run", *pair)
    assert done.returncode == 2
    assert "other.toml" in done.stderr
    assert "one folder" in done.stderr
    assert not (tmp_path / "runs").exists()


def test_a_folder_in_the_way_of_the_claims(flowlab: Run, pair: tuple[Path, Path], tmp_path: Path) -> None:
    (tmp_path / "runs/claims.md").mkdir(parents=True)
    done = flowlab("run", *pair)
    assert (done.returncode, done.stdout) == (4, "")
    assert "claims.md" in done.stderr
