"""A bank that memory doesn't hold whole: through the real entry point, in a limited address space."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from summaries import entries

EXPERIMENT = """
[experiment]
name = "large"

[dataset.box]
use = "orthogonal"
dimension = 4
points = 4
samples = 1500

[schedule.levels]
use = "noise-levels"
levels = [0.08, 0.07, 0.06, 0.05, 0.04, 0.03, 0.02, 0.01]

[optimizer.al]
use = "augmented-lagrangian"
steps = 10

[denoiser.large]
use = "shallow-relu"
dataset = "box"
schedule = "levels"
optimizer = "al"
width = 1000
"""
# Runs a small bank, so that all is loaded that is loaded late; then the file, in so many more MiB than are mapped.
# Hidden neurons take 24 MB a level and array, as many again in float64 where the bank is judged. Tells the parts.
LIMITED = """
import resource, sys
from flowlab.cli import app
from flowlab.theory.training import split

def run(*options):
    sys.argv = ["flowlab", "run", *options, "--no-store", "--device", "cpu", "--quiet"]
    try:
        app.main()
    except SystemExit as end:
        return end.code

def told(run, levels, device, once=split.map_splitting_on_oom):
    parts = once(run, levels, device)
    print("parts", len(parts))
    return parts

file, out, mebibytes = sys.argv[1:]
run(file, "--set", "denoiser.large.width=100", "--out", f"{out}-small")
split.map_splitting_on_oom = told
if int(mebibytes):
    mapped = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (mapped + int(mebibytes) * 2**20,) * 2)
sys.exit(run(file, "--out", out))
"""
linux = pytest.mark.skipif(sys.platform != "linux", reason="limits the address space")


def limited(folder: Path, out: str, mebibytes: int) -> subprocess.CompletedProcess[str]:
    """Run the experiment in so much memory, 0 for all there is."""
    file = folder / "large.toml"
    file.write_text(EXPERIMENT)
    command = [sys.executable, "-c", LIMITED, str(file), out, str(mebibytes)]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=250)


def bank(folder: Path) -> dict[str, Any]:
    metrics: dict[str, Any] = entries(folder)["denoiser.large"]["metrics"]
    return metrics


@linux
@pytest.mark.slow
def test_row_23_a_bank_too_large_is_trained_in_parts_to_the_same_figures(tmp_path: Path) -> None:
    whole, parts = limited(tmp_path, "whole", 0), limited(tmp_path, "parts", 300)
    assert (whole.returncode, parts.returncode) == (0, 0), parts.stdout + parts.stderr
    assert set(re.findall(r"parts (\d+)", whole.stdout)) == {"1"}
    assert max(map(int, re.findall(r"parts (\d+)", parts.stdout))) > 1
    # ten steps, each of which may round in another order: on one thread the figures were the same to the bit
    for name, values in bank(tmp_path / "whole").items():
        assert bank(tmp_path / "parts")[name] == pytest.approx(values, rel=1e-6), name


@linux
@pytest.mark.slow
def test_row_23_a_level_that_does_not_fit_alone_is_told_with_the_memory(tmp_path: Path) -> None:
    done = limited(tmp_path, "none", 20)
    assert done.returncode == 1, done.stderr
    assert "Traceback" not in done.stderr
    assert re.search(
        r"failed: denoiser\.large: level \d alone does not fit into memory "
        r"\(allocated [\d,]+ MiB, free [\d,]+ MiB of [\d,]+ MiB\); lower samples, width or working_set",
        done.stdout,
    )


@pytest.mark.gpu
def test_row_23_a_bank_too_large_for_the_gpu_is_trained_in_parts() -> None:
    import torch

    from flowlab.theory.networks.interpolation import Interpolation, noisy_samples
    from flowlab.theory.networks.relu_network import ReluNetwork
    from flowlab.theory.training.descent import Descent
    from flowlab.theory.training.split import OutOfMemory, TrainedBank, concat_trained, map_splitting_on_oom
    from flowlab.theory.training.training import Loss, train
    from flowlab.theory.training.training_state import TrainingState

    device, levels, width = torch.device("cuda"), 8, 1000
    draw = torch.Generator().manual_seed(0)
    points, sigma = torch.eye(3, 4), torch.full((levels,), 0.1)
    problem = Interpolation(noisy_samples(points, sigma, 2000, draw), points, sigma)
    rows = torch.randn(levels, width, 4, generator=draw)
    start = ReluNetwork(rows, rows, rows[..., 0], torch.zeros(levels, 4, 4), torch.zeros(levels, 4))
    loss, descent = Loss(lambda _, residual: residual, lambda _: 0.1, lambda _: 0.0), Descent(5, 1e-3)

    def run(part: slice) -> TrainedBank:
        state = TrainingState.of(start.levels(part), descent, draw, device)
        train(state, problem.levels(part), descent, loss, 0.0, lambda *_: None, lambda *_: None)
        return TrainedBank(state.weights.network(), state.history)

    def limited(mebibytes: float) -> list[TrainedBank]:
        total = torch.cuda.get_device_properties(device).total_memory
        torch.cuda.empty_cache()
        held = torch.cuda.memory_reserved(device)
        torch.cuda.set_per_process_memory_fraction((held + mebibytes * 2**20) / total, device)
        try:
            return map_splitting_on_oom(run, levels, device)
        finally:
            torch.cuda.set_per_process_memory_fraction(1.0, device)

    # hidden neurons take 23 MiB a level and array, a step two such arrays and a mask
    [whole], parts = map_splitting_on_oom(run, levels, device), limited(200)
    assert len(parts) > 1
    for name in ("outer", "inner", "biases", "skip", "offset"):
        one, other = (getattr(bank.network, name) for bank in (whole, concat_trained(parts)))
        torch.testing.assert_close(one, other, rtol=1e-5, atol=1e-6)
    with pytest.raises(OutOfMemory, match=r"level 0 alone .*allocated [\d,]+ MiB, free [\d,]+ MiB of .* on cuda"):
        limited(10)
