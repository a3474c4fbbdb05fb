"""Digests of source code."""

from __future__ import annotations

from pathlib import Path

import pytest

from flowlab.engine.cache.source_digest import digest_modules

CODE = "def f(x):\n    return x + 1\n"


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.syspath_prepend(tmp_path)
    folder = tmp_path / "digested"
    (folder / "inner").mkdir(parents=True)
    (folder / "__init__.py").write_text("")
    (folder / "inner/code.py").write_text(CODE)
    return folder


@pytest.mark.parametrize(
    ("source", "same"),
    [
        ("# why\n\n\ndef f( x ):\n    return (x  + 1)  # so\n", True),
        (CODE.replace("1", "2"), False),
        (CODE.replace("x)", "y)"), False),
        (CODE.replace("return", "'''Words.'''\n    return"), False),
        ("no python", False),
    ],
)
def test_comments_and_layout_do_not_count(package: Path, source: str, same: bool) -> None:
    before = digest_modules("digested")
    (package / "inner/code.py").write_text(source)
    assert (digest_modules("digested") == before) == same


def test_names_and_what_is_no_python_count(package: Path) -> None:
    seen = [str(digest_modules("digested"))]
    (package / "inner/code.py").rename(package / "inner/other.py")
    seen.append(str(digest_modules("digested")))
    for broken in (b"no python", b"no python at all", b"\xff"):
        (package / "inner/other.py").write_bytes(broken)
        seen.append(str(digest_modules("digested")))
    assert len(set(seen)) == 5


def test_a_module_alone_and_none_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "lonely.py").write_text(CODE)
    assert list(digest_modules("lonely")) == ["lonely"]
    assert {"cli/app.py", "engine/cache/source_digest.py"} < digest_modules("flowlab").keys()
    assert digest_modules("sys") == digest_modules("no_such_package") == digest_modules("") == {}


def test_nothing_is_imported(package: Path) -> None:
    (package / "__init__.py").write_text("raise SystemError")
    digest_modules("digested")
