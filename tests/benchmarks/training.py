"""Training measured: a step, the seconds to a certified minimum-norm network, and how both grow.

    python tests/benchmarks/training.py [--paper] [--seeds N] [--json FILE] [--plot FILE] [--threads N]

1. A step of one denoiser, as a plain loop has it (nn.Parameters, automatic differentiation, torch.optim.Adam,
   one denoiser after another), against flowlab's bank, on the same data in the same run; on CUDA too where it is.
2. Time to quality: violation <= 1e-4 on all samples and cost <= 1.001 times the slabs', at the small problem,
   and at the paper's scale with --paper (minutes); cooper's augmented Lagrangian (pip install cooper-optim),
   with the recipe of flowlab's full batches, on the same small problem.
3. The optimality gap of certified-min-norm, from random weights.
4. Time a step over levels, N, M, K and d, with fitted exponents.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path

import torch
from attrs import evolve, frozen

sys.path.insert(0, str(Path(__file__).parent))  # for `bench`, however this file is started

import bench

from flowlab.api import Context
from flowlab.components.datasets.orthogonal import Orthogonal
from flowlab.components.denoisers.shallow_relu import ShallowRelu
from flowlab.components.optimizers.augmented_lagrangian import AugmentedLagrangian
from flowlab.components.optimizers.certified_min_norm import CertifiedMinNorm
from flowlab.theory.geometry.geometry import Geometry
from flowlab.theory.networks.interpolation import Interpolation
from flowlab.theory.networks.relu_network import ReluNetwork
from flowlab.theory.training.descent import Descent
from flowlab.theory.training.quality import slab_cost
from flowlab.theory.training.training import Loss, train
from flowlab.theory.training.training_state import TrainingState

VIOLATION, RATIO = 1e-4, 1.001


@frozen
class Problem:
    """An orthogonal set with the origin, in d dimensions, as large as can be: N = points, M = samples."""

    name: str
    dimension: int
    points: int
    samples: int
    sigma: float
    width: int
    working_set: int

    def build(self, levels: int, seed: int) -> tuple[Geometry, Interpolation, ReluNetwork]:
        """The geometry, the interpolation problem of so many equal levels, and the random start."""
        context = Context(seed, "benchmark", torch.float64, torch.device("cpu"))
        data = Orthogonal(self.dimension, self.points, samples=self.samples).build(context).value
        sigma = torch.full((levels,), self.sigma, dtype=torch.float64)
        start = ShallowRelu("d", "s", "o", width=self.width)._start(levels, self.dimension, context)
        return data.geometry, Interpolation(data.draw(sigma), data.geometry.points, sigma), start


SMALL = Problem("small", 10, 6, 100, 0.05, 100, 40)
PAPER = Problem("paper", 30, 31, 500, 0.035, 500, 80)


def synchronised(device: torch.device) -> float:
    """The time, once the device has done what it was given."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter()


def naive_step(problem: Interpolation, start: ReluNetwork, device: torch.device, steps: int) -> float:
    """Seconds a step and denoiser of the plain loop: penalty loss, one denoiser after another."""
    spent = 0.0
    for level in range(len(problem.sigma)):
        y = problem.inputs[level].to(device, torch.float32)
        x = problem.targets[0].to(device, torch.float32)
        one = start.at(level).to(torch.float32)
        parts = (one.outer[0], one.inner[0], one.biases[0], one.skip[0], one.offset[0])
        a, w, b, v, c = (torch.nn.Parameter(part.to(device).clone()) for part in parts)
        optimizer = torch.optim.Adam([a, w, b, v, c], lr=1e-2)
        for step in range(steps + 3):
            if step == 3:  # the first few warm up
                begin = synchronised(device)
            optimizer.zero_grad()
            residual = torch.relu(y @ w.T + b) @ a + y @ v.T + c - x
            cost = 0.5 * (a.square().sum() + w.square().sum())
            (0.5 * residual.square().sum() + 0.1 * cost).backward()
            optimizer.step()
        spent += synchronised(device) - begin
    return spent / steps / len(problem.sigma)


def batched_step(problem: Interpolation, start: ReluNetwork, device: torch.device, steps: int) -> float:
    """Seconds a step and denoiser of flowlab's bank, with the same loss: the difference of two runs."""
    loss = Loss(lambda _, residual: residual, lambda _: 0.1, lambda _: 0.0)

    def timed(count: int) -> float:
        descent = Descent(count, 1e-2)
        begin = synchronised(device)
        state = TrainingState.of(start, descent, torch.Generator(), device)
        train(state, problem, descent, loss, 0.0, lambda *_: None, lambda *_: None)
        return synchronised(device) - begin

    timed(3)
    few, many = 3, steps + 3
    return (timed(many) - timed(few)) / steps / len(problem.sigma)


