"""flowlab: a declarative experiment language for studying where diffusion flows end."""

from importlib.metadata import version
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from flowlab.experiment import Experiment
    from flowlab.results.open_run import open_run

__all__ = ["Experiment", "__version__", "open_run"]

__version__ = version("flowlab")


def __getattr__(name: str) -> Any:
    # when first used: a component's module, which imports this package, needs nothing that runs experiments
    if name == "Experiment":
        from flowlab.experiment import Experiment

        return Experiment
    if name == "open_run":
        from flowlab.results.open_run import open_run

        return open_run
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
