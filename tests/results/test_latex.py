"""LaTeX tables: means and intervals against formulas of their own, names that LaTeX prints as they are."""

from __future__ import annotations

import math
import re

import pytest

from flowlab.api import ExperimentError
from flowlab.output.swept_columns import column_names
from flowlab.results.latex import to_latex
from flowlab.results.read_csv import read_csv
from flowlab.results.result_table import ResultTable
from flowlab.results.seed_means import average_seeds

T_2 = 0.95 / math.sqrt(
    2 * 0.975 * 0.025
)  # the 97.5 % quantile of Student's t with 2 degrees of freedom, closed form


def table(**columns: object) -> ResultTable:
    keys = tuple(name for name in ("width", "seed") if name in columns)
    return ResultTable("t", keys, columns)


def cells(latex: str) -> list[list[str]]:
    """The cells of a tabular's rows, the header first."""
    body = latex[latex.index(r"\toprule") : latex.index(r"\bottomrule")]
    rows = [line.strip() for line in body.splitlines() if line.strip().endswith(r"\\")]
    return [re.split(r"(?<!\\) & ", row.removesuffix(r"\\").strip()) for row in rows]


def test_a_mean_and_its_student_interval() -> None:
    means = average_seeds(table(width=[8, 8, 8, 9, 9, 9], seed=[0, 1, 2] * 2, cost=[1.0, 2.0, 3.0, 5.0, 5.0, 5.0]))
    first, second = means.columns["cost"]
    half = T_2 * 1.0 / math.sqrt(3)  # standard deviation 1
    assert first.mean == 2.0
    assert first.interval == pytest.approx((2 - half, 2 + half), rel=1e-12)
    assert second == 5.0
    assert means.columns["width"] == [8, 9]
    assert "seed" not in means.columns


def test_rows_of_a_seed_keep_their_places() -> None:
    columns = {"seed": [0, 0, 1, 1], "flow": ["pf", "score"] * 2, "x": [1.0, 10.0, 3.0, 30.0]}
    means = average_seeds(table(**columns))
    assert means.columns["flow"] == ["pf", "score"]
    assert [statistics.mean for statistics in means.columns["x"]] == [2.0, 20.0]


def test_the_table_says_which_interval_it_has() -> None:
    latex = to_latex(table(width=[8, 8, 8], seed=[0, 1, 2], cost=[1.0, 2.0, 3.0]))
    assert cells(latex) == [["width", "cost"], ["$8$", r"$2.0 \pm 2.5$"]]
    rest = "; numbers without an interval are equal at all seeds."
    assert rf"\caption{{t. Means over 3 seeds with 95~\% Student t intervals{rest}}}" in latex
    assert r"\begin{tabular}{rr}" in latex
    assert r"\pm" not in to_latex(table(width=[8], cost=[1.0]))
    assert "interval" not in to_latex(table(width=[8], cost=[1.0]))


def test_shares_of_one_seed_have_the_exact_binomial_interval() -> None:
    # of 10 starts none: the upper end is 1 - (alpha / 2) ** (1 / n) in closed form
    shares = ResultTable("ends", (), {"flow": ["pf"], "starts": [10], "virtual": [0.0]}, ("virtual",), [10])
    [statistics] = average_seeds(shares).columns["virtual"]
    assert (statistics.mean, statistics.interval) == (0.0, pytest.approx((0.0, 1 - 0.025**0.1), rel=1e-9))
    latex = to_latex(shares)
    assert cells(latex) == [["flow", "starts", r"virtual (\%)"], ["pf", "$10$", "$0^{+31}_{-0}$"]]
    assert r"Shares with 95~\% Clopper-Pearson intervals over starts." in latex


def test_shares_over_seeds() -> None:
    columns = {"seed": [0, 1, 2], "starts": [1000] * 3, "virtual": [0.1, 0.2, 0.3]}
    shares = ResultTable("ends", ("seed",), columns, ("virtual",), [1000] * 3)
    [statistics] = average_seeds(shares).columns["virtual"]
    half = T_2 * 0.1 / math.sqrt(3)
    assert statistics.interval == pytest.approx((max(0, 0.2 - half), 0.2 + half), rel=1e-9)
    latex = to_latex(shares)
    assert "widened where needed to the Clopper-Pearson intervals of all starts" in latex
    assert cells(latex)[1] == ["$1000$", "$20^{+25}_{-20}$"]