def steps_table(problem: Problem, levels: int, steps: int) -> list[dict[str, object]]:
    """Milliseconds a step and denoiser, on each device."""
    devices = ["cpu", "cuda"] if torch.cuda.is_available() else ["cpu"]
    _, task, start = problem.build(levels, seed=0)
    rows = []
    for name in devices:
        device = torch.device(name)
        count = steps * (10 if name == "cuda" else 1)
        naive = 1e3 * naive_step(task, start, device, count)
        ours = 1e3 * batched_step(task, start, device, count)
        rows.append({
            "problem": problem.name, "device": name, "levels": levels,
            "naive_ms": naive, "flowlab_ms": ours, "speedup": naive / ours,
        })  # fmt: skip
    return rows


def judged(network: ReluNetwork, task: Interpolation, geometry: Geometry) -> dict[str, object]:
    """Violation over all samples in float64, ratio to the slabs, and whether both are good enough."""
    network = network.to(torch.float64)
    violation = (network(task.inputs) - task.targets).abs().max().item()
    ratio = (network.balanced_cost / slab_cost(task, geometry)).max().item()
    reached = violation <= VIOLATION and ratio <= RATIO
    return {"violation": violation, "slab_ratio": ratio, "reached": reached}


def ours(problem: Problem, seed: int, working_set: int) -> dict[str, object]:
    """Seconds and quality of the augmented Lagrangian from random weights."""
    geometry, task, start = problem.build(1, seed)
    context = Context(seed, "benchmark", torch.float64, torch.device("cpu"))
    optimizer = AugmentedLagrangian(working_set=working_set)
    begin = time.perf_counter()
    fit = optimizer.minimise(task, geometry, start, 0.0, context)
    seconds = time.perf_counter() - begin
    method = f"flowlab, working set {working_set}" if working_set else "flowlab, full batches"
    row = {"problem": problem.name, "method": method, "seed": seed, "steps": optimizer.steps, "seconds": seconds}
    alive = (fit.network.outer.norm(dim=-1) * fit.network.inner.norm(dim=-1) > 1e-6).sum().item()
    return row | judged(fit.network, task, geometry) | {"neurons": alive}


def coopers(problem: Problem, seed: int) -> dict[str, object] | None:
    """The same recipe by cooper: Adam, cosine decay, multipliers at every step; None without cooper."""
    try:
        import cooper
    except ImportError:
        return None
    geometry, task, start = problem.build(1, seed)
    recipe = AugmentedLagrangian()
    y, x = task.inputs[0].float(), task.targets[0].float()
    one = start.at(0).to(torch.float32)
    parts = (one.outer[0], one.inner[0], one.biases[0], one.skip[0], one.offset[0])
    a, w, b, v, c = weights = [torch.nn.Parameter(part.clone()) for part in parts]
    first, last = recipe.penalty_start / problem.samples, recipe.penalty_end / problem.samples
    penalty = cooper.penalty_coefficients.DensePenaltyCoefficient(init=torch.full((x.numel(),), first))

    class MinimumNorm(cooper.ConstrainedMinimizationProblem):
        def __init__(self) -> None:
            super().__init__()
            self.interpolation = cooper.Constraint(
                constraint_type=cooper.ConstraintType.EQUALITY,
                formulation_type=cooper.formulations.AugmentedLagrangian,
                multiplier=cooper.multipliers.DenseMultiplier(num_constraints=x.numel()),
                penalty_coefficient=penalty,
            )

        def compute_cmp_state(self) -> cooper.CMPState:
            residual = (torch.relu(y @ w.T + b) @ a + y @ v.T + c - x).flatten()
            cost = 0.5 * (a.square().sum() + w.square().sum())
            state = cooper.ConstraintState(violation=residual)
            return cooper.CMPState(loss=cost, observed_constraints={self.interpolation: state})

    program = MinimumNorm()
    primal = torch.optim.Adam(weights, lr=recipe.learning_rate)
    dual = torch.optim.SGD(program.dual_parameters(), lr=1.0, maximize=True)
    optimizer = cooper.optim.SimultaneousOptimizer(program, primal, dual)
    schedule = Descent(recipe.steps, recipe.learning_rate, recipe.decay)
    begin = time.perf_counter()
    for step in range(recipe.steps):
        mu = first * (last / first) ** (step / recipe.steps)
        penalty.value = torch.full((x.numel(),), mu)
        primal.param_groups[0]["lr"] = schedule.rate(step)
        dual.param_groups[0]["lr"] = recipe.multiplier_rate * mu
        optimizer.roll()
    seconds = time.perf_counter() - begin
    parts = (part.detach()[None] for part in weights)
    row = {"problem": problem.name, "method": "cooper, full batches", "seed": seed, "steps": recipe.steps}
    alive = (a.norm(dim=-1) * w.norm(dim=-1) > 1e-6).sum().item()
    return row | {"seconds": seconds} | judged(ReluNetwork(*parts), task, geometry) | {"neurons": alive}


