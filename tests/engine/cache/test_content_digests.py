"""Which sources can decide what a component computes, and their digests."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from built_in import BUILT_IN
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from flowlab.engine.cache import content_digests
from flowlab.engine.cache.content_digests import ContentDigests, SourceDigest
from flowlab.engine.cache.module_source import read_module
from flowlab.registry.entry_points import Entry
from flowlab.registry.registry import Registry

PLUGIN = {
    "__init__.py": "from stars.registered import Star  # what the package offers\n",
    "registered.py": "import math\nfrom . import shapes\nfrom stars.deep.rays import ray\n\n\nclass Star: ...\n",
    "shapes.py": "def corner():\n    from stars import lazily\n    return lazily.x\n",
    "lazily.py": "x = 1\n",
    "deep/__init__.py": "",
    "deep/rays.py": "from ..relative import y\nimport typing as t\nif t.TYPE_CHECKING:\n    import stars.typed\n",
    "relative.py": "y = 1\n",
    "typed.py": "z = 1\n",
    "pages.py": "import stars.registered\n",
    "report.py": "def page():\n    'A page.'\n",
}
REACHED = PLUGIN.keys() - {"typed.py", "pages.py", "report.py"}
ENTRY = Entry("dataset", "star", "stars.registered:Star", "stars", "1.0")


@pytest.fixture
def stars(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of a plugin's package."""
    monkeypatch.syspath_prepend(tmp_path)
    for name, source in PLUGIN.items():
        (tmp_path / "stars" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "stars" / name).write_text(source)
    return tmp_path / "stars"


def reached(entry: Entry = ENTRY) -> set[str]:
    """The modules of the plugin that count."""
    modules = ContentDigests().sources(entry).modules
    return {name.removeprefix("stars/") for name in modules if name.startswith("stars")}


def digest() -> str:
    return ContentDigests().sources(ENTRY).digest


def test_a_component_counts_with_what_it_imports(stars: Path) -> None:
    assert reached() == REACHED


@pytest.mark.parametrize("name", sorted(PLUGIN))
def test_an_edit_counts_just_where_the_module_is_reached(stars: Path, name: str) -> None:
    before = digest()
    (stars / name).write_text(f'"""Words."""\n# a remark\n{PLUGIN[name]}\n\n')
    assert digest() == before
    (stars / name).write_text(f"{PLUGIN[name]}\nedited = 1\n")
    assert (digest() != before) == (name in REACHED)


@pytest.mark.parametrize(
    "source",
    [
        "import importlib\nimportlib.import_module(name)\n",
        "__import__(f'stars.{x}')\n",
        "def f(code):\n    exec(code)\n",
        "from stars import elsewhere_made\nimport stars.nowhere\n",
        "import importlib\nTABLE = {'a': 'stars.pages', 'b': other()}\nimportlib.import_module(TABLE['a'])\n",
        "no python",
    ],
)
def test_what_cannot_be_told_counts_as_the_whole_package(stars: Path, source: str) -> None:
    (stars / "relative.py").write_text(source)
    assert reached() == set(PLUGIN)


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ("import importlib\nimportlib.import_module('stars.pages')\n", "pages.py"),
        ("import importlib\nTABLE = {'a': 'stars.report'}\nimportlib.import_module(TABLE[name])\n", "report.py"),
        ("from stars.report import *\n", "report.py"),
        ("try:\n    from stars import typed as t\nexcept ImportError:\n    pass\n", "typed.py"),
        ("class A:\n    async def f(self):\n        import stars.typed\n", "typed.py"),
        ("import typing\nif typing.TYPE_CHECKING:\n    import os\nelse:\n    import stars.typed\n", "typed.py"),
        ("model.eval()\ndatabase.exec(x)\n", "relative.py"),
    ],
)
def test_what_can_be_told_counts_alone(stars: Path, source: str, name: str) -> None:
    (stars / "relative.py").write_text(source)
    assert reached() == REACHED | {name}


def test_an_import_on_the_way_calls_no_function(stars: Path) -> None:
    (stars / "__init__.py").write_text("import stars.typed\ndef f():\n    import stars.report\n")
    (stars / "registered.py").write_text("from .deep import rays\nfrom . import shapes\n")
    assert "typed.py" in reached()
    assert "report.py" in reached()  # `from . import` names the package itself, whose functions may be called
    (stars / "registered.py").write_text("import stars.shapes\n")
    (stars / "shapes.py").write_text("")
    assert reached() == {"__init__.py", "registered.py", "shapes.py", "typed.py"}


def test_a_module_alone_and_none_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "lonely.py").write_text("import math\n")
    alone = ContentDigests().sources(Entry("dataset", "a", "lonely:A", "lonely", "1"))
    assert [name for name in alone.modules if not name.startswith("flowlab/")] == ["lonely.py"]
    none = ContentDigests().sources(Entry("dataset", "a", "no_such_package:A", "none", "1"))
    assert all(name.startswith("flowlab/") for name in none.modules)


