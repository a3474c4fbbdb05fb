"""A module of one's own: it is the function that it is, and its files count by content."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import own_networks as nets
import pytest
import torch
from attrs import evolve
from safetensors.torch import save_file
from torch import Tensor, nn

from flowlab import Experiment
from flowlab.api import DenoiserBank, NodeError
from flowlab.api.helpers.probability_path import halved_probability_path, probability_path
from flowlab.api.testing.denoiser import GivenLevels
from flowlab.api.testing.suite import context
from flowlab.components.classifiers.stable_points import StablePoints
from flowlab.components.datasets.points_file import PointsFile
from flowlab.components.denoisers.empirical_mmse import EmpiricalMmse
from flowlab.components.denoisers.torch_module import TorchModule
from flowlab.components.flows.probability import ProbabilityFlow
from flowlab.components.schedules.noise_levels import NoiseLevels
from flowlab.engine.cache.key import CacheKeys
from flowlab.theory.flows.attractors import _jacobians
from flowlab.theory.networks.mmse import EmpiricalMmse as Posterior

SOURCE = str(Path(nets.__file__))
POINTS = "0,0\n1,0\n0,1\n"


@pytest.fixture
def points(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> PointsFile:
    """A dataset in the plane, in the current folder."""
    monkeypatch.chdir(tmp_path)
    Path("points.csv").write_text(POINTS)
    return PointsFile("points.csv")


def saved(module: nn.Module, name: str, **beside: Any) -> str:
    """The path of a module's state dict, in a checkpoint of other things if there are any."""
    state = module.state_dict()
    if name.endswith(".safetensors"):
        save_file(state, name)
    else:
        torch.save({"model": state, **beside} if beside else state, name)
    return name


def script(module: nn.Module, name: str) -> str:
    with warnings.catch_warnings(action="ignore"):  # it is deprecated
        torch.jit.script(module).save(name)
    return name


def export(module: nn.Module, name: str, *given: Tensor) -> str:
    batch = torch.export.Dim("batch")
    shapes = tuple({0: batch} for _ in given)
    torch.export.save(torch.export.export(module.eval(), given, dynamic_shapes=shapes), name)
    return name


def own(network: str | None = None, **keys: Any) -> TorchModule:
    source = {"source": SOURCE, "network": network} if network else {}
    return TorchModule("points", "levels", **source, **keys)


def bank(component: TorchModule, points: PointsFile, dtype: torch.dtype = torch.float64) -> DenoiserBank:
    assert not complaints(component)
    place = context(0, dtype)
    training = points.build(place).value
    value: DenoiserBank = component.build(place, dataset=training, schedule=GivenLevels()).value
    return value


def complaints(component: TorchModule) -> list[str]:
    return [f"{issue.field}: {issue.message}" for issue in component.check({})]


