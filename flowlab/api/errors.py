"""The errors that are shown to the user, each with its exit code."""

from __future__ import annotations

from collections.abc import Sequence

from attrs import frozen


class FlowlabError(Exception):
    """An error with a message for the user, which is shown without a traceback."""

    exit_code = 1


class NodeError(FlowlabError):
    """A node of the graph cannot be computed; components raise it, and it is reported with the node's name."""


class PluginError(FlowlabError):
    """An installed component cannot be loaded, or breaks its protocol."""

    exit_code = 3


class OutputError(FlowlabError):
    """A folder or file cannot be written."""

    exit_code = 4


class EngineError(FlowlabError):
    """The processes of an executor do not start, or have ended.

    Finished results are in the store, and another run resumes from there.
    """

    exit_code = 4


class StoreError(FlowlabError):
    """The store cannot take a result that is worth keeping.

    All results and checkpoints that it has are complete.
    """

    exit_code = 4


@frozen
class Problem:
    """One mistake in an experiment: its place, what is wrong, and the nearest valid name."""

    where: str
    message: str
    suggestion: str | None = None

    def __str__(self) -> str:
        hint = f" (did you mean {self.suggestion!r}?)" if self.suggestion else ""
        return f"{self.where}: {self.message}{hint}"


class ExperimentError(FlowlabError):
    """An experiment has mistakes: all of them, in the order of the file."""

    exit_code = 2

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


@frozen
class ValidationIssue:
    """A mistake that a component's own `check` finds: the field with the mistake and the rule that it breaks."""

    field: str
    message: str
