"""The kinds of component, with one entry-point group each."""

from __future__ import annotations

from collections.abc import Callable

from attrs import frozen

from flowlab.api.kinds import analysis, classifier, denoiser
from flowlab.api.kinds.classifier import Classes
from flowlab.api.kinds.dataset import TrainingSet
from flowlab.api.kinds.denoiser import DenoiserBank
from flowlab.api.kinds.flow import Trajectories
from flowlab.api.result import Result
from flowlab.api.value_spec import (
    AnalysisSpec,
    BankSpec,
    ClassesSpec,
    FlowSpec,
    OptimizerSpec,
    ScheduleSpec,
    TrainingSetSpec,
)


def no_headline(result: Result) -> str:
    """Say nothing of a result."""
    return ""


@frozen
class Kind:
    """One kind of component, a part of an experiment that can be exchanged.

    For a node of a *built* kind the engine calls the component's `build(context, **inputs) -> Result`. Components
    of the other kinds are passed as they are to the components that refer to them. A *shown* kind is built by the
    process of the run itself, which writes it, whatever the executor. The values of a kind's components are of its
    class `value`; where it is None, each component may have its own. What is known of them before the run is
    of the class `spec`. `headline` gives the few figures of a result
    that are shown when a node ends; a component's own `headline(result) -> str` goes before it.
    """

    name: str
    help: str
    built: bool = True
    shown: bool = False
    value: type | None = None
    spec: type | None = None
    headline: Callable[[Result], str] = no_headline

    @property
    def group(self) -> str:
        """The entry-point group in which components of this kind are registered."""
        return f"flowlab.{self.name}"


KINDS: dict[str, Kind] = {
    kind.name: kind
    for kind in (
        Kind(
            "dataset", "training points, their geometry and their theory", value=TrainingSet, spec=TrainingSetSpec
        ),
        Kind("schedule", "the noise levels sigma of a bank of denoisers", built=False, spec=ScheduleSpec),
        Kind(
            "optimizer", "how a shallow network is fitted to exact interpolation", built=False, spec=OptimizerSpec
        ),
        Kind(
            "denoiser",
            "a bank of denoisers, one per noise level",
            value=DenoiserBank,
            spec=BankSpec,
            headline=denoiser.headline,
        ),
        Kind("integrator", "how a flow steps from one time to the next", built=False),
        Kind("flow", "where starting points are carried by a denoiser's score", value=Trajectories, spec=FlowSpec),
        Kind(
            "classifier",
            "what kind of point each endpoint is",
            value=Classes,
            spec=ClassesSpec,
            headline=classifier.headline,
        ),
        Kind(
            "analysis",
            "numbers and tables made of what the others produced",
            spec=AnalysisSpec,
            headline=analysis.headline,
        ),
        Kind("figure", "pictures made of what the others produced", shown=True),
        Kind("executor", "which processes do the work", built=False),
        Kind("tracker", "where the figures of a run are followed as they come", built=False),
    )
}