Y = torch.randn(3, 40, 2, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


def directly(module: nn.Module, sigma: Tensor) -> Tensor:
    """The module's own values at Y, level by level, in its own precision."""
    dtype = next(module.parameters()).dtype
    with torch.no_grad():
        return torch.stack(
            [module(y.to(dtype), s.to(dtype).expand(40)) for y, s in zip(Y, sigma, strict=True)]
        ).to(Y)


@pytest.mark.parametrize("form", ["net.safetensors", "net.pt", "checkpoint.pt", "script.pt", "export.pt2"])
def test_every_format_is_the_module_itself(points: PointsFile, form: str) -> None:
    torch.manual_seed(1)
    module = nets.Mlp()
    match form:
        case "script.pt":
            component = own(weights=script(module, form), program="torchscript")
        case "export.pt2":
            file = export(module, form, torch.zeros(4, 2), torch.ones(4))
            component = own(weights=file, program="torch-export")
        case "checkpoint.pt":
            component = own("Mlp", weights=saved(module, form, epoch=3), key="model")
        case _:
            component = own("Mlp", weights=saved(module, form))
    built = bank(component, points)
    precise = module if component.program else module.double()
    torch.testing.assert_close(built.network(Y), directly(precise, built.sigma), atol=1e-6, rtol=1e-6)
    assert not built.network(Y).requires_grad
    for level in range(3):
        assert torch.equal(built.network.at(level)(Y[level : level + 1]), built.network(Y)[level : level + 1])


def test_arguments_and_functions_make_the_module(points: PointsFile) -> None:
    torch.manual_seed(1)
    module = nets.make(width=5)
    built = bank(own("make", arguments={"width": 5}, weights=saved(module, "net.pt")), points)
    torch.testing.assert_close(built.network(Y), directly(module.double(), built.sigma))
    with pytest.raises(NodeError, match=r"does not fit make: size mismatch .*\[5, 3\].*\[6, 3\]"):
        bank(own("make", arguments={"width": 6}, weights="net.pt"), points)
    with pytest.raises(NodeError, match=r"make\(\) breaks: TypeError"):
        bank(own("make", weights="net.pt"), points)


@pytest.mark.parametrize("predicts", ["x", "noise", "score"])
def test_noise_and_score_are_the_same_denoiser(points: PointsFile, predicts: str) -> None:
    """The posterior mean of the points, said in three ways, against the closed form of the theory."""
    Path("net.py").write_text(f"""
import torch
class Net(torch.nn.Module):
    def forward(self, y, sigma):
        points = torch.tensor([[0, 0], [1, 0], [0, 1]]).to(y)
        weights = (-(y[:, None] - points).square().sum(-1) / (2 * sigma[:, None] ** 2)).softmax(-1)
        x = weights @ points
        s = sigma[:, None]
        return {{"x": x, "noise": (y - x) / s, "score": (x - y) / s**2}}[{predicts!r}]
""")
    built = bank(TorchModule("points", "levels", source="net.py", network="Net", predicts=predicts), points)
    oracle = Posterior(built.training.geometry.points, built.sigma)
    torch.testing.assert_close(built.network(Y), oracle(Y))
    middle = built.sigma * 0.9
    torch.testing.assert_close(built.network.at_sigma(middle)(Y), oracle.at_sigma(middle)(Y))
    halved, known = halved_probability_path(built), halved_probability_path(evolve(built, network=oracle))
    for i in range(5):
        torch.testing.assert_close(halved.denoise(Y[0], i), known.denoise(Y[0], i))


def test_one_module_per_level(points: PointsFile) -> None:
    modules, files = [], []
    for level in range(3):
        torch.manual_seed(level)
        modules.append(nets.Blind())
        files.append(saved(modules[-1], f"{level}.safetensors"))
    component = own("Blind", weights=tuple(files), takes_sigma=False)
    built = bank(component, points)
    with torch.no_grad():
        expected = torch.stack([module.double()(y) for module, y in zip(modules, Y, strict=True)])
    torch.testing.assert_close(built.network(Y), expected)
    torch.testing.assert_close(built.network.at(2)(Y[2:]), expected[2:])
    assert not hasattr(built.network, "at_sigma")
    with pytest.raises(NodeError, match="2 files of weights for 3 noise levels: name one, or one per level"):
        bank(evolve(component, weights=tuple(files[:2])), points)


def test_its_flow_is_integrated(points: PointsFile) -> None:
    built = bank(own("Shrink"), points)
    assert probability_path(built).exact is None


def test_images_have_their_shape(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import numpy as np

    monkeypatch.chdir(tmp_path)
    np.save("images.npy", np.eye(4, 36).reshape(4, 1, 6, 6))
    module = nets.Convolution()
    component = own("Convolution", weights=saved(module, "net.pt"))
    built = bank(component, PointsFile("images.npy"))
    y = torch.randn(1, 5, 36, dtype=torch.float64).expand(3, -1, -1)
    with torch.no_grad():
        expected = module.double()(y[0].view(5, 1, 6, 6), None).view(5, 36)
    torch.testing.assert_close(built.network(y)[0], expected)
    with pytest.raises(NodeError, match="points of 36 coordinates have no shape"):
        bank(evolve(component, shape=(1, 5, 6)), PointsFile("images.npy"))


# what is no denoiser


@pytest.mark.parametrize(
    ("network", "message"),
    [
        ("Noisy", "the module is random"),
        ("Batched", "depends on the other points of the batch"),
        ("Broken", r"RuntimeError: out of ideas, .*own_networks\.py:\d+ \(it is called as forward\(y, sigma\)"),
        ("Blind", "16|random weights"),
        ("number", r"has no class or function 'number'"),
        ("Settings", "makes a Settings, and a torch.nn.Module is needed"),
    ],
)
def test_what_is_no_denoiser_is_refused(points: PointsFile, network: str, message: str) -> None:
    with pytest.raises(NodeError, match=message):
        bank(own(network), points)


def test_a_wrong_call_says_how_it_was_called(points: PointsFile) -> None:
    blind = own("Blind", weights=saved(nets.Blind(), "net.pt"))
    with pytest.raises(
        NodeError, match=r"positional argument.* called as forward\(y, sigma\) with y of shape \(\d+, 2\)"
    ):
        bank(blind, points)
    with pytest.raises(NodeError, match=r"it lacks layers\.0\.weight, layers\.0\.bias"):
        bank(evolve(blind, weights=saved(nets.Convolution(), "other.pt")), points)


def test_a_module_that_removes_no_noise_falls_short(points: PointsFile) -> None:
    place = context(0)
    training = points.build(place).value
    result = own("Shrink", predicts="noise").build(place, dataset=training, schedule=GivenLevels())
    assert "are predicts, takes_sigma and the unit of sigma right?" in result.shortfall
    assert own("Shrink").build(place, dataset=training, schedule=GivenLevels()).metrics["mse_samples"] == 256


# what runs, and what doesn't


class Payload:
    """Leaves a folder behind where it is unpickled."""

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return (os.mkdir, ("executed",))


@pytest.mark.parametrize("form", ["pickle", "torch", "module"])
def test_a_pickle_in_place_of_weights_is_never_run(points: PointsFile, form: str) -> None:
    match form:
        case "pickle":
            Path("net.pt").write_bytes(pickle.dumps({"x": Payload()}))
        case "torch":
            torch.save({"x": Payload()}, "net.pt")
        case _:
            torch.save(nets.Blind(), "net.pt")
    component = own("Blind", weights="net.pt", takes_sigma=False)
    assert not complaints(component)
    with pytest.raises(NodeError, match=r"nothing else is unpickled: save module\.state_dict"):
        bank(component, points)
    assert not Path("executed").exists()


def test_a_program_runs_only_if_it_is_called_one(points: PointsFile) -> None:
    script(nets.Mlp(), "script.pt")
    (found,) = complaints(own("Mlp", weights="script.pt"))
    assert "is a program, which runs code; if you trust it" in found
    assert "program = 'torchscript'" in found
    (found,) = complaints(own(weights="script.pt", program="torch-export"))
    assert "program = 'torchscript'" in found
    saved(nets.Mlp(), "net.pt")
    assert complaints(own(weights="net.pt", program="torchscript")) == [
        "program: 'net.pt' is no torchscript program"
    ]


def test_check_runs_nothing_and_imports_no_torch(tmp_path: Path) -> None:
    (tmp_path / "net.py").write_text("raise SystemExit('run')\nclass Net: pass\n")
    torch.save(nets.Mlp().state_dict(), tmp_path / "net.pt")
    code = """
import sys
from flowlab.components.denoisers.torch_module import TorchModule
print([i.message for i in TorchModule("a", "a", source="net.py", network="Net", weights="net.pt").check({})])
assert "torch" not in sys.modules
"""
    ended = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=True, capture_output=True, text=True)
    assert ended.stdout == "[]\n"


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({}, "source: it says nothing of the module"),
        ({"source": SOURCE}, "network: it says nothing of the module"),
        ({"source": "none.py", "network": "Net"}, "source: there is no file 'none.py'"),
        ({"source": "net.txt", "network": "Net"}, "source: expected a Python file"),
        ({"source": "bad.py", "network": "Net"}, "source: 'bad.py' is no Python of this version: line 1"),
        ({"source": SOURCE, "network": "Mpl"}, "defines no 'Mpl'; did you mean 'Mlp'?"),
        ({"source": SOURCE, "network": "Mlp", "weights": "none.pt"}, "weights: there is no file 'none.pt'"),
        ({"program": "torchscript"}, "weights: a program is read from the file that weights names"),
    ],
)
def test_mistakes_are_found_before_the_run(points: PointsFile, keys: dict[str, Any], message: str) -> None:
    Path("bad.py").write_text("class:\n")
    (found,) = complaints(TorchModule("points", "levels", **keys))
    assert message in found


