"""Ends of flows are exact, or say how many of them an integrator's step decides."""

import pytest
import torch
from run_records import run_records

from flowlab import Experiment
from flowlab.api import HALF_STEP

POINTS = """
[experiment]
name = "ends"

[dataset.points]
use = "orthogonal"
dimension = 3
points = 4
samples = 20

[schedule.levels]
use = "variance-exploding"
final_time = 0.0144
levels = 4

[optimizer.slabs]
use = "max-margin"

[denoiser.exact]
use = "shallow-relu"
dataset = "points"
schedule = "levels"
optimizer = "slabs"

[schedule.far]
use = "variance-exploding"
final_time = 100.0
levels = 150

[denoiser.mmse]
use = "empirical-mmse"
dataset = "points"
schedule = "far"

[schedule.tiny]
use = "noise-levels"
levels = [1e-6]

[denoiser.tiny]
use = "closed-form"
dataset = "points"
schedule = "tiny"

[integrator.heun]
use = "heun"
"""

ENDS = """
[classifier.ends]
use = "stable-points"
flow = ["flow"]

[analysis.fractions]
use = "class-fractions"
classifier = "ends"
"""


def run(flow):
    return Experiment.from_toml(f"{POINTS}\n[flow.flow]\n{flow}\n{ENDS}").run()


def test_heun_with_few_steps_falls_short_of_its_classes():
    results = run('use = "score"\ndenoiser = "exact"\nintegrator = "heun"\nsteps = 20\nspread = 0.5')
    for node in ("classifier.ends", "analysis.fractions"):
        assert results[node].status == "short"
        assert "endpoints change at half the step" in results[node].message
    assert results["classifier.ends"].metrics[HALF_STEP]["flow"] > 5
    assert results["analysis.fractions"].tables["fractions"].rows[0]["changed_at_half_step"] > 5


def test_the_same_flow_without_an_integrator_is_exact_and_done():
    results = run('use = "score"\ndenoiser = "exact"\nspread = 0.5')
    assert results["analysis.fractions"].status == "done"
    assert results["classifier.ends"].metrics[HALF_STEP]["flow"] is None
    flow = results["flow.flow"]
    assert flow.metrics["exact"]
    assert flow.metrics["residual_max"] < 1e-12
    assert flow.metrics["eigenvalue_max"] < 1
    assert flow.metrics["radius_min"] > 0
    assert len(flow.tables["ends"].rows) == 500


def test_the_last_jump_to_no_noise_counts():
    """From sigma = 0.82 to 0 in one step: at half the step the MMSE denoiser in between changes most ends."""
    results = run('use = "probability"\ndenoiser = "mmse"')
    assert results["classifier.ends"].status == "short"
    assert results["classifier.ends"].metrics[HALF_STEP]["flow"] > 100


def test_at_next_to_no_noise_nobody_stays_on_the_boundary():
    """On the slope |h - y| is below rho = 3e-6, which is not rest; to leave it takes r = 1e6."""
    results = run('use = "score"\ndenoiser = "tiny"\nspread = 0.5')
    counts = results["classifier.ends"].metrics["flow"]
    assert counts["training"] + counts["virtual"] == 500
    flow = results["flow.flow"].value
    vertices = (flow.starts @ flow.bank.training.geometry.edges.mT > 0.5).to(torch.float64)
    torch.testing.assert_close(flow.ends, vertices @ flow.bank.training.geometry.edges, atol=1e-9, rtol=0)


def test_an_integrator_that_is_stopped_early_is_not_at_rest():
    heun = 'use = "score"\ndenoiser = "exact"\nintegrator = "heun"\nspread = 0.5'
    results = run(f"{heun}\nduration = 3.0\nsteps = 300")
    assert results["flow.flow"].status == "short"
    assert "not at rest" in results["flow.flow"].message


@pytest.mark.parametrize("flow", ["score", "probability"])
def test_a_flow_that_is_kept_in_the_store_comes_back_whole(flow, tmp_path):
    from flowlab.engine.cache.serialization import deserialize, serialize
    from flowlab.engine.cache.storable_classes import StorableClasses

    text = f'{POINTS}\n[flow.flow]\nuse = "{flow}"\ndenoiser = "exact"\nspread = 0.5\n{ENDS}'
    records = run_records(Experiment.from_toml(text))
    given = {"denoiser": records["denoiser.exact"].value}
    record = records["flow.flow"]
    classes = StorableClasses(record.node)
    encoded = serialize(record.result, given, classes)
    assert encoded.whole
    again = deserialize(encoded, given, torch.device("cpu"), classes).value
    assert torch.equal(again.states, record.value.states)
    assert torch.equal(again.limits.eigenvalue, record.value.limits.eigenvalue)


def test_an_integrator_needs_no_regions(monkeypatch):
    def asked(network):
        raise AssertionError("regions of a level that nobody follows")

    monkeypatch.setattr("flowlab.theory.flows.affine_regions.affine_regions", asked)
    results = run('use = "probability"\ndenoiser = "exact"\nintegrator = "heun"')
    assert results["flow.flow"].status in ("done", "short")
    assert results["flow.flow"].metrics["exact"] is False
    assert run('use = "probability"\ndenoiser = "exact"')["flow.flow"].status == "failed"
