"""`flowlab rerun`, `verify` and `diff` through the real entry point, with drift as it comes about."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import tomli
from site_packages import STAR, SitePackages

COUNTED = '''

@frozen
class Count:
    """How many points a star has."""

    dataset: str = reference("dataset", help="what is counted")

    def build(self, context, *, dataset):
        return Result(dataset, {"tips": dataset}, {"all": Table({"tips": [dataset]})})


@frozen
class Picture:
    """A picture."""

    dataset: str = reference("dataset", help="what it shows")

    def build(self, context, *, dataset):
        from matplotlib.figure import Figure

        return Result(Figure())
'''
SOURCE = STAR.replace("import Result, parameter", "import Result, Table, parameter, reference") + COUNTED
POINTS = (
    "[flowlab.dataset]\nstar = star:Star\n[flowlab.analysis]\nstar-count = star:Count\n"
    "[flowlab.figure]\nstar-picture = star:Picture\n"
)
EXPERIMENT = """
[experiment]
name = "tiny"

[dataset.a]
use = "star"

[dataset.b]
use = "star"
tips = 7

[analysis.n]
use = "star-count"
dataset = "a"

[figure.f]
use = "star-picture"
dataset = "b"

[sweep.t]
"dataset.a.tips" = [5, 50]
"""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the plugin, the experiment, and its run."""
    folder = tmp_path_factory.mktemp("made")
    site = SitePackages(folder / "site-packages")
    site.add("star", POINTS, {"star.py": SOURCE})
    (folder / "tiny.toml").write_text(EXPERIMENT)
    done = site.flowlab("run", "tiny.toml", "--quiet", OMP_NUM_THREADS="1")
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture
def run(made: Path, tmp_path: Path) -> Path:
    """The folder of the run, in a copy of everything."""
    shutil.copytree(made, tmp_path, dirs_exist_ok=True)
    return tmp_path / "runs/tiny"


@pytest.fixture
def site(tmp_path: Path) -> SitePackages:
    """The copy of the plugin."""
    return SitePackages(tmp_path / "site-packages")


def edited(site: SitePackages, old: str, new: str) -> None:
    """Change the plugin's source."""
    file = site.folder / "star.py"
    source = file.read_text()
    assert old in source
    file.write_text(source.replace(old, new))


