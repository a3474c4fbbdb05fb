"""How long the exact max-margin slabs take, beside general solvers, and how that grows.

    python tests/benchmarks/exact.py [--json FILE] [--plot FILE] [--threads N] [--quick]

Set OMP_NUM_THREADS before, for NumPy's own threads. Peers solve the very same samples and are compared in cost;
a peer whose package is missing is skipped and said to be.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

sys.path.insert(0, str(Path(__file__).parent))  # for `bench`, however this file is started

import bench

from flowlab.theory.convex_programs.max_margin import separate
from flowlab.theory.networks.interpolation import noisy_samples

Array = NDArray[np.float64]
Peer = Callable[[Array, NDArray[np.bool_]], Array]


def training_samples(dimension: int, count: int, samples: int, sigma: list[float]) -> Tensor:
    """Noisy samples (L, N, M, d) of the origin and N - 1 orthonormal points."""
    points = torch.cat([torch.zeros(1, dimension), torch.eye(count - 1, dimension)]).double()
    generator = torch.Generator().manual_seed(0)
    return noisy_samples(points, torch.tensor(sigma, dtype=torch.float64), samples, generator)


def solve(samples: Tensor) -> Tensor:
    """Costs |w| (L, N - 1) of all slabs but the origin's, the ones that a denoiser uses."""
    return separate(samples, torch.eye(samples.shape[1], dtype=torch.bool)[1:]).weights.norm(dim=-1)


def by_clarabel(rows: Array, above: NDArray[np.bool_]) -> Array:
    """The programme as it is written, by cvxpy and its interior-point solver."""
    import cvxpy

    w, b = cvxpy.Variable(rows.shape[1]), cvxpy.Variable()
    sign = np.where(above, 1.0, -1.0)
    cvxpy.Problem(cvxpy.Minimize(cvxpy.sum_squares(w)), [(rows * sign[:, None]) @ w + sign * b >= above]).solve(
        solver=cvxpy.CLARABEL
    )
    return np.asarray(w.value)


def by_support_vectors(rows: Array, above: NDArray[np.bool_]) -> Array:
    """The same hyperplane as a support-vector machine's, whose margins are -1 and 1 instead of 0 and 1."""
    from sklearn.svm import SVC

    machine = SVC(kernel="linear", C=1e8, tol=1e-6, cache_size=500).fit(rows, above)
    return np.asarray(machine.coef_[0]) / 2


def by_quadratic_solver(name: str) -> Peer:
    """The programme handed whole to a solver of quadratic programmes."""

    def solved(rows: Array, above: NDArray[np.bool_]) -> Array:
        import qpsolvers

        sign = np.where(above, 1.0, -1.0)
        matrix = -np.column_stack([rows * sign[:, None], sign])
        hessian = np.eye(matrix.shape[1])
        hessian[-1, -1] = 0.0
        solution = qpsolvers.solve_qp(hessian, np.zeros(len(hessian)), matrix, -above.astype(float), solver=name)
        return np.full(rows.shape[1], np.nan) if solution is None else solution[:-1]

    return solved


PEERS: dict[str, tuple[tuple[str, ...], Peer]] = {
    "cvxpy + Clarabel": (("cvxpy", "clarabel"), by_clarabel),
    "scikit-learn SVC": (("sklearn",), by_support_vectors),
    "qpsolvers + PIQP": (("qpsolvers", "piqp"), by_quadratic_solver("piqp")),
    "qpsolvers + DAQP": (("qpsolvers", "daqp"), by_quadratic_solver("daqp")),
}


