"""What docstrings have to say: one sentence first, shapes, errors, and the source of each result."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from attrs import frozen

import flowlab

ROOT = Path(flowlab.__file__).parent
ROOMS = ("api", "components", "theory")

# a shape: (S, d), (L or 1, Q, d), (..., E), (N * M, d), (3,), () of a scalar
_AXIS = r"(?:\.{3}|[A-Za-z0-9][\w' *+^-]*)"
SHAPE = re.compile(rf"\((?:{_AXIS}(?:, {_AXIS})*,?)?\)")
TENSOR = re.compile(r"\b(Tensor|Array|Sides|Indices|NDArray)\b")
# names that say nothing about what is documented
STOP = {"a", "an", "the", "of", "to", "in", "its", "it", "is", "at", "by", "and", "or", "one", "with", "for", "as"}

# The modules of theory that implement a published result, and the place of it that they have to cite.
SOURCES = {
    "certificates/certificate.py": r"arXiv 2002\.11219",
    "certificates/cutting_planes.py": r"arXiv 2002\.11219",
    "solvers/fermat_weber.py": r"Kuhn, .* \(1973\)",
    "solvers/group_basis_pursuit.py": r"Boyd and Vandenberghe.* Chapter 11",
    "solvers/group_lasso.py": r"Beck and Teboulle \(2009\)",
    "flows/first_crossing.py": r"Farouki and Rajan, .* \(1987\)",
    "flows/outcomes.py": r"arXiv 2506\.19031, Theorem 4\.4",
    "flows/region_flow.py": r"arXiv 2506\.19031, Theorems 4\.2 and 4\.3",
    "flows/separable_flow.py": r"arXiv 2506\.19031, Theorem 4\.4.*arXiv 2506\.19031, Theorems 4\.2 and 4\.3",
    "flows/steps.py": r"arXiv 2010\.02502, Eq\. 13",
    "geometry/classes.py": r"arXiv 2506\.19031, Section 5",
    "geometry/line.py": r"arXiv 2311\.06748, the one-dimensional solution",
    "geometry/orthogonal.py": r"arXiv 2506\.19031, Section 3",
    "geometry/simplex.py": r"arXiv 2506\.19031, Section 3 and Appendix C",
    "geometry/stable_sums.py": r"arXiv 2506\.19031, Section 4 and Appendices B, C",
    "networks/mmse.py": r"arXiv 2506\.19031, Section 2",
    "networks/relu_network.py": r"arXiv 2506\.19031, Section 2",
    "networks/slabs.py": r"arXiv 2506\.19031, Section 3 and Appendices B, C",
    "statistics/intervals.py": r"Clopper and Pearson, Biometrika 26 \(1934\).*Student, Biometrika 6 \(1908\)",
    "statistics/page_test.py": r"Page, JASA 58 \(1963\)",
    "training/quality.py": r"arXiv 2506\.19031, Figure 14",
    "training/sparse_training.py": r"Nocedal and Wright, Numerical Optimization, Algorithm 17\.4",
}


@frozen
class Documented:
    """A public class or function of a file, by its syntax tree."""

    node: ast.ClassDef | ast.FunctionDef
    file: Path
    source: str

    @property
    def place(self) -> str:
        return f"{self.file.relative_to(ROOT.parent)}:{self.node.lineno} {self.node.name}"

    @property
    def doc(self) -> str:
        return ast.get_docstring(self.node) or ""

    @property
    def comments(self) -> str:
        lines = self.source.splitlines()[self.node.lineno - 1 : self.node.end_lineno]
        return "\n".join(line.partition("#")[0].strip() + line.partition("#")[2] for line in lines if "#" in line)


def public(tree: ast.Module | ast.ClassDef) -> Iterator[ast.ClassDef | ast.FunctionDef]:
    """Public functions, classes and their public methods; the names of a suite's tests say what they test."""
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith(("_", "test_")):
            yield node
            if isinstance(node, ast.ClassDef):
                yield from public(node)


def documented(source: str, file: Path) -> list[Documented]:
    return [Documented(node, file, source) for node in public(ast.parse(source))]


ALL = [
    each
    for room in ROOMS
    for file in sorted((ROOT / room).rglob("*.py"))
    for each in documented(file.read_text(encoding="utf-8"), file)
]


def first_line_fault(each: Documented) -> str | None:
    """What is wrong with the first line, if anything."""
    first, *rest = each.doc.splitlines() or [""]
    words = set(re.findall(r"[a-z]+", first.lower())) - STOP
    if not first.endswith("."):
        return "the first line is no sentence"
    if re.search(r"[^.q][.!?] [A-Z]", first):  # not after '...' or 'Eq.'
        return "the first line is more than one sentence"
    if len(words - set(each.node.name.lower().split("_"))) < 2:
        return "the first line says no more than the name"
    return "the line after the first is not blank" if rest and rest[0] else None


