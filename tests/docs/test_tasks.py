"""The table 'to do X, open these files' is true: its files exist, and its counts hold."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from flowlab.api import KINDS

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "flowlab/docs/pages/contributing/tasks.md").read_text()
ROWS = [
    tuple(cell.strip() for cell in line.strip("|").split("|"))
    for line in TEXT.splitlines()
    if line.startswith("| ")
]
ROWS = [row for row in ROWS if row[0] not in ("to", "---")]
NEEDED = (
    "cache fault",
    "a lock holds",
    "a command",
    "an analysis",
    "a figure",
    "a kind",
    "an executor",
    "a metric on the terminal",
    "a page",
    "a check of a file",
    "a geometry in a plugin",
)


def paths(cell: str) -> list[str]:
    """The files and folders that a cell names."""
    return [code for code in re.findall(r"`([^`\s]+)`", cell) if "/" in code or code.endswith(".toml")]


def is_there(path: str) -> bool:
    """Whether there is such a path; of a file that is to be written, the folder."""
    if "KIND/" in path:
        return all((ROOT / path.partition("KIND")[0] / folder_of(kind)).is_dir() for kind in KINDS)
    return (ROOT / re.split(r"/[A-Z]{2,}\b", path)[0]).exists()


def folder_of(kind: str) -> str:
    plural = {"analysis": "analyses", "denoiser": "denoisers"}
    return plural.get(kind, f"{kind}s")


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0][:40])
def test_each_file_of_a_row_exists(row: tuple[str, str, str]) -> None:
    task, files, tests = row
    assert paths(files)
    assert paths(tests)
    for path in (*paths(task), *paths(files), *paths(tests)):
        assert is_there(path), path


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0][:40])
def test_a_row_names_as_many_files_to_edit_as_it_counts(row: tuple[str, str, str]) -> None:
    """The count is of the files before the first full stop: what follows is to read or to copy."""
    counted = re.match(r"(\d+) files?: ", row[1])
    assert counted, row[1]
    first = re.split(r"\.\s", row[1])[0]
    assert len(paths(first)) == int(counted[1])


def test_what_is_to_be_written_starts_the_row_or_what_a_stranger_would_look_for() -> None:
    for task, files, _ in ROWS:
        if task.startswith("add a") and any("NEW" in path for path in paths(files)):
            assert "NEW" in paths(files)[0], task


@pytest.mark.parametrize("task", NEEDED)
def test_the_table_has_the_tasks_that_people_come_with(task: str) -> None:
    assert any(task in row[0] for row in ROWS)


def test_what_is_not_there_would_be_found() -> None:
    assert not is_there("flowlab/engine/cash/key.py")
    assert not is_there("flowlab/nowhere/NEW.py")


def test_a_command_is_the_two_files_that_the_table_says() -> None:
    """Each module of a command is named in app.py, twice: imported and listed."""
    app = (ROOT / "flowlab/cli/app.py").read_text()
    for path in (ROOT / "flowlab/cli/commands").glob("[!_]*.py"):
        assert len(re.findall(rf"\b{path.stem}\b", app)) >= 2


def test_a_built_in_component_is_its_file_and_a_line_of_pyproject() -> None:
    """Nothing but components names a component's module."""
    entries = re.findall(r'= "(flowlab\.components\.[\w.]+):', (ROOT / "pyproject.toml").read_text())
    sources = {
        path: path.read_text() for path in (ROOT / "flowlab").rglob("*.py") if "components" not in path.parts
    }
    for module in entries:
        own = ROOT / f"{module.replace('.', '/')}.py"
        assert own.is_file()
        assert [str(path) for path, text in sources.items() if re.search(rf"{module}\b", text)] == []
