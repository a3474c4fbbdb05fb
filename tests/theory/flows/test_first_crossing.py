"""The first change of sign of a polynomial, against numpy's roots."""

import numpy as np
import torch
from hypothesis import assume, given
from hypothesis import strategies as st

from flowlab.theory.flows.first_crossing import first_crossing

NONE = float("inf")


def tensor(rows):
    return torch.tensor(rows, dtype=torch.float64)


def from_roots(*roots, sign=1.0):
    """Coefficients, lowest first, of the polynomial with these roots, positive at 0."""
    lowest = np.poly(roots)[::-1]
    return (sign * np.sign(lowest[0]) * lowest).tolist()


def test_crossings_that_are_known_by_hand():
    rows = tensor([[1, -2, 0], [1, 1, 0], [1, -1, 0], [0, -1, 0], [0.5, -1.5, 1], [1, -0.5, 0]])
    found = first_crossing(rows)
    assert found.tolist()[:2] == [0.5, NONE]
    assert found[2] == 1 or found[2] == NONE  # it only reaches zero
    assert found[3] == 0
    torch.testing.assert_close(found[4], tensor(0.5))
    assert found[5] == NONE


def test_two_crossings_close_together_are_both_seen():
    """Between them the polynomial is negative for a millionth of the interval: a grid of values would miss it."""
    for gap in (1e-2, 1e-4, 1e-6):
        rows = tensor([from_roots(0.6180339, 0.6180339 + gap, 3.0)])
        assert abs(float(first_crossing(rows)) - 0.6180339) < 1e-7


def test_a_touch_without_a_crossing_is_none():
    row = tensor([from_roots(0.25 + 1e-3j, 0.25 - 1e-3j, 2.0)])
    assert float(first_crossing(row)) == NONE


@given(
    st.lists(st.floats(-2, 3), min_size=1, max_size=6),
    st.lists(st.tuples(st.floats(-1, 2), st.floats(0.05, 1)), max_size=3),
)
def test_it_is_the_least_root_between_zero_and_one(real, pairs):
    inside = sorted(root for root in real if 0 <= root <= 1)
    # roots that are told apart, and not at an end of the interval
    near = np.abs(np.subtract.outer(real, real))[~np.eye(len(real), dtype=bool)]
    assume(len(near) == 0 or near.min() > 1e-2)
    assume(min(abs(root) for root in real) > 1e-2)
    assume(all(abs(root - 1) > 1e-2 for root in real))
    complex_roots = [complex(a, b * s) for a, b in pairs for s in (1, -1)]
    row = np.real(np.poly([*real, *complex_roots]))[::-1]
    row = row * np.sign(row[0])
    found = float(first_crossing(tensor([row.tolist()])))
    expected = inside[0] if inside else NONE
    assert found == expected or abs(found - expected) < 1e-6


def test_rows_do_not_know_of_each_other():
    rows = tensor([from_roots(0.9, 5.0), from_roots(0.1, 0.4), from_roots(2.0, 3.0)])
    together = first_crossing(rows)
    for row, found in zip(rows, together, strict=True):
        assert torch.equal(first_crossing(row[None])[0], found)