def is_tensor(annotation: ast.expr | None) -> bool:
    """Whether an annotation is of a tensor or an array, alone or with None."""
    text = "" if annotation is None else ast.unparse(annotation)
    return bool(TENSOR.search(text)) and not re.search(r"Callable|Mapping|dict", text)


def tensors(each: Documented) -> list[str]:
    """The names of tensor arguments or fields; from `like` only a dtype and a device are used."""
    if isinstance(each.node, ast.ClassDef):
        fields = [item for item in each.node.body if isinstance(item, ast.AnnAssign)]
        return [ast.unparse(item.target) for item in fields if is_tensor(item.annotation)]
    arguments = [*each.node.args.args, *each.node.args.kwonlyargs]
    return [item.arg for item in arguments if is_tensor(item.annotation) and item.arg != "like"]


def shape_follows(name: str, text: str) -> bool:
    """Whether a shape follows a name in the same sentence."""
    after = (text[match.end() :] for match in re.finditer(rf"(?<![\w.]){re.escape(name)}(?!\w)", text))
    return any((shape := SHAPE.search(rest)) and not re.search(r"\.\s", rest[: shape.start()]) for rest in after)


def missing_shapes(each: Documented) -> list[str]:
    """The tensors whose shape is neither in the docstring nor in a comment, and `return` if that has none."""
    text = f"{each.doc}\n{each.comments}"
    missing = [name for name in tensors(each) if not shape_follows(name, text)]
    if isinstance(each.node, ast.FunctionDef) and is_tensor(each.node.returns) and not SHAPE.search(text):
        missing.append("return")
    return missing


def missing_errors(each: Documented) -> set[str]:
    """The exceptions that a function raises by name and its docstring doesn't name."""
    if isinstance(each.node, ast.ClassDef):
        return set()
    raised = (item.exc for item in ast.walk(each.node) if isinstance(item, ast.Raise) and item.exc is not None)
    calls = (error.func if isinstance(error, ast.Call) else error for error in raised)
    names = {error.id for error in calls if isinstance(error, ast.Name) and error.id[0].isupper()}
    return {name for name in names if not re.search(rf"[Rr]aises?\b[^.]*\b{name}", each.doc)}


def executors(each: Documented) -> bool:
    """Whether it is of the executors, whose first lines are still to be written like the others."""
    return "executor" in str(each.file)


def test_the_first_line_is_one_sentence_that_says_more_than_the_name():
    faults = {each.place: fault for each in ALL if not executors(each) and (fault := first_line_fault(each))}
    assert not faults, faults


def test_every_tensor_has_its_shape():
    faults = {each.place: names for each in ALL if (names := missing_shapes(each))}
    assert not faults, faults


def test_every_error_that_is_raised_is_named():
    faults = {each.place: names for each in ALL if not executors(each) and (names := missing_errors(each))}
    assert not faults, faults


@pytest.mark.parametrize("module", SOURCES)
def test_a_published_result_has_its_source(module):
    text = " ".join((ROOT / "theory" / module).read_text(encoding="utf-8").split())
    assert re.search(SOURCES[module], text), f"{module} does not cite {SOURCES[module]}"


def test_no_source_is_without_its_place():
    for room in ROOMS:
        for file in (ROOT / room).rglob("*.py"):
            assert "Eq. of the" not in file.read_text(encoding="utf-8"), f"{file}: the number, or the section"


@pytest.mark.parametrize(
    ("code", "fault"),
    [
        ("def scale(y: Tensor) -> float:\n    '''Scale the y.'''", "the first line says no more than the name"),
        ("def scale(y: Tensor) -> float:\n    ''''''", "the first line is no sentence"),
        ("def scale():\n    '''The largest size. It is a float.'''", "the first line is more than one sentence"),
        ("def scale():\n    '''The largest size.\n    Of all.'''", "the line after the first is not blank"),
        ("def scale():\n    '''The largest size of the data.'''", None),
    ],
)
def test_empty_words_are_no_first_line(code, fault):
    (each,) = documented(code, ROOT / "x.py")
    assert first_line_fault(each) == fault


def test_a_shape_has_to_stand_beside_its_tensor():
    signature = "def f(y: Tensor, z: Tensor) -> Tensor:\n    '''Add y (S, d) and {}'''"
    (other,), (beside,) = (
        documented(signature.format(end), ROOT / "x.py") for end in ("z. Of (3,).", "z (S, d).")
    )
    assert missing_shapes(other) == ["z"]
    assert not missing_shapes(beside)


def test_an_error_has_to_be_named_after_raises():
    code = "def f():\n    '''Fail always, as {}.'''\n    raise ValueError('no')"
    (other,), (named,) = (
        documented(code.format(end), ROOT / "x.py") for end in ("ValueError", "it raises ValueError")
    )
    assert missing_errors(other) == {"ValueError"}
    assert not missing_errors(named)
