"""Writing a new plugin, a distribution with one component, from templates."""

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
from flowlab.api.nearest_name import nearest
from flowlab.registry.registry import Registry

_NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
_LONGEST = 60
_TEMPLATES = resources.files("flowlab.scaffold") / "templates"


@frozen
class Plugin:
    """A distribution with one component: `flowlab-star` has the component star, in flowlab_star/star.py."""

    name: str
    kind: str

    @property
    def component(self) -> str:
        """The name of the component, for `use`."""
        return self.name.removeprefix("flowlab-")

    @property
    def module(self) -> str:
        """The name of the package."""
        return self.name.replace("-", "_")

    @property
    def file(self) -> str:
        """The name of the component's module in the package."""
        return self.component.replace("-", "_")

    @property
    def cls(self) -> str:
        """The name of the component's class."""
        return "".join(part.capitalize() for part in self.component.split("-"))

    def files(self) -> dict[str, str]:
        """The text of each file, by its path."""
        return {
            "pyproject.toml": self._fill(_TEMPLATES / "pyproject.toml.txt"),
            "README.md": self._fill(_TEMPLATES / "README.md.txt"),
            f"{self.component}.toml": self._fill(_TEMPLATES / self.kind / "experiment.toml.txt"),
            f"{self.module}/__init__.py": self._fill(_TEMPLATES / "init.py.txt"),
            f"{self.module}/{self.file}.py": self._fill(_TEMPLATES / self.kind / "component.py.txt"),
            f"tests/test_{self.file}.py": self._fill(_TEMPLATES / self.kind / "test.py.txt"),
        }

    def _fill(self, template: Traversable) -> str:
        names = ("name", "kind", "component", "module", "file", "cls")
        values = {name: getattr(self, name) for name in names}
        return Template(template.read_text("utf-8")).substitute(
            values, version=version("flowlab"), api=API_VERSION
        )


def supported_kinds() -> tuple[str, ...]:
    """The kinds that have templates."""
    return tuple(kind for kind in KINDS if (_TEMPLATES / kind).is_dir())


def write_plugin(plugin: Plugin, out: Path, registry: Registry) -> Path:
    """Write the files of a plugin to the folder out/name, and return the folder.

    Raises ExperimentError, with every mistake, for a name or kind that is not valid or a folder that exists, and
    OutputError where the folder cannot be written.
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
    """The mistake in a plugin's name, in words; None if there is none."""
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
