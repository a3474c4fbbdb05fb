"""LaTeX becomes MathML that says the same."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest

from flowlab.docs.formulas import FormulaError, to_mathml

MATH = "{http://www.w3.org/1998/Math/MathML}"


def test_a_fraction_has_its_parts() -> None:
    tree = ElementTree.fromstring(to_mathml(r"\frac{a + b}{2}", display=True))
    assert tree.tag == f"{MATH}math"
    assert tree.get("display") == "block"
    above, below = tree.find(f".//{MATH}mfrac") or ()
    assert "".join(above.itertext()) == "a+b"
    assert "".join(below.itertext()) == "2"


def test_what_a_maximum_ranges_over_stands_below_it_in_a_formula_of_its_own() -> None:
    assert "<munder><mo" in to_mathml(r"\max_{k} x", display=True)
    assert "<msub><mo" in to_mathml(r"\max_{k} x")


def test_the_name_of_a_function_is_one_word_with_a_space_before_it() -> None:
    assert '<mo form="prefix" lspace="0.17em" rspace="0">relu</mo>' in to_mathml(r"a \operatorname{relu}(y)")
    assert '<mo form="prefix" lspace="0.17em" rspace="0.17em">min</mo>' in to_mathml(r"\min l")
    assert '<mo form="prefix" lspace="0.17em" rspace="0">softmax</mo>' in to_mathml(r"\operatorname{softmax}_n(y)")


@pytest.mark.parametrize(
    "latex",
    [
        r"\nothing",
        r"\frac{a}",
        "x_",
        "{",
        "}{",
        r"\left(",
        r"\begin{aligned} a &= b \end{aligned}",
        r"\text{a",
        r"\text{<b>x</b>}",
    ],
)
def test_what_would_not_be_shown_as_meant_is_refused(latex: str) -> None:
    with pytest.raises(FormulaError):
        to_mathml(latex)