def sizes(quick: bool) -> list[dict[str, object]]:
    """The exact solver on its own."""
    cases: dict[str, tuple[int, int, int, list[float]]] = {
        "paper scale, one level": (30, 31, 500, [0.05]),
        "paper scale, 50 levels": (30, 31, 500, np.linspace(0.16, 0.01, 50).tolist()),
        "d = 300, 201 points": (300, 201, 500, [0.02]),
    }
    rows = []
    for name, (dimension, count, samples, sigma) in list(cases.items())[: 1 if quick else None]:
        data = training_samples(dimension, count, samples, sigma)
        timing, slopes = bench.timed(lambda data=data: solve(data), repeats=3, warm=len(rows) == 0)
        solved = int(slopes.isfinite().sum())
        rows.append(
            {"case": name, "d": dimension, "N": count, "M": samples, "levels": len(sigma), "slabs": solved}
            | bench.plain(timing)
            | {"per_slab_ms": 1e3 * timing.least / slopes.numel()}
        )
    return rows


def peers(quick: bool) -> list[dict[str, object]]:
    """Slabs of one level by the exact solver and by others: time as a multiple, cost as a relative excess."""
    rows: list[dict[str, object]] = []
    for dimension, count, samples, slabs in ((5, 6, 50, 5), (10, 11, 200, 4), (30, 31, 500, 2))[
        : 1 if quick else None
    ]:
        data = training_samples(dimension, count, samples, [0.05])
        above = torch.eye(count, dtype=torch.bool)[1 : slabs + 1]
        flat = data[0].flatten(0, 1).numpy()
        masks = [positive.repeat_interleave(samples).numpy() for positive in above]
        exact, margins = bench.timed(lambda data=data, above=above: separate(data, above))
        case = {"d": dimension, "N": count, "M": samples, "slabs": slabs}
        rows.append({**case, "solver": "flowlab", "least": exact.least, "times": 1.0, "excess": 0.0})
        slopes = margins.weights[0].norm(dim=-1).numpy()
        for name, (needs, peer) in PEERS.items():
            row = {**case, "solver": name, "least": None, "times": None, "excess": None}
            if all(find_spec(package) for package in needs):
                work = lambda peer=peer, flat=flat, masks=masks: [peer(flat, mask) for mask in masks]  # noqa: E731
                timing, found = bench.timed(work, repeats=3, budget=10, warm=count < 10)
                excess = float(np.max(np.abs(np.linalg.norm(found, axis=1) / slopes - 1)))
                row |= {"least": timing.least, "times": timing.least / exact.least, "excess": excess}
            else:
                row["solver"] = f"{name} (skipped: not installed)"
            rows.append(row)
    return rows


def growth(quick: bool) -> list[bench.Growth]:
    """Time over one size at a time, the others held."""
    base = {"levels": 4, "N": 16, "M": 400, "d": 60}
    steps = {"levels": (4, 8, 16, 32), "N": (8, 16, 32, 60), "M": (200, 400, 800, 1600), "d": (30, 60, 120, 240)}
    found = []
    for name, values in steps.items():
        values = values[: 2 if quick else None]
        times = []
        for value in values:
            size = base | {name: value}
            sigma = np.linspace(0.03, 0.02, size["levels"]).tolist()
            data = training_samples(size["d"], size["N"], size["M"], sigma)
            times.append(bench.timed(lambda data=data: solve(data), repeats=3, budget=10)[0].least)
        found.append(bench.Growth(name, values, times))
    return found


def main() -> None:
    """Measure, print, write."""
    parser = bench.options(__doc__)
    parser.add_argument("--quick", action="store_true", help="the smallest sizes only, to see that it works")
    chosen = parser.parse_args()
    torch.set_num_threads(chosen.threads)
    grown = growth(chosen.quick)
    parts = {
        "exact solver (seconds)": sizes(chosen.quick),
        "beside others (one level, sigma 0.05; times: multiples of flowlab's)": peers(chosen.quick),
        "growth about 4 levels, N = 16, M = 400, d = 60": [one.row for one in grown],
    }
    bench.report("exact", parts, ("daqp", "cvxpy", "clarabel", "scikit-learn", "qpsolvers", "piqp"), chosen.json)
    if chosen.plot:
        bench.plot(grown, chosen.plot)


if __name__ == "__main__":
    main()
