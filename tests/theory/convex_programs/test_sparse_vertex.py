"""A vertex against a linear programme, and what it must keep."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import linprog

from flowlab.theory.convex_programs.sparse_vertex import vertex


@given(seed=st.integers(0, 10_000), rows=st.integers(1, 6), columns=st.integers(1, 140), rank=st.integers(1, 6))
def test_few_columns_solve_the_equations_at_no_larger_sum(seed, rows, columns, rank):
    draw = np.random.default_rng(seed)
    matrix = draw.normal(size=(rows, min(rank, rows))) @ draw.normal(size=(min(rank, rows), columns))
    sizes = draw.exponential(size=columns)
    used = vertex(matrix, sizes)
    assert used.sum() <= min(rank, rows, columns)
    right = matrix @ sizes
    small = linprog(np.ones(used.sum()), A_eq=matrix[:, used], b_eq=right, options={"presolve": False})
    assert small.status == 0
    assert small.fun <= sizes.sum() * (1 + 1e-7)
