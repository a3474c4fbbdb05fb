"""The errors a person is told of, each with the exit code it leads to."""

from __future__ import annotations

from collections.abc import Sequence

from attrs import frozen


class FlowlabError(Exception):
    """An error with a message for the person who can mend it; never shown as a traceback."""

    exit_code = 1


class NodeError(FlowlabError):
    """A node of the graph can't be computed: raised by components, reported with the node's name."""


class PluginError(FlowlabError):
    """An installed component that can't be loaded, or breaks its protocol."""

    exit_code = 3


class OutputError(FlowlabError):
    """A folder or file that can't be written."""

    exit_code = 4


class EngineError(FlowlabError):
    """An executor's processes aren't there or are gone. What had finished is in the store: run again to resume."""

    exit_code = 4


class StoreError(FlowlabError):
    """A store that can't take a result worth keeping. Those it has are whole, and so are checkpoints."""

    exit_code = 4


@frozen
class Problem:
    """One mistake in an experiment: where it stands, what is wrong, and the nearest valid name."""

    where: str
    message: str
    suggestion: str | None = None

    def __str__(self) -> str:
        hint = f" (did you mean {self.suggestion!r}?)" if self.suggestion else ""
        return f"{self.where}: {self.message}{hint}"


class ExperimentError(FlowlabError):
    """A bad experiment: every mistake found in it, in the order of the file."""

    exit_code = 2

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


@frozen
class ValidationIssue:
    """A mistake that a component's own `check` finds: the field to blame and the rule it breaks."""

    field: str
    message: str
