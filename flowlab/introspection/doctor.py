"""What is wrong with an installation, and the command that mends each."""

from __future__ import annotations

import platform
import shlex
import sys
from collections.abc import Iterator
from importlib.metadata import version
from itertools import groupby
from pathlib import Path

from attrs import frozen

from flowlab.api import API_VERSION, PluginError
from flowlab.engine.device import resolve_device
from flowlab.engine.format_error import format_error
from flowlab.introspection.requirements import unmet_requirements
from flowlab.registry.pyproject_diff import diff_pyproject
from flowlab.registry.registry import DISABLE_VARIABLE, Registry
from flowlab.spec.structure import field_types


@frozen
class Issue:
    """One thing that is wrong, and the command that mends it."""

    what: str
    mend: str

    def __str__(self) -> str:
        return f"{self.what}\n    {self.mend}"


def diagnose(registry: Registry) -> tuple[str, list[Issue]]:
    """What is installed, in a few lines, and what is wrong with it. Imports torch and every component."""
    torch, issues = _torch()
    issues += [
        *_unmet(registry),
        *_unreadable(registry),
        *_stale(registry),
        *_claimed_twice(registry),
        *_of_another_api(registry),
        *_unloadable(registry),
    ]
    owners = {entry.distribution for entry in registry.entries}
    disabled = sorted({entry.distribution for entry in registry.disabled})
    facts = [
        f"flowlab {version('flowlab')}, API {API_VERSION}, Python {platform.python_version()}",
        torch,
        f"{len(registry.entries)} components of {len(owners)} distributions",
        *([f"disabled by {DISABLE_VARIABLE}: {', '.join(disabled)}"] if disabled else []),
    ]
    return "\n".join(facts), issues


def format_diagnosis(facts: str, issues: list[Issue]) -> str:
    """The diagnosis as text."""
    return "\n\n".join([facts, *map(str, issues)] if issues else [facts, "all is well"])


def _torch() -> tuple[str, list[Issue]]:
    try:
        import torch

        device, threads = resolve_device("auto"), torch.get_num_threads()
    except Exception as error:  # a torch that is broken may raise anything
        mend = _pip("install", "--force-reinstall", "torch")
        return "torch is broken", [Issue(f"torch can't be used: {format_error(error)}", mend)]
    return f"torch {torch.__version__}, device {device}, threads {threads}", []


def _unmet(registry: Registry) -> Iterator[Issue]:
    """Packages that are missing, or of a version that a distribution does not work with."""
    owners = dict.fromkeys(["flowlab", *(entry.distribution for entry in registry.entries)])
    for owner in owners:
        for unmet in unmet_requirements(owner):
            yield Issue(f"{owner} needs {unmet.requirement}, {unmet.state}", _pip("install", unmet.requirement))


def _unreadable(registry: Registry) -> Iterator[Issue]:
    for distribution in registry.distributions:
        if distribution.fault:
            mend = _again(distribution.name, distribution.root, distribution.editable)
            yield Issue(
                f"{distribution.name} {distribution.version} in {distribution.root}: {distribution.fault}", mend
            )


def _stale(registry: Registry) -> Iterator[Issue]:
    """Editable distributions whose entry points were edited since, or whose folder is gone."""
    for distribution in registry.distributions:
        if not distribution.editable or distribution.fault:
            continue
        if not Path(distribution.root).is_dir():
            yield Issue(
                f"{distribution.name} {distribution.version}: its folder {distribution.root} is gone",
                _pip("uninstall", distribution.name),
            )
            continue
        changed = diff_pyproject(distribution)
        mend = _pip("install", "--no-deps", "-e", distribution.root)
        if changed.fault:
            yield Issue(f"{changed.file} can't be read: {changed.fault}", f"after mending it: {mend}")
        elif changed:
            edits = [f"{point.group} {point.name!r} was added" for point in changed.added]
            edits += [f"{point.group} {point.name!r} was removed" for point in changed.removed]
            yield Issue(f"{changed.file} was edited after it was installed: {', '.join(edits)}", mend)


def _claimed_twice(registry: Registry) -> Iterator[Issue]:
    for (kind, name), group in groupby(registry.entries, lambda entry: (entry.kind, entry.name)):
        owners = [entry.distribution for entry in group]
        if len(owners) > 1:
            uses = " or ".join(f'use = "{owner}:{name}"' for owner in owners)
            other = next(owner for owner in owners if owner != "flowlab")
            what = f"the {kind} {name!r} is claimed by {' and '.join(owners)}: write {uses}, or remove one"
            yield Issue(what, _pip("uninstall", other))


def _of_another_api(registry: Registry) -> Iterator[Issue]:
    unusable = {entry.distribution: entry for entry in registry.entries if entry.unusable}
    for name, entry in unusable.items():
        newer = all(version.isdecimal() and int(version) > API_VERSION for version in entry.api)
        mend = _pip("install", "--upgrade", "flowlab" if newer else name)
        yield Issue(f"{name} {entry.version} is {entry.unusable}", mend)


def _unloadable(registry: Registry) -> Iterator[Issue]:
    """Components that fail to load, those of one distribution and reason together."""
    failed: dict[Issue, list[str]] = {}
    for entry in registry.entries:
        try:
            if not entry.unusable:
                field_types(entry.load())
        except PluginError as error:
            cause = error.__cause__
            # what is missing comes with an install; what its author got wrong doesn't
            if isinstance(cause, ImportError) or entry.distribution == "flowlab":
                mend = _again(entry.distribution, entry.root, entry.editable)
            else:
                mend = _pip("uninstall", entry.distribution)
            reason = format_error(cause) if cause else str(error)
            issue = Issue(f"{entry.distribution} {entry.version} can't be loaded: {reason}", mend)
            failed.setdefault(issue, []).append(f"{entry.kind} {entry.name!r}")
    for issue, names in failed.items():
        yield Issue(f"{issue.what}: {', '.join(names)}", issue.mend)


def _again(name: str, root: str, editable: bool) -> str:
    """The command that installs a distribution anew, with what it depends on."""
    return _pip("install", "-e", root) if editable else _pip("install", "--force-reinstall", name)


def _pip(*arguments: str) -> str:
    """A command of the pip that belongs to this Python."""
    return shlex.join([sys.executable, "-m", "pip", *arguments])
