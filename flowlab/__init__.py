"""flowlab: a declarative experiment language for studying where diffusion flows end."""

from __future__ import annotations

TYPE_CHECKING = False  # as in typing, whose import takes longer than the rest of this file
if TYPE_CHECKING:
    from typing import Any

    from flowlab.experiment import Experiment
    from flowlab.results.open_run import open_run

    __version__: str

__all__ = ["Experiment", "__version__", "open_run"]


def __getattr__(name: str) -> Any:
    # when first used: a component's module, which imports this package, needs nothing that runs experiments
    if name == "__version__":
        from importlib.metadata import version

        return version("flowlab")
    if name == "Experiment":
        from flowlab.experiment import Experiment

        return Experiment
    if name == "open_run":
        from flowlab.results.open_run import open_run

        return open_run
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
