"""The packages that a distribution needs, beside those that are installed."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import metadata

from attrs import frozen
from packaging.requirements import InvalidRequirement, Requirement


@frozen
class UnmetRequirement:
    """A requirement of a distribution, such as `daqp>=0.7.1`, and what is installed instead of it."""

    requirement: str
    state: str


def unmet_requirements(distribution: str) -> Iterator[UnmetRequirement]:
    """The requirements in a distribution's metadata that the installed packages don't meet.

    What only an extra needs may be missing, but not be of another version.
    """
    try:
        lines = metadata.requires(distribution) or ()
    except metadata.PackageNotFoundError:  # its own metadata can't be found: nothing is known
        return
    extras = metadata.metadata(distribution).get_all("Provides-Extra") or ()
    for line in lines:
        try:
            requirement = Requirement(line)
        except InvalidRequirement:  # a direct reference or a form that older tools wrote
            continue
        marker = requirement.marker
        required = marker is None or marker.evaluate({"extra": ""})
        if required or (marker is not None and any(marker.evaluate({"extra": extra}) for extra in extras)):
            yield from _compare(requirement, required)


def _compare(requirement: Requirement, required: bool) -> Iterator[UnmetRequirement]:
    """The requirement, if what is installed doesn't meet it."""
    needed = f"{requirement.name}{requirement.specifier}"
    try:
        installed = metadata.version(requirement.name)
    except metadata.PackageNotFoundError:
        if required:
            yield UnmetRequirement(needed, "which is not installed")
        return
    if not requirement.specifier.contains(installed, prereleases=True):
        yield UnmetRequirement(needed, f"and {installed} is installed")
