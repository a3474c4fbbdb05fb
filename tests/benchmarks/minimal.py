"""Which networks are minimal: costs of slabs, dichotomy neurons and others on small sets, with proved gaps.

    python tests/benchmarks/minimal.py [--json FILE] [--threads N] [--quick] [--scan]

`proved` is a lower bound of the cost of any network, rounding included; `gap` = 1 - proved / neurons is how far
dichotomy neurons can be above the least. `anywhere` is a network whose neurons cutting planes found, with kinks
through clusters or not: where it is below `neurons`, these are not minimal. --scan adds random sets.
"""

from __future__ import annotations

import math
import sys
from itertools import product
from pathlib import Path

import torch
from attrs import asdict

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parents[1] / "theory" / "convex_programs"))

import bench
from families import Families, drawn, families

from flowlab.theory.certificates.proving import ProofBudget

SINES = math.sin(2 * math.pi / 3)
SETS: dict[str, tuple[list[list[float]], int]] = {
    "right angle, d = 2": ([[0, 0], [1, 0], [0, 1]], 20),
    "obtuse, d = 2": ([[0, 0], [1, 0], [-0.3, 0.9]], 20),
    "equilateral": ([[1, 0], [-0.5, SINES], [-0.5, -SINES]], 20),
    "square": ([[0, 0], [1, 0], [0, 1], [1, 1]], 20),
    "right angle, d = 3": ([[0, 0, 0], [1, 0, 0], [0, 1, 0]], 12),
    "obtuse, d = 3": ([[0, 0, 0], [1, 0, 0], [-0.3, 0.9, 0], [-0.2, -0.3, 0.8]], 10),
    "orthogonal, d = 3": ([[0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1]], 10),
    "near-square": ([[0, 0, 0], [1, 0, 0], [0, 1, 0], [1, 1, 0.1]], 10),
}
RANDOM = ((4, 2, 20), (5, 2, 20), (4, 3, 10))  # N, d, M


def table(quick: bool) -> list[dict[str, object]]:
    """One row a set, sigma 0.05."""
    sets = [(name, torch.tensor(points, dtype=torch.float64), count) for name, (points, count) in SETS.items()]
    sets += [(f"random, N = {n}, d = {d}", drawn(6, n, d), m) for n, d, m in RANDOM]
    rows = []
    for name, points, samples in sets[: 2 if quick else None]:
        found = families(points, 0.05, samples, 1, ProofBudget(6, 300_000))
        rows.append({"set": name, "M": samples} | row(found))
    return rows


def row(found: Families) -> dict[str, object]:
    """Costs, bound, and the proved gap of the neurons."""
    costs = {name: f"{value:.4f}" for name, value in asdict(found).items() if name != "neurons_least"}
    return costs | {"gap": found.gap(found.neurons)}


def scan() -> list[dict[str, object]]:
    """By samples a point: random sets, and those where a network with other kinks is cheaper by 0.1 %."""
    rows = []
    for sigma, samples in product((0.05, 0.15), (2, 3, 4, 5, 10, 20)):
        tried, gaps, saved = 0, [], []
        for dimension, count, seed in product((1, 2), (2, 3, 4), range(2)):
            try:
                found = families(
                    drawn(100 + seed, count, dimension), sigma, samples, seed + 1, ProofBudget(2, 50_000)
                )
            except ValueError:
                continue
            tried += 1
            gaps.append(found.gap(found.neurons))
            saved.append(1 - found.anywhere / found.neurons)
        rows.append(
            {
                "sigma": sigma,
                "M": samples,
                "sets": tried,
                "cheaper": sum(one > 1e-3 for one in saved),
                "saved at most": max(saved),
                "widest gap": max(gaps),
            }
        )
    return rows


def main() -> None:
    """Compute, print, write."""
    parser = bench.options(__doc__)
    parser.add_argument("--quick", action="store_true", help="two sets only, to see that it works")
    parser.add_argument("--scan", action="store_true", help="random sets too")
    chosen = parser.parse_args()
    torch.set_num_threads(chosen.threads)
    parts = {"sigma 0.05": table(chosen.quick)}
    if chosen.scan:
        parts["random sets"] = scan()
    bench.report("minimal", parts, ("daqp",), chosen.json)


if __name__ == "__main__":
    main()