def test_equal_shares_at_all_seeds_still_have_the_interval_of_the_starts() -> None:
    columns = {"seed": [0, 1], "starts": [5, 5], "virtual": [0.0, 0.0]}
    [statistics] = average_seeds(ResultTable("ends", ("seed",), columns, ("virtual",), [5, 5])).columns["virtual"]
    assert statistics.interval[1] == pytest.approx(1 - 0.025 ** (1 / 10), rel=1e-9)


@pytest.mark.parametrize(
    ("cell", "text"),
    [
        (0.0, "$0.00$"),
        (78.83, "$78.8$"),
        (1.3e-5, r"$1.30 \times 10^{-5}$"),
        (-2.5e7, r"$-2.50 \times 10^{7}$"),
        (math.inf, r"$\infty$"),
        (math.nan, "--"),
        (12, "$12$"),
        (True, "true"),
        ("a_b & 50% ~{x}\\", r"a\_b \& 50\% \textasciitilde{}\{x\}\textbackslash{}"),
    ],
)
def test_cells(cell: object, text: str) -> None:
    assert cells(to_latex(table(width=[1], x_1=[cell]))) == [["width", r"x\_1"], ["$1$", text]]


def test_small_numbers_share_their_power_of_ten() -> None:
    values = [1.0e-5, 1.1e-5, 1.2e-5]
    half = T_2 * 1e-6 / math.sqrt(3)
    text = cells(to_latex(table(width=[1] * 3, seed=[0, 1, 2], v=values)))[1][1]
    assert text == rf"$(1.10 \pm {half * 1e5:.2f}) \times 10^{{-5}}$"


def test_a_list_is_printed_as_its_largest_number() -> None:
    latex = to_latex(table(width=[1, 2], v=[[0.1, 0.3], [0.2, None]], usable=[[True], [False]]))
    assert cells(latex) == [["width", "max v"], ["$1$", "$0.300$"], ["$2$", "$0.200$"]]


def test_what_cannot_be_averaged_says_so() -> None:
    with pytest.raises(ExperimentError, match="the column 'class' differs between seeds"):
        to_latex(table(seed=[0, 1], **{"class": ["training", "virtual"]}))
    with pytest.raises(ExperimentError, match="different numbers of rows"):
        to_latex(table(seed=[0, 0, 1], x=[1.0, 2.0, 3.0]))
    each = to_latex(table(seed=[0, 1], **{"class": ["training", "virtual"]}), each_seed=True)
    assert len(cells(each)) == 3


def test_a_seed_without_a_number_leaves_no_mean() -> None:
    ratios = table(
        width=[1, 1, 2, 2], seed=[0, 1] * 2, ratio=[1.0, None, 1.5, math.nan], cost=[1.0, 2.0, 3.0, 3.0]
    )
    latex = to_latex(ratios)
    assert [row[-1] for row in cells(latex)][1:] == [r"$1.5 \pm 6.4$", "$3.00$"]
    assert cells(latex)[0] == ["width", "cost"]
    mixed = to_latex(table(width=[1, 1, 2, 2], seed=[0, 1] * 2, ratio=[1.0, None, 1.5, 1.5]))
    assert [row[-1] for row in cells(mixed)] == ["ratio", "--", "$1.50$"]
    assert "are equal at all seeds, and -- stands where a seed has no number." in mixed


def test_one_seed_of_a_sweep_over_seeds_is_as_none() -> None:
    shares = ResultTable("ends", ("seed",), {"seed": [3], "virtual": [0.0]}, ("virtual",), [10])
    assert cells(to_latex(shares)) == [[r"virtual (\%)"], ["$0^{+31}_{-0}$"]]
    assert "Clopper-Pearson intervals over starts." in to_latex(shares)


def test_csv_cells_come_back_with_their_types() -> None:
    assert read_csv('a,b,c,d,e,f,g\n1,1.5,true,x,,"[1, 2]",1\n2,nan,,1,,,0.5\n') == {
        "a": [1, 2],
        "b": [1.5, pytest.approx(math.nan, nan_ok=True)],
        "c": [True, None],
        "d": ["x", "1"],
        "e": [None, None],
        "f": [[1, 2], None],
        "g": [1.0, 0.5],
    }
    assert read_csv("a\n007\n") == {"a": ["007"]}
    assert read_csv("a,b\n1e-300,1_0\n") == {"a": [1e-300], "b": ["1_0"]}
    assert read_csv("a,b\n") == {"a": [], "b": []}
    assert read_csv("") == {}


def test_names_of_swept_keys() -> None:
    assert column_names(["denoiser.a.width", "experiment.seed"]) == ["width", "seed"]
    two = ["denoiser.a.width", "denoiser.b.width", "flow.pf.seed"]
    assert column_names(two) == two
