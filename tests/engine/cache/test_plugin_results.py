"""A plugin's own network class is stored and reused like a built-in one, whoever computes it."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from safetensors import safe_open
from site_packages import SitePackages
from summaries import reused

from flowlab.engine.cache.tensor_file import TensorFile, read_tensor_file, write_tensor_file
from flowlab.provenance.lock_file import LockFile

ENTRY_POINTS = """\
[flowlab.api]
2 = flowlab.api
[flowlab.denoiser]
tent = tents.component:Tent
"""
NETWORK = '''
from attrs import frozen
from torch import Tensor


@frozen
class TentNetwork:
    """A network that flowlab does not know: h(y) = x_n of the nearest point, shrunk."""

    points: Tensor
    sigma: Tensor
    shrink: tuple[float, ...]

    def __call__(self, y):
        nearest = (y[..., None, :] - self.points).square().sum(-1).argmin(-1)
        return self.shrink[0] * self.points[nearest]

    def at(self, level):
        return TentNetwork(self.points, self.sigma[level].reshape(1), self.shrink)
'''
COMPONENT = '''
import time
from attrs import frozen
from flowlab.api import Context, DenoiserBank, Result, parameter, reference


@frozen
class Tent:
    """Shrinks the nearest point."""

    dataset: str = reference("dataset", help="training points")
    schedule: str = reference("schedule", help="noise levels")
    shrink: float = parameter(0.5, help="by how much")

    def build(self, context: Context, *, dataset, schedule) -> Result:
        import torch
        from tents.network import TentNetwork

        time.sleep(0.2)  # long enough to be worth storing
        sigma = schedule.sigma(context.dtype)
        network = TentNetwork(dataset.geometry.points, sigma, (self.shrink,))
        return Result(DenoiserBank(sigma, network, dataset, torch.ones(len(sigma), dtype=torch.bool)))
'''
EXPERIMENT = """
[experiment]
name = "tent"
threads = 1

[dataset.box]
use = "orthogonal"
dimension = 2
points = 3
samples = 10

[schedule.levels]
use = "noise-levels"
levels = [0.08, 0.05]

[denoiser.tent]
use = "tent"
dataset = "box"
schedule = "levels"

[integrator.ddim]
use = "ddim"

[flow.score]
use = "score"
denoiser = "tent"
integrator = "ddim"
samples = 20
sigma = 0.05
"""
LOCAL = ("--executor", "local", "--set", "executor.workers=2")


@pytest.fixture
def site(tmp_path: Path) -> SitePackages:
    site = SitePackages(tmp_path / "site")
    modules = {"tents/__init__.py": "", "tents/network.py": NETWORK, "tents/component.py": COMPONENT}
    site.add("tents", ENTRY_POINTS, modules)
    (tmp_path / "tent.toml").write_text(EXPERIMENT)
    return site


def run(site: SitePackages, *options: str) -> tuple[set[str], dict[str, str | None], str]:
    """The reused nodes of a run, all digests, and what it says."""
    done = site.flowlab("run", "tent.toml", "--device", "cpu", "--quiet", *options)
    assert done.returncode in (0, 1), done.stderr
    folder = site.folder.parent / "runs" / "tent"
    digests = {name: node.digest for name, node in LockFile.read(folder).nodes.items()}
    return set(reused(folder)), digests, done.stderr


def stored_file(site: SitePackages) -> Path:
    """The file of the plugin's bank."""
    stored = (site.folder.parent / "runs" / ".store").glob("*.safetensors")
    [found] = [path for path in stored if "tents" in labels(path)]
    return found


def labels(path: Path) -> str:
    with safe_open(path, "pt") as file:
        return str(file.metadata()["result"])


@pytest.mark.slow
@pytest.mark.parametrize(("first", "second"), [((), ()), ((), LOCAL), (LOCAL, ())], ids=["here", "to", "from"])
def test_a_plugin_s_network_is_stored_and_reused(
    site: SitePackages, first: tuple[str, ...], second: tuple[str, ...]
) -> None:
    before, digests, error = run(site, *first)
    assert (before, error) == (set(), "")
    after, again, error = run(site, *second)
    assert ("denoiser.tent" in after, error) == (True, "")
    assert again == digests
    assert digests["denoiser.tent"]


@pytest.mark.slow
def test_a_class_whose_fields_changed_is_computed_again(site: SitePackages) -> None:
    """With the same key: as if the class were of a module that the key does not cover."""
    run(site)
    path = stored_file(site)
    content = read_tensor_file(path, path.stem)
    former = content.labels["result"].replace('"shrink"', '"scale"')
    write_tensor_file(path, path.stem, TensorFile({**content.labels, "result": former}, content.tensors))
    after, _, error = run(site)
    assert "denoiser.tent" not in after
    assert re.search(r"tents\.network:TentNetwork has other fields now; denoiser\.tent is computed again", error)
    assert "Traceback" not in error


@pytest.mark.parametrize("options", [(), pytest.param(LOCAL, marks=pytest.mark.slow)], ids=["here", "executor"])
def test_a_hostile_file_runs_nothing_and_is_computed_again(site: SitePackages, options: tuple[str, ...]) -> None:
    """Of the right key and checksum, as whoever can write to the store can make it."""
    mark = site.folder / "mark"
    trap = f"import pathlib\npathlib.Path({str(mark)!r}).touch()\nclass Trap: pass\n"
    (site.folder / "trap.py").write_text(trap)
    _, digests, _ = run(site, *options)
    path = stored_file(site)
    content = read_tensor_file(path, path.stem)
    tree = json.loads(content.labels["result"])
    tree["fields"]["value"] = {"class": "trap:Trap", "fields": {}}
    write_tensor_file(path, path.stem, TensorFile({**content.labels, "result": json.dumps(tree)}, content.tensors))
    after, again, error = run(site, *options)
    assert "denoiser.tent" not in after
    assert "trap:Trap is in none of the packages of denoiser.tent; denoiser.tent is computed again" in error
    assert not mark.exists()
    assert again == digests
