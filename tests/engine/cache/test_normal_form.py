"""The normal form of source code: what it leaves alone, and that every Python version finds the same."""

from __future__ import annotations

import ast
import copy
import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import flowlab
from flowlab.engine.cache import normal_form as module
from flowlab.engine.cache.normal_form import normal_form, parse_module

CODE = '''"""What it is."""

from __future__ import annotations

import math


class Disc:
    """A disc."""

    radius: float = 1.0
    """Its radius."""

    def area(self, *, scale: float = 2, **rest: int) -> float:
        """pi r^2"""
        if self.radius < 0:
            pass
        return math.pi * self.radius**scale
'''


def form(source: str) -> bytes:
    tree = parse_module(source.encode("utf-8", "surrogatepass"))
    assert tree is not None
    return normal_form(tree)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"""What it is."""', '"""Something else\\d."""'),
        ('    """A disc."""\n', ""),
        ('    """Its radius."""\n', ""),
        ('"""pi r^2"""', "'''pi r^2'''  # exactly\n"),
        ("import math\n", "import math  # numbers\n\n\n\n"),
        ("math.pi * self.radius**scale", "(\n            math.pi\n            * self.radius ** scale\n        )"),
        ("scale: float = 2,", "scale : float=2,"),
        ("= 2", "= 0x2"),
        ("\n", "\r\n"),
    ],
)
def test_comments_layout_and_docstrings_do_not_count(old: str, new: str) -> None:
    assert old in CODE
    assert form(CODE.replace(old, new)) == form(CODE)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("= 2", "= 3"),
        ("= 2", "= 2.0"),
        ("= 2", "= True"),
        ("= 2", "= '2'"),
        ("float = 2", "float"),
        ("**rest: int", "rest: int"),
        ("1.0", "1.0 + 0.0"),
        ("radius < 0", "radius <= 0"),
        ("self.radius < 0", "not self.radius"),
        ("Disc", "Disk"),
        ("import math", "from math import *"),
        ("            pass", "            raise ValueError"),
        ("-> float", "-> int"),
        ("math.pi * self.radius**scale", "(math.pi * self.radius) ** scale"),
        ("return math", "yield math"),
        ("def area", "async def area"),
    ],
)
def test_all_else_counts(old: str, new: str) -> None:
    assert old in CODE
    assert form(CODE.replace(old, new, 1)) != form(CODE)


def test_a_string_that_is_used_is_no_docstring() -> None:
    texts = ["x = 'a'", "x = 'b'", "f('a')", "f('b')", "def f():\n    return 'a'", "def f():\n    return 'b'"]
    assert len({form(text) for text in texts}) == 6


def test_parts_are_told_apart() -> None:
    texts = [
        "[1, 2]",
        "[[1], 2]",
        "[1, [2]]",
        "[12]",
        "{1: 2}",
        "{1, 2}",
        "{**a, 1: 2}",
        "f(1, 2)",
        "f(1)(2)",
        "'1, 2'",
    ]
    assert len({form(f"x = {text}") for text in texts}) == len(texts)
    assert form("x = '\\ud800'") != form("x = '\\ud801'")


def test_text_of_an_f_string_counts_however_it_is_split() -> None:
    assert form("f'a{x}b'") == form("f'a' f'{x}' 'b'")
    assert form("f'a{x}b'") != form("f'a{x}c'") != form("f'a{x!r}c'") != form("f'a{x:>3}c'")
    [statement] = ast.parse("x = f'ab{x}'").body
    assert isinstance(statement, ast.Assign)
    joined = statement.value
    assert isinstance(joined, ast.JoinedStr)
    split = [ast.Constant("a"), ast.Constant("b"), joined.values[1], ast.Constant("")]
    as_elsewhere = ast.Module([ast.Assign(statement.targets, ast.JoinedStr(split))], [])
    assert normal_form(as_elsewhere) == form("x = f'ab{x}'")


def test_fields_that_a_later_version_adds_change_nothing_while_they_are_empty() -> None:
    tree = copy.deepcopy(parse_module(CODE.encode()))  # nodes of operators are shared by all trees
    assert tree is not None
    for node in ast.walk(tree):
        node._fields = (*(name for name in node._fields if name != "type_params"), "type_params", "news")
        node.type_params, node.news = [], None  # type: ignore[attr-defined]
    assert normal_form(tree) == form(CODE)
    for node in ast.walk(tree):
        node.news = "something"  # type: ignore[attr-defined]
    assert normal_form(tree) != form(CODE)


def test_a_deep_expression_is_no_problem() -> None:
    deep = "x = " + "-" * 80 + "1\ny = " + " + ".join(["1"] * 900)
    assert form(deep) != form(deep.replace("+ 1 + 1", "+ 1 - 1", 1))


@pytest.mark.parametrize("source", [b"no python", b"\xff", b"x = \x00", b"def f(:"])
def test_what_cannot_be_parsed_has_no_tree(source: bytes) -> None:
    assert parse_module(source) is None


TRICKY = r"""
x = f'a{1}b{2!r:>{3}}c' 'd' f'{4:.2f}' rf'\d{5=}' f'{{}}' f'{"x":{">"}10}'
y = u'kind', b'\x00', 'é', "\N{EM DASH}", 1_000, 1e400, 0x_ff, 3j, ..., -1, not True
def f(a, /, b=1, *c, d, e=2, **g) -> None: ...
z = lambda *a, **b: 0
""" + (
    "async def h():\n    async with a as b, c: await d\n    return [i async for i in j if k]\n"
    "match x:\n    case {'a': 1, **rest} | [1, *_] | C(y=2) | None: del z[1:2, ...]\n"
    "try: pass\nexcept* ValueError as e: raise e from None\nelse: x: int\nfinally: global q\n"
)

_DIGEST = """
import hashlib, importlib.util, sys
spec = importlib.util.spec_from_file_location("normal_form", sys.argv[1])
module = importlib.util.module_from_spec(spec)
spec.loader.exec_module(module)
for path in sys.argv[2:]:
    with open(path, "rb") as file:
        tree = module.parse_module(file.read())
    print(hashlib.sha256(module.normal_form(tree)).hexdigest())
"""


def other_pythons() -> list[str]:
    """The interpreters of other supported versions on this machine."""
    found = []
    for minor in range(11, 16):
        name = f"python3.{minor}"
        places = [shutil.which(name), *map(str, Path.home().glob(f".pyenv/versions/3.{minor}.*/bin/{name}"))]
        here = [place for place in places if place and os.path.exists(place)]
        if minor != sys.version_info.minor:
            found += [place for place in here if subprocess.run([place, "-c", ""], check=False).returncode == 0][
                :1
            ]
    return found


@pytest.mark.parametrize("python", other_pythons() or [None])
def test_every_version_finds_the_same_digests(tmp_path: Path, python: str | None) -> None:
    if python is None:
        pytest.skip("no other supported Python is here")
    tricky = tmp_path / "tricky.py"
    tricky.write_text(TRICKY)
    root = Path(flowlab.__file__).parent
    files = [tricky, *sorted((root / "theory").rglob("*.py")), *sorted((root / "components").rglob("*.py"))]
    command = [python, "-c", _DIGEST, str(module.__file__), *map(str, files)]
    done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=100)
    here = [hashlib.sha256(form(file.read_text())).hexdigest() for file in files]
    assert done.stdout.split() == here