def gaps(paper: bool, seed: int) -> list[dict[str, object]]:
    """The optimality gaps from random weights: proved, and estimated by ascents."""
    rows = []
    for problem, gap in ((SMALL, 1e-3), (PAPER, 1e-2))[: 2 if paper else 1]:
        geometry, task, start = problem.build(1, seed)
        optimizer = CertifiedMinNorm(gap=gap, working_set=problem.working_set)
        context = Context(seed, "benchmark", torch.float64, torch.device("cpu"))
        begin = time.perf_counter()
        fit = optimizer.minimise(task, geometry, start, 0.0, context)
        seconds = time.perf_counter() - begin
        rows.append(
            {"problem": problem.name, "asked": gap, "seed": seed, "seconds": seconds}
            | {
                name: fit.quality[name][0]
                for name in ("gap_proved", "gap_estimate", "bound_proved", "bound_estimate", "passes")
            }
            | judged(fit.network, task, geometry)
            | {"neurons": fit.network.inner.shape[1]}
        )
    return rows


BASE = Problem("base", 20, 11, 200, 0.03, 100, 0)
GROWTH: dict[str, tuple[tuple[int, ...], Callable[[int], tuple[Problem, int]]]] = {
    "levels": ((2, 4, 8, 16), lambda n: (BASE, n)),
    "N": ((6, 11, 21), lambda n: (evolve(BASE, points=n), 2)),
    "M": ((100, 200, 400, 800), lambda n: (evolve(BASE, samples=n), 2)),
    "K": ((50, 100, 200, 400), lambda n: (evolve(BASE, width=n), 2)),
    "d": ((10, 20, 40, 80), lambda n: (evolve(BASE, dimension=n), 2)),
}


def growth() -> list[bench.Growth]:
    """Seconds a step of the whole bank as one size grows and the others are held."""
    found = []
    for name, (values, problem_of) in GROWTH.items():
        times = []
        for value in values:
            problem, levels = problem_of(value)
            _, task, start = problem.build(levels, 0)
            times.append(min(batched_step(task, start, torch.device("cpu"), 20) for _ in range(3)) * levels)
        found.append(bench.Growth(name, values, tuple(times)))
    return found


def main() -> None:
    """Measure, print, write."""
    parser = bench.options(__doc__)
    parser.add_argument("--paper", action="store_true", help="quality at the paper's scale as well")
    parser.add_argument("--seeds", type=int, default=1, help="how many seeds")
    chosen = parser.parse_args()
    torch.set_num_threads(chosen.threads)
    steps = steps_table(SMALL, levels=12, steps=100) + steps_table(PAPER, levels=2, steps=20)
    quality: list[dict[str, object]] = []
    gap_rows: list[dict[str, object]] = []
    for seed in range(chosen.seeds):
        quality += [ours(SMALL, seed, 0), ours(SMALL, seed, SMALL.working_set)]
        other = coopers(SMALL, seed)
        if other is None:
            print("cooper is not installed (pip install cooper-optim): skipped", file=sys.stderr)
        else:
            quality.append(other)
        if chosen.paper:
            quality.append(ours(PAPER, seed, PAPER.working_set))
        gap_rows += gaps(chosen.paper, seed)
    grown = growth()
    parts = {
        "milliseconds a step and denoiser": steps,
        f"time to quality: violation <= {VIOLATION:g}, cost <= {RATIO:g} times the slabs'": quality,
        "optimality gap of certified-min-norm, from random weights": gap_rows,
        f"growth of a step about 2 levels and {BASE}": [one.row for one in grown],
    }
    bench.report("training", parts, ("cooper-optim",), chosen.json)
    if chosen.plot:
        bench.plot(grown, chosen.plot)


if __name__ == "__main__":
    main()