# what counts


def keys_of(experiment: Experiment) -> dict[str, str]:
    keys = CacheKeys(0, "float64", "cpu", 1)
    return {node.id: keys.of(node) for node in experiment.graph.nodes}


def experiment_of(component: Any) -> Experiment:
    return Experiment(
        "own",
        {
            "dataset.points": PointsFile("points.csv"),
            "schedule.levels": NoiseLevels((0.3, 0.1)),
            "denoiser.own": component,
            "flow.pf": ProbabilityFlow("own", samples=20),
            "classifier.ends": StablePoints(("pf",)),
        },
    )


def test_source_weights_and_what_is_imported_count_by_content(points: PointsFile, tmp_path: Path) -> None:
    Path("net.py").write_text("from layer import Layer\nclass Net(Layer): pass\n")
    Path("layer.py").write_text("import torch\nclass Layer(torch.nn.Linear):\n    pass\n")
    saved(nn.Linear(2, 2), "net.pt")
    component = TorchModule("points", "levels", source="net.py", network="Net", weights="net.pt")
    seen = [keys_of(experiment_of(component))]

    def changed() -> set[str]:
        seen.append(keys_of(experiment_of(component)))
        return {name for name in seen[-1] if seen[-1][name] != seen[-2][name]}

    downstream = {"denoiser.own", "flow.pf", "classifier.ends"}
    Path("net.py").write_text("# a comment\nfrom layer import Layer\nclass Net(Layer): pass\n")
    assert not changed()
    Path("layer.py").write_text("import torch\nclass Layer(torch.nn.Linear):\n    scale = 2\n")
    assert changed() == downstream
    saved(nn.Linear(2, 2), "net.pt")
    assert changed() == downstream
    Path("other.py").write_text("x = 1\n")
    assert not changed()


