"""Digests of what decides results besides parameters: source code and the files that components read."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from importlib.machinery import EXTENSION_SUFFIXES
from importlib.metadata import PackageNotFoundError, distribution
from importlib.util import find_spec
from os.path import isfile
from pathlib import Path

from attrs import define, field, frozen

from flowlab.engine.cache.file_content import content_digest
from flowlab.engine.cache.module_source import ImportStatement, ModuleSource, read_module
from flowlab.registry.entry_points import Entry

_HOUSE = "flowlab"
_API = "flowlab.api"  # whatever a component is, it is handed a Context
_SUFFIXES = (".py", *EXTENSION_SUFFIXES)


@frozen
class SourceDigest:
    """One digest of some modules, and the digest of each by its path, such as `flowlab/api/context.py`."""

    digest: str
    modules: Mapping[str, str]

    @classmethod
    def of(cls, modules: Mapping[str, str]) -> SourceDigest:
        """The digest of these modules, in any order."""
        ordered = dict(sorted(modules.items()))
        return cls(hashlib.sha256(json.dumps(ordered).encode()).hexdigest(), ordered)


@frozen
class _Module:
    """A module of a package on disk: its dotted name, its file, and whether it is a package itself."""

    name: str
    path: Path
    is_package: bool

    @property
    def label(self) -> str:
        """Its path from the folder that its top-level package is in."""
        parents = self.name.split(".")[: None if self.is_package else -1]
        return "/".join((*parents, self.path.name))

    def absolute(self, statement: ImportStatement) -> str:
        """The dotted name of the module that a statement in it imports, or imports from."""
        if not statement.level:
            return statement.module
        parents = self.name.split(".") if self.is_package else self.name.split(".")[:-1]
        kept = parents[: len(parents) - statement.level + 1]
        return ".".join([*kept, *filter(None, [statement.module])])


@define
class ContentDigests:
    """The digests of one run. Each file is read once: what is edited while a run is at work doesn't run in it."""

    _sources: dict[tuple[str, str], SourceDigest] = field(factory=dict, init=False)
    _files: dict[str, str | None] = field(factory=dict, init=False)
    _found: dict[str, _Module | None] = field(factory=dict, init=False)
    _folders: dict[str, tuple[Path, ...]] = field(factory=dict, init=False)  # by top-level package
    _read: dict[_Module, ModuleSource] = field(factory=dict, init=False)
    _imports: dict[tuple[_Module, bool], list[tuple[str, bool]]] = field(factory=dict, init=False)

    @classmethod
    def of_files(cls, files: Mapping[str, str]) -> ContentDigests:
        """Digests in which those of some files are known: a former run read them."""
        digests = cls()
        digests._files.update(files)
        return digests

    def file(self, name: str) -> str | None:
        """The digest of a file's or a folder's content, None where it can't be read."""
        if name not in self._files:
            self._files[name] = _current_digest(name)
        return self._files[name]

    def has_changed(self, name: str) -> bool:
        """Whether a file has another content now than when its digest was taken, if it was."""
        return name in self._files and self._files[name] != _current_digest(name)

    def sources(self, entry: Entry) -> SourceDigest:
        """The modules that can decide what a component computes.

        They are its own module, `flowlab.api`, and what these import in turn, within its distribution and flowlab;
        imports in functions count, those for type checkers alone don't. Where a module imports something that only
        its run could tell, its whole package counts. Nothing is imported to find that out. Libraries count by
        their versions, elsewhere; without source code there is none to count.
        """
        key = entry.target, entry.distribution
        if key not in self._sources:
            module = entry.target.partition(":")[0].partition("[")[0].strip()
            self._sources[key] = SourceDigest.of(self._closure((module, _API), own_packages(entry)))
        return self._sources[key]

    def _closure(self, roots: Iterable[str], packages: frozenset[str]) -> dict[str, str]:
        """The digests of modules and of all that they import within some packages."""
        digests: dict[str, str] = {}
        done: set[tuple[str, bool]] = set()
        stack = [(root, True) for root in roots]
        while stack:
            name, whole = stack.pop()
            top = name.partition(".")[0]
            if top not in packages or (name, True) in done or (name, whole) in done:
                continue
            done.add((name, whole))
            if (parent := name.rpartition(".")[0]) and (parent, False) not in done:
                stack.append((parent, False))  # its import runs it, and calls none of its functions
            module = self._find(name)
            if module is None:
                if self._is_missing(name):
                    stack += self._all_modules(top)
                continue
            source = self._source(module)
            digests[module.label] = source.digest
            if source.opaque:
                stack += self._all_modules(top)
            stack += self._imported(module, whole)
        return digests

    def _imported(self, module: _Module, whole: bool) -> list[tuple[str, bool]]:
        """The modules that a module imports: when it is imported itself, or as a whole, in its functions too."""
        if (module, whole) not in self._imports:
            names: dict[str, None] = {}
            for statement in self._source(module).imports:
                if whole or not statement.lazy:
                    target = module.absolute(statement)
                    parts = [f"{target}.{part}" for part in statement.names]
                    names |= dict.fromkeys([target, *(part for part in parts if self._find(part))])
            self._imports[module, whole] = [(name, True) for name in names]
        return self._imports[module, whole]

    def _source(self, module: _Module) -> ModuleSource:
        if module not in self._read:
            try:
                self._read[module] = _read_any(module.path)
            except OSError:
                self._read[module] = ModuleSource("", opaque=True)
        return self._read[module]

    def _find(self, name: str) -> _Module | None:
        """The module of a dotted name, where it has a file."""
        if name not in self._found:
            self._found[name] = next(self._candidates(name), None)
        return self._found[name]

    def _candidates(self, name: str) -> Iterator[_Module]:
        top = name.partition(".")[0]
        for folder in self._package_folders(top):
            path = f"{folder}/{name.replace('.', '/')}"  # pathlib would take most of the time of a search
            for suffix in _SUFFIXES:
                if isfile(f"{path}/__init__{suffix}"):
                    yield _Module(name, Path(f"{path}/__init__{suffix}"), is_package=True)
                if isfile(f"{path}{suffix}"):
                    yield _Module(name, Path(f"{path}{suffix}"), is_package=False)

    def _is_missing(self, name: str) -> bool:
        """Whether a module that is imported has no file, though its package has some: only a run finds it."""
        top = name.partition(".")[0]
        folders = self._package_folders(top)
        return bool(folders) and not any(folder.joinpath(*name.split(".")).is_dir() for folder in folders)

    def _all_modules(self, top: str) -> list[tuple[str, bool]]:
        """Every module of a package, for lack of knowing better."""
        return [
            (".".join(parts), True)
            for folder in self._package_folders(top)
            for file in sorted((folder / top).rglob("*"))
            if file.name.endswith(_SUFFIXES) and (parts := _dotted(file.relative_to(folder)))
        ]

    def _package_folders(self, top: str) -> tuple[Path, ...]:
        """The folders that a top-level package or module stands in."""
        if top not in self._folders:
            self._folders[top] = tuple(_locate(top))
        return self._folders[top]


