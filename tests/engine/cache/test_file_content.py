"""What counts of a folder, and of a Python file."""

from __future__ import annotations

from pathlib import Path

import pytest

from flowlab.engine.cache.file_content import content_digest


def test_a_folder_counts_by_names_and_contents_of_all_files_below(tmp_path: Path) -> None:
    folder, other = tmp_path / "one", tmp_path / "other"
    for place in (folder, other):
        (place / "a").mkdir(parents=True)
        (place / "a/x.png").write_bytes(b"x")
        (place / "y.png").write_bytes(b"y")
    digest = content_digest(folder)
    assert digest == content_digest(other)
    (other / ".hidden").mkdir()
    (other / ".hidden/z.png").write_bytes(b"z")
    (other / ".thumbs").write_bytes(b"z")
    assert digest == content_digest(other)
    (other / "y.png").rename(other / "a/y.png")
    assert digest != content_digest(other)
    (folder / "a/x.png").write_bytes(b"other")
    assert digest != content_digest(folder)


MODULES = {
    "net.py": "import torch\nfrom layers import Block\n\ndef make():\n    import lazy\n",
    "layers/__init__.py": "from .block import Block\n",
    "layers/block.py": "Block = 1\n",
    "layers/unused.py": "x = 1\n",
    "lazy.py": "y = 1\n",
    "plot.py": "z = 1\n",
}


@pytest.fixture
def script(tmp_path: Path) -> Path:
    for name, source in MODULES.items():
        file = tmp_path / name
        file.parent.mkdir(exist_ok=True)
        file.write_text(source)
    return tmp_path / "net.py"


@pytest.mark.parametrize(
    ("name", "counts"), [(name, name not in ("plot.py", "layers/unused.py")) for name in MODULES]
)
def test_a_python_file_counts_with_the_modules_beside_it_that_it_imports(
    script: Path, name: str, counts: bool
) -> None:
    digest = content_digest(script)
    file = script.parent / name
    file.write_text(f'"""Says more."""  # but does the same\n{MODULES[name]}')
    assert content_digest(script) == digest
    file.write_text(MODULES[name] + "more = 1\n")
    assert (content_digest(script) != digest) is counts


def test_a_python_file_that_imports_what_only_its_run_tells_counts_with_all_beside_it(script: Path) -> None:
    script.write_text("import importlib\nimportlib.import_module(input())\n")
    digest = content_digest(script)
    (script.parent / "plot.py").write_text("z = 2\n")
    assert content_digest(script) != digest


def test_a_name_that_a_package_gets_from_elsewhere_is_no_file(script: Path) -> None:
    script.write_text("from layers import Block, nowhere\nfrom . import lazy\nfrom .. import above\n")
    assert content_digest(script)