def test_an_edited_source_is_run_anew_in_the_same_process(points: PointsFile) -> None:
    Path("net.py").write_text("""
import torch
from factor import FACTOR
class Net(torch.nn.Module):
    def forward(self, y, sigma):
        return FACTOR * y
""")
    component = TorchModule("points", "levels", source="net.py", network="Net")
    sys.modules["factor"] = sys.modules["math"]  # of somebody else
    try:
        for factor in (2, 3):
            Path("factor.py").write_text(f"FACTOR = {factor}\n")
            assert torch.equal(bank(component, points).network(Y), factor * Y)
        assert sys.modules["factor"] is sys.modules["math"]
    finally:
        del sys.modules["factor"]
    assert "net" not in sys.modules
    assert not Path("__pycache__").exists()


def test_the_classes_are_those_of_the_same_denoiser_of_our_own(points: PointsFile) -> None:
    Path("net.py").write_text("""
import torch
class Net(torch.nn.Module):
    def __init__(self, points):
        super().__init__()
        self.register_buffer("points", torch.tensor(points))
    def forward(self, y, sigma):
        logits = (y @ self.points.mT - self.points.square().sum(-1) / 2) / sigma[:, None] ** 2
        return logits.softmax(-1) @ self.points
""")
    component = TorchModule(
        "points", "levels", source="net.py", network="Net", arguments={"points": [[0.0, 0], [1, 0], [0, 1]]}
    )
    results = [experiment_of(one).run(quiet=True) for one in (component, EmpiricalMmse("points", "levels"))]
    counts, expected = (result["classifier.ends"].metrics for result in results)
    assert counts == expected
    assert counts["changed_at_half_step"]["pf"] is not None


def test_a_folder_in_toml_is_all_it_takes(points: PointsFile) -> None:
    Path("net.py").write_text(Path(SOURCE).read_text())
    saved(nets.Mlp(), "net.safetensors")
    Path("own.toml").write_text("""
[experiment]
name = "own"
[dataset.points]
use = "points-file"
path = "points.csv"
[schedule.levels]
use = "noise-levels"
levels = [0.3, 0.1]
[denoiser.own]
use = "torch-module"
dataset = "points"
schedule = "levels"
source = "net.py"
network = "Mlp"
arguments = { width = 16 }
weights = "net.safetensors"
""")
    experiment = Experiment.from_toml(Path("own.toml"))
    assert Experiment.from_toml(experiment.to_toml()) == experiment
    assert experiment.run("runs/own", quiet=True)["denoiser.own"].status in ("done", "short")


def test_its_derivative_can_be_taken_as_analyses_take_it(points: PointsFile) -> None:
    torch.manual_seed(0)
    module = nets.Mlp()
    network = bank(own("Mlp", weights=saved(module, "net.pt")), points).network.at(0)
    module, sigma, step = module.double(), network.sigma, 1e-6
    for jacobian, y in zip(_jacobians(lambda z: network(z[None])[0], Y[0]), Y[0], strict=True):
        moved = torch.stack([y + step * e for e in torch.eye(2).double()] + [y - step * e for e in torch.eye(2)])
        with torch.no_grad():
            values = module(moved, sigma.expand(4))
        torch.testing.assert_close(jacobian, ((values[:2] - values[2:]) / (2 * step)).mT, atol=1e-7, rtol=1e-7)
