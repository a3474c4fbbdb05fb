"""What the seed of a node decides: a pinned node draws the same under any name, and a level beside any others."""

from __future__ import annotations

from typing import Any

import torch
from attrs import evolve
from hypothesis import given, settings
from hypothesis import strategies as st
from run_records import run_records
from torch import Tensor

from flowlab import Experiment
from flowlab.api import Context
from flowlab.api.testing.suite import context
from flowlab.components.analyses.networks.collapse import Collapse
from flowlab.components.datasets.orthogonal import Orthogonal
from flowlab.components.datasets.perturbed_orthogonal import PerturbedOrthogonal
from flowlab.components.datasets.points_file import PointsFile
from flowlab.components.denoisers.closed_form import ClosedForm
from flowlab.components.denoisers.shallow_relu import ShallowRelu
from flowlab.components.flows.probability import ProbabilityFlow
from flowlab.components.optimizers.augmented_lagrangian import AugmentedLagrangian
from flowlab.components.optimizers.certified_min_norm import CertifiedMinNorm
from flowlab.components.optimizers.weight_decay import WeightDecay
from flowlab.components.schedules.noise_levels import NoiseLevels
from flowlab.components.schedules.variance_exploding import VarianceExploding

DATASETS = (
    Orthogonal(dimension=3, points=3, samples=7, frame="random"),
    PerturbedOrthogonal(dimension=3, points=3, samples=7),
)
NAMES = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,8}", fullmatch=True)
SEEDS = st.integers(0, 2**63 - 1)
# a level is the same level in float32 and float64: levels that differ by less are one
LEVELS = st.lists(
    st.floats(1e-30, 1e3).filter(lambda sigma: float(torch.tensor(sigma, dtype=torch.float32)) == sigma)
    | st.sampled_from([0.1, 0.05, 0.3, 1e-90]),
    min_size=1,
    max_size=5,
    unique_by=lambda sigma: f"{sigma:.6g}",
)


def pinned(kind: str, seed: int, name: str = "n", dtype: torch.dtype = torch.float64) -> Context:
    return evolve(context(seed, dtype), node=name, pinned_kind=kind)


def noise(dataset: Any, at: Context, levels: list[float]) -> dict[float, Tensor]:
    drawn = dataset.build(at).value.draw(torch.tensor(levels, dtype=torch.float64))
    return dict(zip(levels, drawn, strict=True))


@settings(max_examples=60)
@given(st.sampled_from(DATASETS), SEEDS, st.tuples(NAMES, NAMES), LEVELS, st.data())
def test_a_level_s_noise_rests_on_the_seed_and_its_sigma_alone(
    dataset: Any, seed: int, names: tuple[str, str], levels: list[float], data: st.DataObject
) -> None:
    all_levels = noise(dataset, pinned("dataset", seed, names[0]), levels)
    some = data.draw(st.lists(st.sampled_from(levels), min_size=1, unique=True))  # fewer, in another order
    for sigma, drawn in noise(dataset, pinned("dataset", seed, names[1]), some).items():
        assert torch.equal(drawn, all_levels[sigma])
    points = dataset.build(pinned("dataset", seed, names[1])).value.geometry.points
    units = [(drawn - points[:, None]) / sigma for sigma, drawn in all_levels.items() if sigma > 1e-3]
    for i, one in enumerate(units):  # each level has noise of its own
        assert all((one - other).abs().max() > 0.1 for other in units[:i])
    other = noise(dataset, pinned("dataset", seed + 1 if seed < 2**62 else seed - 1), levels)
    assert not any(torch.equal(other[sigma], all_levels[sigma]) for sigma in levels)


def test_points_that_are_in_a_set_several_times_have_noise_of_their_own(tmp_path: Any) -> None:
    (tmp_path / "p.csv").write_text("0,0\n1,0\n1,0\n0,1\n")
    dataset = PointsFile(path=str(tmp_path / "p.csv"), samples=3)
    few, more = (noise(dataset, pinned("dataset", 4), levels) for levels in ([0.1], [0.3, 0.1, 0.2]))
    assert torch.equal(few[0.1], more[0.1])


def test_noise_is_the_same_in_single_precision() -> None:
    sigma = VarianceExploding(final_time=0.01, levels=7)
    drawn = []
    for dtype in (torch.float64, torch.float32):
        levels = sigma.sigma(torch.float64).to(dtype)
        training = DATASETS[0].build(pinned("dataset", 3, dtype=dtype)).value
        points = training.geometry.points
        drawn.append(((training.draw(levels) - points[:, None]) / levels[:, None, None, None]).double())
    assert (drawn[0] - drawn[1]).abs().max() < 1e-4


@settings(max_examples=40)
@given(SEEDS, st.tuples(NAMES, NAMES), LEVELS, st.data())
def test_the_initial_weights_of_a_level_rest_on_the_seed_and_its_sigma_alone(
    seed: int, names: tuple[str, str], levels: list[float], data: st.DataObject
) -> None:
    relu = ShallowRelu("d", "s", "o", width=6)
    some = data.draw(st.lists(st.sampled_from(levels), min_size=1, unique=True))
    starts = []
    for name, chosen in zip(names, (levels, some), strict=True):
        network = relu._start(torch.tensor(chosen, dtype=torch.float64), 3, pinned("denoiser", seed, name))
        starts.append({sigma: network.at(level) for level, sigma in enumerate(chosen)})
    for sigma, network in starts[1].items():
        for part in ("inner", "outer", "biases"):
            assert torch.equal(getattr(network, part), getattr(starts[0][sigma], part))
    inner = torch.stack([network.inner[0] for network in starts[0].values()])
    assert len(inner.unique(dim=0)) == len(levels)