def test_nothing_is_imported(stars: Path) -> None:
    (stars / "__init__.py").write_text("raise SystemError")
    assert "registered.py" in reached()


def test_other_packages_of_the_distribution_count(stars: Path) -> None:
    (stars.parent / "star_core.py").write_text("a = 1\n")
    (stars / "relative.py").write_text("import star_core\n")
    modules = ContentDigests().sources(ENTRY).modules
    assert "star_core.py" not in modules  # a library, as far as is known: it counts by its version
    info = stars.parent / "stars-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: stars\nVersion: 1.0\n")
    (info / "top_level.txt").write_text("star_core\nstars\n")
    assert "star_core.py" in ContentDigests().sources(ENTRY).modules


def test_the_components_of_the_house_rest_on_api_and_theory_alone() -> None:
    digests = ContentDigests()
    rooms = {
        "/".join(name.split("/")[1:2]) for entry in BUILT_IN.entries for name in digests.sources(entry).modules
    }
    assert rooms == {"__init__.py", "api", "components", "theory"}
    bank = next(entry for entry in Registry.installed().entries if entry.name == "shallow-relu")
    modules = digests.sources(bank).modules.keys()
    assert {"flowlab/components/denoisers/shallow_relu.py", "flowlab/theory/training/quality.py"} <= modules
    assert not {name for name in modules if "/figures/" in name or "/testing/" in name or "/analyses/" in name}


def test_each_file_is_read_once_a_run(stars: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    reads: list[Path] = []

    def counted(path: Path) -> object:
        reads.append(path)
        return read_module(path)

    monkeypatch.setattr(content_digests, "read_module", counted)
    digests = ContentDigests()
    first = digests.sources(ENTRY)
    for entry in Registry.installed().entries:
        digests.sources(entry)
    (stars / "relative.py").write_text("y = 2\n")
    assert digests.sources(ENTRY) is first
    assert len(reads) == len(set(reads)) > 50
    assert ContentDigests().sources(ENTRY) != first


def test_an_edit_of_the_same_length_within_one_tick_of_the_clock_is_seen(tmp_path: Path) -> None:
    file, tick = tmp_path / "module.py", time.time_ns()
    seen = set()
    for number in range(3):
        file.write_text(f"x = {number}\n")
        os.utime(file, ns=(tick, tick))
        seen.add(read_module(file).digest)
    assert len(seen) == 3


def test_a_file_that_did_not_change_is_not_parsed_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "module.py"
    file.write_text("x = 1\n")
    os.utime(file, (0, 0))
    first = read_module(file)
    monkeypatch.setattr("flowlab.engine.cache.module_source.parse_module", None)
    assert read_module(file) is first


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.data())
def test_the_modules_reached_are_those_of_a_search_by_hand(stars: Path, data: st.DataObject) -> None:
    names = ["a", "b", "c", "d", "e"]
    edges = {name: data.draw(st.sets(st.sampled_from(names), max_size=2)) for name in names}
    forms: list[Callable[[str], str]] = [
        lambda name: f"import stars.{name}\n",
        lambda name: f"from . import {name}\n",
        lambda name: f"from stars.{name} import x as {name}_x\n",
        lambda name: f"def f_{name}():\n    from stars import {name}\n",
    ]
    (stars / "__init__.py").write_text("")
    for name in names:
        lines = [data.draw(st.sampled_from(forms))(other) for other in sorted(edges[name])]
        (stars / f"{name}.py").write_text("x = 1\n" + "".join(lines))
    expected: set[str] = set()
    ahead = {"a"}
    while ahead:
        expected |= ahead
        ahead = {other for name in ahead for other in edges[name]} - expected
    entry = Entry("dataset", "star", "stars.a:Star", "stars", "1.0")
    assert reached(entry) - {"__init__.py"} == {f"{name}.py" for name in expected}


def test_the_order_of_modules_does_not_count() -> None:
    assert SourceDigest.of({"a": "1", "b": "2"}) == SourceDigest.of({"b": "2", "a": "1"})
    assert SourceDigest.of({"a": "1", "b": "2"}) != SourceDigest.of({"a": "2", "b": "1"})


def test_files_count_by_content(tmp_path: Path) -> None:
    one, other = tmp_path / "one", tmp_path / "other"
    one.write_bytes(b"1")
    other.write_bytes(b"1")
    digests = ContentDigests()
    assert digests.file(str(one)) == digests.file(str(other)) is not None
    other.write_bytes(b"2")
    assert digests.file(str(one)) == digests.file(str(other)) != ContentDigests().file(str(other))
    assert digests.file("no\0name") is digests.file(str(tmp_path / "none")) is None