def _current_digest(name: str) -> str | None:
    try:
        return content_digest(Path(name))
    except (OSError, ValueError):  # ValueError: a name with NUL
        return None


def own_packages(entry: Entry) -> frozenset[str]:
    """The top-level packages of flowlab and of a component's distribution, as far as its metadata tells them."""
    if entry.distribution == _HOUSE:
        return frozenset({_HOUSE, entry.package})
    try:
        listed = (distribution(entry.distribution).read_text("top_level.txt") or "").split()
    except (PackageNotFoundError, ValueError, OSError):
        listed = []
    return frozenset({_HOUSE, entry.package, *listed})


def _locate(top: str) -> Iterator[Path]:
    try:
        spec = find_spec(top)
    except (ImportError, ValueError):
        return
    if spec is None:
        return
    if spec.submodule_search_locations is None:
        if spec.origin and spec.origin.endswith(_SUFFIXES):
            yield Path(spec.origin).parent
        return
    for folder in spec.submodule_search_locations:
        yield Path(folder).parent


def _read_any(path: Path) -> ModuleSource:
    """A module's source, or the bytes of a compiled one, which may import anything."""
    if path.suffix == ".py":
        return read_module(path)
    return ModuleSource(hashlib.sha256(path.read_bytes()).hexdigest(), opaque=True)


def _dotted(path: Path) -> list[str]:
    """The parts of a module's dotted name; `a/__init__.py` is `a`."""
    *parents, last = path.parts
    stem = last.partition(".")[0]
    return [*parents, *([] if stem == "__init__" else [stem])]