def test_what_is_not_pinned_draws_as_it_always_did() -> None:
    """The bits of runs that were recorded before seeds could be pinned."""
    plain = context(3)
    normal = torch.randn((2, 3, 7, 3), generator=plain.generator("noise"), dtype=torch.float64)
    training = DATASETS[0].build(plain).value
    sigma = torch.tensor([0.2, 0.1], dtype=torch.float64)
    expected = training.geometry.points[:, None] + sigma[:, None, None, None] * normal
    assert torch.equal(training.draw(sigma), expected)
    generator = plain.generator("weights")
    biases = torch.randn((2, 6), generator=generator, dtype=torch.float64)
    assert torch.equal(ShallowRelu("d", "s", "o", width=6)._start(sigma, 3, plain).biases, 0.25 * biases)
    assert plain.level_generator("a ", 1, 0.1).get_state().equal(plain.generator("a 1").get_state())


def experiment(
    names: dict[str, str], seeds: dict[str, int], optimizer: Any, levels: tuple[float, ...]
) -> Experiment:
    """Data, weights and starts that are all drawn; `names` renames the nodes d, s, o, b and f."""
    d, s, o, b, f = (names.get(name, name) for name in "dsobf")
    nodes = {
        f"dataset.{d}": Orthogonal(dimension=3, points=3, samples=6, frame="random"),
        f"schedule.{s}": NoiseLevels(levels),
        f"optimizer.{o}": optimizer,
        f"denoiser.{b}": ShallowRelu(d, s, o, width=8),
        f"flow.{f}": ProbabilityFlow(denoiser=b, samples=5, spread=0.5),
        "analysis.c": Collapse(d, s, starts=4, steps=3),
    }
    pins = {
        f"{kind}.{names.get(name, name)}": seed for (kind, name), seed in zip(KINDS, seeds.values(), strict=True)
    }
    return Experiment("e", nodes, node_seeds=pins | {"analysis.c": 5}, seed=seeds["dataset"])


KINDS = (("dataset", "d"), ("denoiser", "b"), ("flow", "f"))
OPTIMIZERS = (
    AugmentedLagrangian(steps=4),
    WeightDecay(steps=4),
    CertifiedMinNorm(steps=4, passes=1, rounds=1, regions=10, polish=2, starts=4),
)


def digests(of: Experiment) -> dict[str, str]:
    records = run_records(of).values()
    assert all(record.finished for record in records if record.node.kind.built)
    return {record.node.kind.name: record.digest for record in records if record.digest}


@settings(max_examples=6)
@given(st.lists(NAMES, min_size=5, max_size=5), st.sampled_from(OPTIMIZERS), SEEDS, st.integers(0, 9))
def test_a_pinned_node_has_the_same_result_under_any_name(
    names: list[str], optimizer: Any, seed: int, run_seed: int
) -> None:
    pins = {"dataset": seed, "denoiser": seed // 2, "flow": seed // 3}
    first = experiment({}, pins, optimizer, (0.1, 0.05))
    other = evolve(experiment(dict(zip("dsobf", names, strict=True)), pins, optimizer, (0.1, 0.05)), seed=run_seed)
    assert digests(first) == digests(other)
    assert {"denoiser", "flow", "analysis"} <= digests(first).keys()


def test_each_pinned_seed_decides_what_its_node_draws() -> None:
    def drawn(**changed: int) -> tuple[Tensor, Tensor, Tensor]:
        pins = {"dataset": 1, "denoiser": 1, "flow": 1, **changed}
        of = experiment({}, pins, AugmentedLagrangian(steps=1), (0.1,))
        results = evolve(of, seed=0).run(device="cpu", quiet=True)
        bank, flow = results["denoiser.b"].value, results["flow.f"].value
        law = flow.starts - flow.starts.mean(0)  # up to where the training points are
        return bank.training.geometry.points, bank.network.biases, law

    points, biases, starts = drawn()
    other = drawn(dataset=2)
    assert not torch.equal(other[0], points)
    assert torch.allclose(other[2], starts, atol=1e-12)
    other = drawn(denoiser=2)
    assert torch.equal(other[0], points)
    assert not torch.allclose(other[1], biases, atol=1e-2)
    assert torch.equal(other[2], starts)
    other = drawn(flow=2)
    assert torch.equal(other[0], points)
    assert torch.equal(other[1], biases)
    assert not torch.allclose(other[2], starts, atol=1e-2)


def test_a_flow_that_is_pinned_to_the_experiment_s_seed_has_its_starts() -> None:
    nodes = {
        "dataset.d": Orthogonal(dimension=3, points=3),
        "schedule.s": NoiseLevels((0.1,)),
        "denoiser.b": ClosedForm("d", "s"),
        "flow.f": ProbabilityFlow(denoiser="b", samples=5),
    }
    free, tied, other = (
        Experiment("e", nodes, seed=4, node_seeds=pins).run(device="cpu", quiet=True)["flow.f"].value.starts
        for pins in ({}, {"flow.f": 4}, {"flow.f": 5})
    )
    assert torch.equal(free, tied)
    assert not torch.equal(free, other)
