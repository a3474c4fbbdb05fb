"""Formulas of docstrings are found among words, and put into LaTeX."""

from __future__ import annotations

import pytest

from flowlab.docs.components import component_pages
from flowlab.docs.formulas import FormulaError
from flowlab.docs.plain_math import split_formulas, to_latex
from flowlab.docs.prose import render_prose
from flowlab.registry.registry import Registry


def formulas(text: str) -> list[str]:
    return [piece.text for piece in split_formulas(text) if piece.formula]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (
            "It is h(y) = sum_k a_k relu(w_k . y + b_k) + c, fitted.",
            ["h(y) = sum_k a_k relu(w_k . y + b_k) + c"],
        ),
        (
            "Stable if sum_{n in I, n != k} |u_k . v_n| <= rho for each k.",
            ["sum_{n in I, n != k} |u_k . v_n| <= rho"],
        ),
        ("x_0 = 0 and x_n = length_n u_n with noise", ["x_0 = 0", "x_n = length_n u_n"]),
        ("|x_n| = radius, always", ["|x_n| = radius"]),
        ("with mu = penalty / M for all", ["mu = penalty / M"]),
        ("runs down to T / S in t (sigma_T / S in sigma)", ["sigma_T / S"]),
        ("Minimises 1/(2 M) sum_nm |h(y_nm) - x_n|^2, M samples a point.", ["1/(2 M) sum_nm |h(y_nm) - x_n|^2"]),
        ("y' = h + (sigma'/sigma) (y - h). For score flow", ["y' = h + (sigma'/sigma) (y - h)"]),
        ("maps the ball B(x_n, rho) to x_n.", ["B(x_n, rho)", "x_n"]),
        ("reaches about sqrt(2 log M) sigma along", ["sqrt(2 log M) sigma"]),
        ("of dimension d = 64; they come", ["d = 64"]),
        ("penalty_start = 20,000 and learning_rate = 0.001", []),
        ("set `mu = 3` or see a/b/sparse_training.py", []),
        ("I take a point, or several; see (a) and https://a_b.org/x^2", []),
        ("Of 500 samples 3 remain.", []),
        ("", []),
    ],
)
def test_formulas_are_told_from_words(text: str, found: list[str]) -> None:
    assert formulas(text) == found


def test_no_word_is_lost() -> None:
    text = "Where (sigma_T / S, say) it is x_0 = 0. Not a word more, in h(y) = y; done."
    pieces = [f"{piece.before}{piece.text}{piece.after}" for piece in split_formulas(text)]
    assert " ".join(pieces) == text


@pytest.mark.parametrize(
    ("formula", "latex"),
    [
        ("h(y) = sum_k a_k relu(w_k . y)", r"h (y) = \sum_{k} a_{k} \operatorname{relu} (w_{k} \cdot y)"),
        ("y_nm", "y_{n m}"),
        ("y_i^T", r"y_{i}^{\top}"),
        ("2^(N-1)", "2^{N - 1}"),
        ("e^{-s} y", "e^{- s} y"),
        ("t_r1", "t_{r 1}"),
        ("sqrt(t)", r"\sqrt{t}"),
        ("n in I", r"n \in I"),
        ("dy/dsigma", r"d y / d \sigma"),
        ("sigma' <= 0.5", r"\sigma' \le 0.5"),
        ("length_n u_n", r"\text{length}_{n}\, u_{n}"),
        ("multiplier_rate * mu", r"\text{multiplier_rate} \cdot \mu"),
    ],
)
def test_latex(formula: str, latex: str) -> None:
    assert to_latex(formula) == latex


@pytest.mark.parametrize("formula", ["(a", "a)", "x_", "_n", "x_{n", "2^"])
def test_what_is_not_well_formed_is_refused(formula: str) -> None:
    with pytest.raises(FormulaError):
        to_latex(formula)


def test_prose_keeps_its_words_code_and_marks() -> None:
    html = str(render_prose("With `x_n = 1` <b> and x_n, too: <= 3 of (y_n)."))
    assert html.startswith("With <code>x_n = 1</code> &lt;b&gt; and <math")
    assert "</math>, too: &lt;= 3 of (<math" in html or "</math>, too: &lt;= 3 of <math" in html
    assert html.endswith(".")


def test_every_formula_of_a_built_in_component_is_typeset() -> None:
    """A docstring that can't be typeset is an error with its place; these have none, and enough of them."""
    typeset = 0
    for pages in component_pages(Registry.installed()).values():
        for page in pages:
            texts = [page.parts.summary, *(passage.text for passage in page.parts.passages)]
            typeset += sum(str(page.html(text)).count("<math") for text in texts)
    assert typeset > 60
