"""Writing a new plugin: a distribution of one component, from templates."""

from __future__ import annotations

import keyword
import re
from collections.abc import Iterator
from importlib import resources, util
from importlib.metadata import version
from importlib.resources.abc import Traversable
from pathlib import Path
from string import Template

from attrs import frozen

from flowlab import api
from flowlab.api import API_VERSION, KINDS, ExperimentError, OutputError, Problem
from flowlab.api.nearest import nearest
from flowlab.registry.registry import Registry

_NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
_LONGEST = 60
_TEMPLATES = resources.files("flowlab.scaffold") / "templates"


@frozen
class Plugin:
    """A distribution that adds one component: `flowlab-star` holds star, in flowlab_star/star.py."""

    name: str
    kind: str

    @property
    def component(self) -> str:
        """The name to `use`."""
        return self.name.removeprefix("flowlab-")

    @property
    def module(self) -> str:
        """The package."""
        return self.name.replace("-", "_")

    @property
    def file(self) -> str:
        """The module of the component, in the package."""
        return self.component.replace("-", "_")

    @property
    def cls(self) -> str:
        """The component's class."""
        return "".join(part.capitalize() for part in self.component.split("-"))

    def files(self) -> dict[str, str]:
        """The text of each file, by its path."""
        return {
            "pyproject.toml": self._filled(_TEMPLATES / "pyproject.toml.txt"),
            "README.md": self._filled(_TEMPLATES / "README.md.txt"),
            f"{self.component}.toml": self._filled(_TEMPLATES / self.kind / "experiment.toml.txt"),
            f"{self.module}/__init__.py": self._filled(_TEMPLATES / "init.py.txt"),
            f"{self.module}/{self.file}.py": self._filled(_TEMPLATES / self.kind / "component.py.txt"),
            f"tests/test_{self.file}.py": self._filled(_TEMPLATES / self.kind / "test.py.txt"),
        }

    def _filled(self, template: Traversable) -> str:
        names = ("name", "kind", "component", "module", "file", "cls")
        filled = {name: getattr(self, name) for name in names}
        return Template(template.read_text("utf-8")).substitute(
            filled, version=version("flowlab"), api=API_VERSION
        )


def supported_kinds() -> tuple[str, ...]:
    """The kinds that there are templates for."""
    return tuple(kind for kind in KINDS if (_TEMPLATES / kind).is_dir())


def write_plugin(plugin: Plugin, out: Path, registry: Registry) -> Path:
    """Write a plugin's files to the folder out/name, and return it.

    Raises ExperimentError, with every mistake, for a name or kind that won't do or a folder that exists, and
    OutputError where it can't be written.
    """
    folder = out / plugin.name
    problems = list(_problems(plugin, folder, registry))
    if problems:
        raise ExperimentError(problems)
    try:
        for name, text in plugin.files().items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, "utf-8")
    except OSError as error:
        raise OutputError(f"{folder}: can't be written: {error.strerror}") from error
    return folder


def _problems(plugin: Plugin, folder: Path, registry: Registry) -> Iterator[Problem]:
    if plugin.kind not in supported_kinds():
        yield Problem(
            f"--kind {plugin.kind}",
            f"there is no template for it; supported: {', '.join(supported_kinds())}",
            nearest(plugin.kind, supported_kinds()),
        )
    fault = _fault(plugin, registry)
    if fault:
        yield Problem(plugin.name, fault)
    elif folder.exists():
        yield Problem(str(folder), "exists already")


def _fault(plugin: Plugin, registry: Registry) -> str | None:
    """What is wrong with a name."""
    if not all(_NAME.fullmatch(name) for name in (plugin.name, plugin.component)) or len(plugin.name) > _LONGEST:
        return f"a plugin's name is small letters, digits and single hyphens, a letter first, {_LONGEST} at most"
    if keyword.iskeyword(plugin.file) or plugin.cls in (*api.__all__, "Tensor", "None", "True", "False"):
        return f"{plugin.cls} or {plugin.file!r} is a word of Python or flowlab.api: choose another name"
    spec = util.find_spec(plugin.module)
    if plugin.module == "tests" or (spec is not None and spec.origin is not None):
        return f"there is a package {plugin.module!r} already: choose another name"
    if plugin.component in registry.names(plugin.kind):
        return f"a {plugin.kind} {plugin.component!r} is installed already: choose another name"
    return None
