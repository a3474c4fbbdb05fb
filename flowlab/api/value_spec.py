"""What is known of values before the run: by the parameters of a node, and by what is known of its inputs.

A class for each kind of value, whose fields are None where only the data can tell. A component states what it
knows in a method `value_spec(inputs)`, and the `check` of another reads it as `inputs["denoiser"][0].value_spec`.
Nothing is known of a component without this method: `check` lets it pass.
"""

from __future__ import annotations

from collections.abc import Mapping

from attrs import field, frozen


@frozen
class TrainingSetSpec:
    """What is known of a training set: N points in d dimensions with M samples each, and their theory.

    `edges` is the number of edges of the subset sums and `slabs` that of the closed form, whose balls have radii
    below `largest_radius` (data units). `separable`: its flows are known exactly. `axis_box`: its edges lie along
    the axes. `stable_sums`: theory has a condition for the stability of its sums.
    """

    name: str | None = None  # of the node
    points: int | None = None
    dimension: int | None = None
    samples: int | None = None
    edges: int | None = None
    slabs: int | None = None
    closed_form: bool | None = None
    separable: bool | None = None
    axis_box: bool | None = None
    stable_sums: bool | None = None
    largest_radius: float | None = None


@frozen
class ScheduleSpec:
    """What is known of a schedule: the number of its levels, the largest sigma and the least, in data units."""

    levels: int | None = None
    largest: float | None = None
    least: float | None = None


@frozen
class OptimizerSpec:
    """What is known of an optimizer.

    Whether it records a history, keeps the width of the network, and takes what it reaches for a solution at every
    level (`solved`).
    """

    history: bool | None = None
    keeps_width: bool | None = None
    solved: bool | None = None


@frozen
class BankSpec:
    """What is known of a bank of denoisers.

    `solved`: every level has a solution. `balls`: it is a closed form on balls, with radii rho. `relu`: it is a
    shallow ReLU network. `affine`: it is piecewise affine. `neurons`: their number in an equal ReLU network.
    `quality`: it reports how well it interpolates.
    """

    training: TrainingSetSpec = field(factory=TrainingSetSpec)
    schedule: ScheduleSpec = field(factory=ScheduleSpec)
    solved: bool | None = None
    balls: bool | None = None
    relu: bool | None = None
    affine: bool | None = None
    neurons: int | None = None
    history: bool | None = None
    quality: bool | None = None


@frozen
class FlowSpec:
    """What is known of a flow: its bank, its kind (`probability` or `score`), and the number of starts."""

    bank: BankSpec = field(factory=BankSpec)
    kind: str | None = None
    starts: int | None = None


@frozen
class ClassesSpec:
    """What is known of classified endpoints: their flows, by the names of the nodes, and the norm of distances."""

    flows: Mapping[str, FlowSpec] | None = None
    metric: str | None = None


@frozen
class AnalysisSpec:
    """What is known of an analysis: the classes that it is made of, and whether its table is empty."""

    classes: ClassesSpec = field(factory=ClassesSpec)
    empty: bool | None = None
