"""The README's tables name what there is; its code is run by tests/documents."""

import re
from pathlib import Path

import typer

from flowlab.api.testing import SUITES
from flowlab.cli.app import app
from flowlab.registry.registry import Registry
from flowlab.scaffold.new_plugin import Plugin

README = (Path(__file__).parents[1] / "README.md").read_text()


def test_what_the_readme_shows_of_a_new_plugin_is_what_is_written():
    files = Plugin("star", "dataset").files()
    shown = re.findall(r"^```python star/(\S+)\n(.*?)^```", README, re.DOTALL | re.MULTILINE)
    assert [path for path, _ in shown] == ["star/star.py", "tests/test_star.py"]
    assert all(files[path] == text for path, text in shown)


def test_every_suite_is_named_in_the_readme():
    named = re.findall(r"^\| `(\w+Suite)` \|", README, re.MULTILINE)
    assert set(named) == {suite.__name__ for suite in SUITES.values()}


def test_every_component_named_in_the_readme_is_installed():
    rows = re.findall(r"^\| (\w+) \| (`[^|]*`) \|$", README, re.MULTILINE)
    listed = {kind: set(re.findall(r"`([\w-]+)`", names)) for kind, names in rows}
    registry = Registry.installed()
    for kind, names in listed.items():
        built_in = {e.name for e in registry.entries if e.kind == kind and e.distribution == "flowlab"}
        assert names == built_in


def test_every_command_has_a_row_and_every_row_its_command():
    rows = re.findall(r"^\| `flowlab ([a-z-]+).*` \|", README, re.MULTILINE)
    commands = typer.main.get_command(app).commands
    assert set(rows) - {"--install-completion"} == set(commands)
