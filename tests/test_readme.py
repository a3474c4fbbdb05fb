"""The README is short; its tables, and those of the guide, name what there is. Code is run by tests/documents."""

import inspect
import json
import re
import tomllib
from pathlib import Path

import attrs
import typer
from built_in import BUILT_IN

from flowlab import Experiment, api
from flowlab.api.testing import SUITES
from flowlab.cli.app import app
from flowlab.components.datasets.line import Line
from flowlab.scaffold.new_plugin import Plugin
from flowlab.spec.experiment_settings import ExperimentSettings
from flowlab.spec.extends import FileSettings

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
PAGES = ROOT / "flowlab/docs/pages"
PLUGIN = (PAGES / "how-to/plugin.md").read_text()
LANGUAGE = (PAGES / "reference/experiment-file.md").read_text()
COMMANDS = (PAGES / "reference/commands.md").read_text()


def test_the_readme_is_read_in_a_few_minutes():
    assert README.count("\n") <= 200


def test_the_readme_leads_to_every_page():
    pages = {path.relative_to(ROOT).as_posix() for path in PAGES.rglob("*.md")}
    assert pages <= set(re.findall(r"\]\(([^)#]*)", README))


def test_the_first_command_of_the_readme_is_one_line_and_runs_the_main_job():
    lines = re.findall(r"^```sh\n(python3 -m venv .*)\n```$", README, re.MULTILINE)
    assert [line.rpartition(" && ")[2] for line in lines] == [
        ".venv/bin/flowlab run experiments/simplex.toml",
        ".venv/bin/pytest -n auto",
    ]


def test_what_the_guide_shows_of_a_new_plugin_is_what_is_written():
    files = Plugin("star", "dataset").files()
    shown = re.findall(r"^```python star/(\S+)\n(.*?)^```", PLUGIN, re.DOTALL | re.MULTILINE)
    assert [path for path, _ in shown] == ["star/star.py", "tests/test_star.py"]
    assert all(files[path] == text for path, text in shown)


def test_the_examples_of_each_kind_are_what_is_written():
    page = (PAGES / "how-to/component-kinds.md").read_text()
    shown = re.findall(r"^```python my-(\w+)/(\S+)\n(.*?)^```", page, re.DOTALL | re.MULTILINE)
    assert {kind for kind, _, _ in shown} | {"dataset"} == set(api.KINDS)
    assert len(shown) == 2 * (len(api.KINDS) - 1)
    assert all(Plugin(f"my-{kind}", kind).files()[path] == text for kind, path, text in shown)


def test_every_suite_is_named_in_the_guide():
    named = re.findall(r"^\| `(\w+Suite)` \|", PLUGIN, re.MULTILINE)
    assert set(named) == {suite.__name__ for suite in SUITES.values()}


def test_every_component_named_in_the_guide_is_installed():
    rows = re.findall(r"^\| (\w+) \| (`[^|]*`) \|$", LANGUAGE, re.MULTILINE)
    listed = {kind: set(re.findall(r"`([\w-]+)`", names)) for kind, names in rows}
    assert set(listed) == {entry.kind for entry in BUILT_IN.entries}
    for kind, names in listed.items():
        built_in = {entry.name for entry in BUILT_IN.entries if entry.kind == kind}
        assert names == built_in


def test_every_command_has_a_row_and_every_row_its_command():
    rows = re.findall(r"^\| `flowlab ([a-z-]+).*` \|", COMMANDS, re.MULTILINE)
    commands = typer.main.get_command(app).commands
    assert set(rows) - {"--install-completion"} == set(commands)


def test_every_key_of_the_experiment_table_has_a_row():
    section = LANGUAGE.partition("## `[experiment]`")[2].partition("\n## ")[0]
    keys = [field.name for shape in (ExperimentSettings, FileSettings) for field in attrs.fields(shape)]
    assert sorted(re.findall(r"^\| `(\w+)` \|", section, re.MULTILINE)) == sorted(keys)


def test_the_method_that_a_kind_asks_for_is_there():
    """`build` of the kinds that are nodes, of tools that of their protocol, with its arguments."""
    rows = dict(re.findall(r"^\| (\w+) \| `(\w+\([^`]*\))` \|", PLUGIN, re.MULTILINE))
    assert set(rows) == set(api.KINDS)
    for kind, call in rows.items():
        name, _, arguments = call.rstrip(")").partition("(")
        if api.KINDS[kind].built:
            assert name == "build"
        else:
            method = getattr(getattr(api, kind.capitalize()), name)
            assert arguments.split(", ") == list(inspect.signature(method).parameters)[1:]


def test_the_fields_of_lock_and_summary_are_those_of_a_run(tmp_path):
    pages = (PAGES / "reference/files.md").read_text()
    experiment = Experiment(name="t", nodes={"dataset.line": Line(coordinates=(0.0, 1.0))})
    experiment.run(tmp_path / "run", quiet=True)
    lock = tomllib.loads((tmp_path / "run/lock.toml").read_text())
    summary = json.loads((tmp_path / "run/summary.json").read_text())
    for heading, content in (("`lock.toml`", lock), ("`summary.json`", summary)):
        section = pages.partition(f"## {heading}")[2].partition("\n## ")[0]
        rows = {
            name.strip("[]"): text
            for name, text in re.findall(r"^\| `([^`]+)` \| (.*) \|$", section, re.MULTILINE)
        }
        assert set(content) <= set(rows)
        assert set(rows) - set(content) <= {"reads"}  # of components that read files
    run = re.findall(r"`(\w+)`", pages.partition("| `[run]` |")[2].partition("\n")[0])
    assert set(run) - {"reused"} == set(lock["run"])  # nothing is reused here
    node = re.findall(r"`(\w+)`", pages.partition("| `nodes` |")[2].partition("\n")[0])
    assert set(node) == set(summary["nodes"]["dataset"]["line"])


def test_each_exit_code_has_a_row():
    assert re.findall(r"^\| ([\d, ]+) \|", COMMANDS, re.MULTILINE) == ["0", "1", "2", "3", "4", "129, 130, 143"]