def contents(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def metrics(folder: Path) -> Any:
    nodes = json.loads((folder / "summary.json").read_text())["nodes"]
    return {(kind, name): node["metrics"] for kind, group in nodes.items() for name, node in group.items()}


@pytest.mark.slow
def test_a_lock_holds_all_that_the_run_rests_on(run: Path) -> None:
    lock = tomli.loads((run / "lock.toml").read_text())
    assert set(lock["sources"]) == {"flowlab", "star"}
    assert lock["versions"]["star"] == "1.0"
    swept = {f"{node}[tips={tips}]" for node in ("dataset.a", "analysis.n") for tips in (5, 50)}
    assert set(lock["nodes"]) == {"dataset.b", "figure.f", *swept}
    nodes = lock["nodes"]
    assert nodes["analysis.n[tips=5]"]["inputs"] == {"dataset.a[tips=5]": nodes["dataset.a[tips=5]"]["digest"]}
    assert len({node["digest"] for name, node in nodes.items() if name != "figure.f"}) == 5


@pytest.mark.slow
def test_a_rerun_is_the_same_and_leaves_the_run_alone(site: SitePackages, run: Path) -> None:
    before = contents(run)
    run.with_name("tiny-rerun").mkdir()  # another's
    done = site.flowlab("rerun", run / "lock.toml", "--quiet", OMP_NUM_THREADS="2")
    assert (done.returncode, done.stderr) == (0, "")
    again = run.with_name("tiny-rerun-2")
    assert done.stdout.splitlines()[-1] == str(again / "figures/f.png")
    assert metrics(again) == metrics(run)
    assert tomli.loads((again / "lock.toml").read_text())["run"]["threads"] == 1
    assert contents(run) == before
    refused = site.flowlab("rerun", run, "--out", "runs/tiny")
    assert refused.returncode == 2
    assert "a rerun doesn't overwrite it" in refused.stderr
    storeless = site.flowlab("rerun", run, "--executor", "local", "--no-store")
    assert storeless.returncode == 2
    assert "an executor's processes hand their results over in the store" in storeless.stderr
    assert contents(run) == before


@pytest.mark.slow
def test_what_the_command_line_sets_is_in_the_lock(site: SitePackages, run: Path, tmp_path: Path) -> None:
    set_so = ("--set", "dataset.b.tips=9", "--set", "experiment.seed=4")
    other = site.flowlab("run", "tiny.toml", "--quiet", "--out", "runs/other", *set_so, OMP_NUM_THREADS="1")
    assert other.returncode == 0
    shown = site.flowlab("diff", run, "runs/other")
    assert shown.returncode == 0
    assert [line.split() for line in shown.stdout.splitlines()[:6]] == [
        ["settings"],
        ["experiment.seed", "0", "->", "4"],
        ["dataset.b.tips", "7", "->", "9"],
        [],
        ["results"],
        ["node", "metric", "a", "b", "difference"],
    ]
    gaps = json.loads(site.flowlab("diff", run, "runs/other", "--json").stdout)["metrics"]
    assert {"node": "dataset.b", "metric": "tips", "a": 7, "b": 9, "difference": 2} in gaps
    (tmp_path / "tiny.toml").unlink()
    assert site.flowlab("rerun", "runs/other", "--out", "elsewhere/again", "--quiet").returncode == 0
    assert metrics(tmp_path / "elsewhere/again") == metrics(tmp_path / "runs/other")


@pytest.mark.slow
def test_drift_of_a_plugin(site: SitePackages, run: Path) -> None:
    edited(site, '"""Points at the tips of a star."""', '"""Points at the tips of a star."""  # a remark')
    assert site.flowlab("rerun", run, "--quiet", "--out", "r0").stderr == ""
    edited(site, "return Result(self.tips, ", "return Result(self.tips + (self.tips == 7), ")
    shutil.rmtree(site.folder / "star-1.0.dist-info")
    site.add("star", POINTS, version="2.0")
    done = site.flowlab("rerun", run, "--quiet", "--out", "r1")
    assert done.returncode == 0
    version, source, result = done.stderr.splitlines()
    assert version == f'warning: since {run / "lock.toml"}: version of star: "1.0" -> "2.0"'
    assert source.startswith(f'warning: since {run / "lock.toml"}: source code of star: "')
    assert result.startswith(f"warning: another result than in {run / 'lock.toml'}: dataset.b: ")


def test_drift_of_all_else(site: SitePackages, run: Path) -> None:
    early = run.with_name("early.toml")
    lock = tomli.loads((run / "lock.toml").read_text())
    text = (run / "lock.toml").read_text()
    text = text.replace(lock["run"]["platform"], "Elsewhere").replace(f'"{lock["run"]["python"]}"', '"2.7"')
    early.write_text(
        text.partition("\n")[2].partition("[sources]")[0] + text[text.index("[experiment.experiment]") :]
    )
    done = site.flowlab("rerun", early, "--quiet")
    assert done.returncode == 0
    told = [line.removeprefix(f"warning: since {early}: ") for line in done.stderr.splitlines()]
    assert told == [
        f'platform: "Elsewhere" -> "{lock["run"]["platform"]}"',
        f'python: "2.7" -> "{lock["run"]["python"]}"',
        "the lock has no digests of source code and results",
    ]
    assert (run.parent / "tiny-rerun/summary.json").exists()


def test_a_run_verifies(site: SitePackages, run: Path) -> None:
    before = contents(run.parents[1])
    for flags, measure in (((), "metrics within tolerance"), (("--exact",), "digests")):
        done = site.flowlab("verify", run, "--quiet", *flags, OMP_NUM_THREADS="2")
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout == f"verified: 6 nodes, by {measure}\n"
    assert {name for name in contents(run.parents[1]) if ".pyc" not in name} == {
        name for name in before if ".pyc" not in name
    }


@pytest.mark.slow
def test_a_run_does_not_verify(site: SitePackages, run: Path) -> None:
    # 5 + 1 is within the tolerance of an integer, 50 + 10 is not
    edited(site, "return Result(self.tips, ", "return Result(self.tips + self.tips // 5, ")
    loose = site.flowlab("verify", run, "--quiet")
    assert loose.returncode == 1
    rows = [line.split()[:4] for line in loose.stdout.splitlines()[1:-1]]
    assert rows == [["analysis.n[tips=50]", "tips", "50", "60"]]
    assert loose.stdout.splitlines()[-1] == "not verified: 1 of 6 nodes differ, by metrics within tolerance"
    assert "source code of star" in loose.stderr
    exact = site.flowlab("verify", run, "--quiet", "--exact")
    assert exact.returncode == 1
    lines = exact.stdout.splitlines()
    assert lines[1].split()[:2] == ["analysis.n[tips=50]", "digest,"]
    assert lines[-1] == "not verified: 5 of 6 nodes and 2 files differ, by digests"


@pytest.mark.slow
@pytest.mark.parametrize("file", ["lock.toml", "summary.json", "tables/analysis.n.all.csv", "figures/f.svg"])
def test_a_bad_file_is_told(site: SitePackages, run: Path, file: str) -> None:
    path = run / file
    content = path.read_bytes()
    for bad in (content.replace(b"5", b"6", 1), content[: len(content) // 2], b"\xff\x00", b""):
        path.write_bytes(bad)
        done = site.flowlab("verify", run)
        assert (done.returncode, done.stdout) == (2, "")
        assert done.stderr.startswith(f"{path}")
        assert len(done.stderr.splitlines()) == 1


@pytest.mark.slow
def test_there_is_nothing_to_verify(site: SitePackages, run: Path) -> None:
    shutil.copy(run / "lock.toml", run.with_name("alone.toml"))
    alone = site.flowlab("verify", "runs/alone.toml")
    assert alone.returncode == 2
    assert "there is no summary.json of its run beside it" in alone.stderr
    assert site.flowlab("verify", "runs/alone.toml", "--exact", "--quiet").returncode == 0
    for missing in ("runs/none", "runs"):
        done = site.flowlab("verify", missing)
        assert done.returncode == 2
        assert f"{missing}: expected the folder of a finished run" in done.stderr


def test_an_experiment_is_no_run(site: SitePackages, run: Path, experiment: Path) -> None:
    for command in (["verify", experiment], ["diff", run, experiment], ["rerun", experiment]):
        done = site.flowlab(*command)
        assert (done.returncode, done.stdout) == (2, "")
        assert done.stderr.endswith(
            ": no lock, but an experiment: expected the folder of its run, or its lock.toml\n"
        )


@pytest.mark.parametrize("command", ["check", "run"])
def test_a_lock_is_no_experiment(site: SitePackages, run: Path, command: str) -> None:
    done = site.flowlab(command, run / "lock.toml")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        f"{run}/lock.toml:1:1: this is a lock file, not an experiment: "
        f"'flowlab rerun {run}/lock.toml' runs what it holds\n"
    )


def test_diff(site: SitePackages, run: Path) -> None:
    assert site.flowlab("diff", run, run / "lock.toml").stdout == "no difference\n"
    (run / "lock.toml").write_text("[run]\n")
    done = site.flowlab("diff", run, run)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
