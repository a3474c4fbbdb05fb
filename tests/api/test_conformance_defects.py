"""Each rule of each suite fails on a component that breaks it: none of them is a test that cannot fail."""

from __future__ import annotations

import inspect
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy
import pytest
import torch
from attrs import define, evolve, frozen

from flowlab.api import (
    AnalysisSpec,
    Classes,
    EndCounts,
    FigureLook,
    Result,
    ScheduleSpec,
    Slabs,
    Table,
    TaskResult,
    ValidationIssue,
    key_group,
    reference,
)
from flowlab.api.testing import SUITES
from flowlab.components.analyses.endpoints.ends_by_point import EndsByPoint
from flowlab.components.classifiers.stable_points import StablePoints
from flowlab.components.datasets.line import Line
from flowlab.components.datasets.obtuse_simplex import ObtuseSimplex
from flowlab.components.datasets.orthogonal import Orthogonal
from flowlab.components.denoisers.closed_form import ClosedForm
from flowlab.components.denoisers.empirical_mmse import EmpiricalMmse
from flowlab.components.executors.local import Local
from flowlab.components.figures.endpoints.class_bars import ClassBars
from flowlab.components.flows.probability import ProbabilityFlow
from flowlab.components.integrators.ddim import Ddim
from flowlab.components.optimizers.max_margin import MaxMargin
from flowlab.components.schedules.noise_levels import NoiseLevels
from flowlab.components.schedules.variance_exploding import VarianceExploding
from flowlab.components.trackers.tensorboard import TensorBoard

CORNER = {"dimension": 3, "points": 4}


def broken(base: type, method: str, spoil: Callable[..., Any]) -> type:
    """A component whose method returns what `spoil` makes of the result and the arguments."""

    def spoiled(self: Any, *arguments: Any, **inputs: Any) -> Any:
        return spoil(getattr(base, method)(self, *arguments, **inputs), *arguments)

    return type("Broken", (base,), {method: spoiled})


def stating(base: type, **wrong: Any) -> type:
    """A component that states something wrong before the run."""
    return broken(base, "value_spec", lambda spec, _: evolve(spec, **wrong))


def value(spoil: Callable[..., Any]) -> Callable[..., Any]:
    """Spoil the value of a node's result."""
    return lambda result, context: evolve(result, value=spoil(result.value, context))


def geometry(**parts: Callable[[Any], Any]) -> Callable[..., Any]:
    """Spoil parts of a geometry, each made of the right one."""

    def spoil(training: Any, _: Any) -> Any:
        right = training.geometry
        return evolve(training, geometry=evolve(right, **{name: make(right) for name, make in parts.items()}))

    return value(spoil)


def dataset(spoil: Callable[..., Any]) -> Any:
    return broken(Orthogonal, "build", spoil)(**CORNER)


def denoiser(spoil: Callable[..., Any], base: type = EmpiricalMmse) -> Any:
    return broken(base, "build", value(spoil))("a", "a")


def wrapped(call: Callable[[Any, Any], Any]) -> Callable[..., Any]:
    """A bank whose network is called otherwise, at each level too."""

    class Network:
        def __init__(self, right: Any) -> None:
            self.right = right

        def __call__(self, y: Any) -> Any:
            return call(self.right, y)

        def at(self, level: int) -> Any:
            return Network(self.right.at(level))

    return lambda bank, _: evolve(bank, network=Network(bank.network))


class FirstLevel:
    """A bank that mistakes every level for its first."""

    def __init__(self, right: Any) -> None:
        self.right = right

    def __call__(self, y: Any) -> Any:
        return self.right(y)

    def at(self, level: int) -> Any:
        return self.right.at(0)


class Cheap(Slabs):
    """Slabs that understate their cost."""

    cost = property(lambda self: super().cost / 2)


@define
class Forgetful:
    """A network that is stored without the number of its calls, which its values depend on."""

    right: Any

    def __attrs_post_init__(self) -> None:
        calls[id(self)] = 0

    def __call__(self, y: Any) -> Any:
        calls[id(self)] += 1
        return self.right(y) * calls[id(self)]

    def at(self, level: int) -> Any:
        return self.right.at(level)


calls: dict[int, int] = {}


def cheap(right: Any) -> Any:
    def closed_form(rho: Any) -> Any:
        slabs = right.closed_form(rho)
        return Cheap(slabs.offset, slabs.jumps, slabs.weights, slabs.biases)

    return closed_form


def half_balls(right: Any) -> Any:
    return lambda rho: right.closed_form(rho / 2)


def never_refuses(right: Any) -> Any:
    return lambda rho: right.closed_form(rho.clamp_max(0.1))


def noisy(tensor: Any) -> Any:
    return tensor + 1e-3 * torch.randn(tensor.shape, dtype=torch.float64).to(tensor)


def optimizer(spoil: Callable[..., Any]) -> Any:
    return broken(MaxMargin, "minimise", lambda fit, *_: spoil(fit))()


def moved(fit: Any) -> Any:
    return evolve(fit, network=evolve(fit.network, offset=fit.network.offset + 0.9))


def boastful(fit: Any) -> Any:
    """Weights where there are none, and any violation counts as interpolation."""
    parts = {name: getattr(fit.network, name).nan_to_num() for name in ("outer", "inner", "biases", "offset")}
    usable = torch.ones_like(fit.usable)
    return evolve(fit, network=evolve(fit.network, **parts), usable=usable, tolerance=100.0, shortfall=None)


def unusable(fit: Any) -> Any:
    return evolve(fit, usable=~fit.usable)


def misreported(**figures: float) -> Callable[..., Any]:
    return lambda fit: evolve(fit, quality={name: [figure] * len(fit.usable) for name, figure in figures.items()})


def noise_of_all_levels(training: Any, context: Any) -> Any:
    """Noise from one generator for all levels, whether pinned or not."""
    points = training.geometry.points

    def draw(sigma: Any) -> Any:
        shape = (len(sigma), len(points), training.samples, points.shape[1])
        noise = torch.randn(shape, generator=context.generator("noise"), dtype=torch.float64)
        return points[:, None] + sigma[:, None, None, None] * noise

    return evolve(training, draw=draw)


def noise_of_the_name(training: Any, context: Any) -> Any:
    return evolve(training, draw=lambda sigma: training.draw(sigma) + len(context.node))


def off_course(trajectories: Any, _: Any) -> Any:
    """States that leave the right ones by a tenth of the way from the starts."""
    states = trajectories.states
    return evolve(trajectories, states=states + 0.1 * (states - states[0]))


def private_noise(trajectories: Any, context: Any) -> Any:
    states = trajectories.states
    return evolve(trajectories, states=states + torch.randn(states.shape[1:], generator=context.generator("x")))


def labels(spoil: Callable[..., Any]) -> Any:
    """A classifier whose labels of a flow are made of the right ones and the flow."""

    def relabelled(classes: Any, _: Any) -> Any:
        new = {name: spoil(right, classes.flows[name]) for name, right in classes.labels.items()}
        return evolve(classes, labels=new)

    return broken(StablePoints, "build", value(relabelled))(("a",))


def nearest_index(right: Any, flow: Any) -> Any:
    """The class is the number of the nearest training point."""
    return torch.cdist(flow.ends, flow.bank.training.geometry.points).argmin(-1)


class Around:
    """A pool that does as another does."""

    def __init__(self, right: Any) -> None:
        self.right, self.first = right, {}

    def __getattr__(self, name: str) -> Any:
        return getattr(self.right, name)


def executor(linger: float = 0.0, pools: int = 9, **methods: Any) -> Any:
    """An executor whose pools have these methods, and of which so many answer; who leaves waits."""
    pool = type("Pool", (Around,), methods)
    dumb = type("Pool", (Around,), {"completed": lambda self: ()})
    opened = []

    class Broken:
        @contextmanager
        def open_pool(self, *arguments: Any) -> Iterator[Any]:
            opened.append(arguments)
            with Local(workers=2).open_pool(*arguments) as right:
                yield (pool if len(opened) <= pools else dumb)(right)
            time.sleep(linger)

    return Broken()


def completed(spoil: Callable[..., Any]) -> Any:
    """An executor each of whose answers is spoilt."""
    return executor(completed=lambda self: [spoil(answer) for answer in self.right.completed()])


def orders(spoil: Callable[..., Any]) -> Any:
    """An executor that hands on other orders, made of the pool and the task."""
    return executor(submit=lambda self, task: self.right.submit(evolve(task, order=spoil(self, task))))


def tracker(**methods: Any) -> Any:
    """TensorBoard with other methods."""
    return type("Broken", (TensorBoard,), methods)()


@contextmanager
def writing_elsewhere(self: Any, run: str, settings: Any, folder: Any) -> Any:
    (folder / "elsewhere").touch()
    with TensorBoard().begin(run, settings, folder) as right:
        yield right


@contextmanager
def with_dice(self: Any, run: str, settings: Any, folder: Any) -> Any:
    torch.rand(1)
    with TensorBoard().begin(run, settings, folder) as right:
        yield right


@contextmanager
def swallowing(self: Any, run: str, settings: Any, folder: Any) -> Any:
    with suppress(Exception), TensorBoard().begin(run, settings, folder) as right:
        yield right


MOMENTS = "its_states_have_the_moments_of_its_equation"
STATED = "what_it_states_before_the_run_is_so"
ORDER, SCORE = {"flow": "probability"}, {"flow": "score"}
DEFECTS: list[tuple[str, str, Any, dict[str, Any]]] = [
    ("dataset", "its_own_check_admits_it", Line((1.0, 1.0)), {}),
    ("dataset", STATED, stating(Orthogonal, dimension=9)(**CORNER), {}),
    ("schedule", STATED, stating(NoiseLevels, least=1.5)((1.0, 2.0)), {}),
    ("denoiser", STATED, stating(EmpiricalMmse, affine=True)("a", "a"), {}),
    ("flow", STATED, stating(ProbabilityFlow, starts=3)("a"), {}),
    ("classifier", STATED, stating(StablePoints, metric="l2")(("a",)), {}),
    ("classifier", STATED, stating(StablePoints, flows={})(("a",)), {}),
    ("flow", MOMENTS, broken(ProbabilityFlow, "build", value(off_course))("a"), {}),
    ("flow", MOMENTS, broken(ProbabilityFlow, "build", value(lambda t, _: evolve(t, name="sde")))("a"), {}),
    ("flow", MOMENTS, ProbabilityFlow("a", samples=10), {}),
    (
        "dataset",
        "points_are_distinct_and_are_the_anchor_or_an_edge_from_it",
        dataset(geometry(edges=lambda right: 1.1 * right.edges)),
        {},
    ),
    (
        "dataset",
        "points_are_distinct_and_are_the_anchor_or_an_edge_from_it",
        dataset(geometry(points=lambda right: right.points[[0, 1, 1]])),
        {},
    ),
    (
        "dataset",
        "the_cell_holds_the_points",
        dataset(geometry(cell=lambda right: evolve(right.cell, heights=right.cell.heights - 0.1))),
        {},
    ),
    (
        "dataset",
        "noise_has_the_shape_and_size_asked_for",
        dataset(value(lambda training, _: evolve(training, draw=lambda sigma: training.draw(2 * sigma)))),
        {},
    ),
    (
        "dataset",
        "the_same_seed_gives_the_same_points_and_noise",
        dataset(value(lambda training, _: evolve(training, draw=lambda sigma: noisy(training.draw(sigma))))),
        {},
    ),
    (
        "dataset",
        "the_same_seed_gives_the_same_points_and_noise",
        dataset(geometry(points=lambda g: noisy(g.points))),
        {},
    ),
    ("dataset", "pinned_draws_rest_on_the_seed_and_the_level", dataset(value(noise_of_all_levels)), {}),
    ("dataset", "pinned_draws_rest_on_the_seed_and_the_level", dataset(value(noise_of_the_name)), {}),
    (
        "dataset",
        "every_dtype_and_device_is_served",
        dataset(geometry(anchor=lambda right: right.anchor.double())),
        {},
    ),
    ("dataset", "the_closed_form_maps_each_ball_to_its_point", dataset(geometry(closed_form=half_balls)), {}),
    ("dataset", "balls_that_meet_are_refused", dataset(geometry(closed_form=never_refuses)), {}),
    ("dataset", "the_closed_form_is_a_relu_network_of_its_stated_cost", dataset(geometry(closed_form=cheap)), {}),
    ("dataset", "slabs_through_samples_in_the_balls_cost_no_more", dataset(geometry(closed_form=half_balls)), {}),
    ("schedule", "its_own_check_admits_it", VarianceExploding(1.0, first_time=2.0), {}),
    (
        "schedule",
        "levels_are_positive_and_fall",
        broken(NoiseLevels, "sigma", lambda s, _: s.flip(0))((1.0, 2.0)),
        {},
    ),
    ("schedule", "levels_are_positive_and_fall", broken(NoiseLevels, "sigma", lambda s, _: s - 1)((1.0, 2.0)), {}),
    ("schedule", "every_dtype_is_served", broken(NoiseLevels, "sigma", lambda s, _: s.double())((1.0, 2.0)), {}),
    (
        "schedule",
        "levels_are_the_same_at_every_call",
        broken(NoiseLevels, "sigma", lambda s, _: noisy(s))((1.0,)),
        {},
    ),
    ("optimizer", "it_interpolates_and_reports_what_it_reached", optimizer(moved), {}),
    ("optimizer", "it_interpolates_and_reports_what_it_reached", optimizer(unusable), {}),
    ("optimizer", "it_interpolates_and_reports_what_it_reached", optimizer(misreported(violation_max=0.1)), {}),
    ("optimizer", "it_interpolates_and_reports_what_it_reached", optimizer(misreported(bound=1e3)), {}),
    ("optimizer", "it_does_not_claim_what_no_function_does", optimizer(boastful), {}),
    ("optimizer", "it_does_not_claim_what_no_function_does", optimizer(unusable), {}),
    (
        "optimizer",
        "the_same_seed_gives_the_same_bits",
        optimizer(lambda fit: evolve(fit, network=evolve(fit.network, biases=noisy(fit.network.biases)))),
        {},
    ),
    (
        "denoiser",
        "levels_fall_and_each_is_marked",
        denoiser(lambda bank, _: evolve(bank, sigma=bank.sigma.flip(0))),
        {},
    ),
    (
        "denoiser",
        "a_network_that_is_stored_is_its_fields",
        denoiser(lambda bank, _: evolve(bank, network=Forgetful(bank.network))),
        {},
    ),
    (
        "denoiser",
        "a_level_of_the_bank_is_the_denoiser_of_that_level",
        denoiser(lambda bank, _: evolve(bank, network=FirstLevel(bank.network))),
        {},
    ),
    (
        "denoiser",
        "points_of_a_batch_do_not_know_of_each_other",
        denoiser(wrapped(lambda right, y: right(y) + 0.1 * y.mean(1, keepdim=True))),
        {},
    ),
    (
        "denoiser",
        "its_derivative_is_that_of_its_values",
        denoiser(wrapped(lambda right, y: right(y) + y - y.detach())),
        {},
    ),
    (
        "denoiser",
        "balls_that_it_states_are_mapped_to_their_points",
        denoiser(lambda bank, _: evolve(bank, rho=2 * bank.rho), ClosedForm),
        {},
    ),
    (
        "denoiser",
        "the_same_seed_gives_the_same_bank_in_the_dtype_asked_for",
        denoiser(wrapped(lambda right, y: noisy(right(y)))),
        {},
    ),
    ("integrator", "errors_fall_at_the_stated_order", type("Broken", (Ddim,), {"order": 2})(), ORDER),
    ("integrator", "errors_fall_at_the_stated_order", broken(Ddim, "integrate", lambda s, *_: 1.01 * s)(), SCORE),
    (
        "integrator",
        "states_begin_at_the_starts_and_stand_on_the_grid",
        broken(Ddim, "integrate", lambda states, *_: states[1:])(),
        {},
    ),
    (
        "integrator",
        "starts_do_not_know_of_each_other",
        broken(Ddim, "integrate", lambda states, *_: states + 0.1 * states.mean(1, keepdim=True))(),
        {},
    ),
    (
        "integrator",
        "the_same_path_gives_the_same_states",
        broken(Ddim, "integrate", lambda states, *_: noisy(states))(),
        {},
    ),
    (
        "flow",
        "it_ends_where_theory_says",
        broken(ProbabilityFlow, "build", value(lambda t, _: evolve(t, states=t.states + 1e-3)))("a"),
        {},
    ),
    (
        "flow",
        "states_are_finite_on_a_grid_of_times",
        broken(ProbabilityFlow, "build", value(lambda t, _: evolve(t, times=t.times[:-1])))("a"),
        {},
    ),
    (
        "flow",
        "all_nodes_of_an_experiment_share_their_starts",
        broken(ProbabilityFlow, "build", value(private_noise))("a"),
        {},
    ),
    ("classifier", "every_endpoint_has_one_class", labels(lambda right, _: right + 3), {}),
    ("classifier", "known_points_have_their_class", labels(lambda right, _: 0 * right), {}),
    ("classifier", "the_order_of_the_training_points_does_not_matter", labels(nearest_index), {}),
    ("classifier", "starts_do_not_know_of_each_other", labels(lambda right, _: torch.arange(len(right)) % 2), {}),
    (
        "classifier",
        "the_same_endpoints_get_the_same_classes",
        labels(lambda right, _: torch.randint(0, 5, right.shape)),
        {},
    ),
    ("executor", "there_is_a_hand", executor(slots=0), {}),
    ("executor", "there_is_a_hand", executor(completed=lambda self: [TaskResult("", "")]), {}),
    (
        "executor",
        "each_task_of_many_is_answered_once",
        executor(completed=lambda self: 2 * self.right.completed()),
        {},
    ),
    ("executor", "each_task_of_many_is_answered_once", completed(lambda answer: evolve(answer, text="0")), {}),
    ("executor", "each_task_of_many_is_answered_once", completed(lambda answer: evolve(answer, crashes=1)), {}),
    (
        "executor",
        "answers_come_as_tasks_end",
        orders(lambda pool, task: pool.first.setdefault(task.name, task.order)),
        {},
    ),
    ("executor", "any_text_of_any_length_passes", orders(lambda _, task: task.order[: 1 << 16]), {}),
    ("executor", "any_text_of_any_length_passes", orders(lambda _, task: task.order.strip("\x00")), {}),
    (
        "executor",
        "any_text_of_any_length_passes",
        completed(lambda answer: evolve(answer, text=answer.text.encode("ascii", "replace").decode())),
        {},
    ),
    ("executor", "a_killed_process_is_an_answer", completed(lambda answer: evolve(answer, crashes=0)), {}),
    ("executor", "a_killed_process_is_an_answer", completed(lambda answer: evolve(answer, text="")), {}),
    (
        "executor",
        "a_process_that_leaves_is_an_answer",
        executor(completed=lambda self: [answer for answer in self.right.completed() if not answer.crashes]),
        {},
    ),
    ("executor", "a_pool_can_follow_another", executor(pools=1), {}),
]
DEFECTS += [
    (
        "tracker",
        "its_own_check_admits_it",
        tracker(check=lambda self, inputs: [ValidationIssue("use", "no server")]),
        {},
    ),
    ("tracker", "it_writes_only_what_it_says", tracker(begin=writing_elsewhere), {}),
    ("tracker", "it_draws_no_random_numbers", tracker(begin=with_dice), {}),
    ("tracker", "what_ends_a_run_goes_through_it", tracker(begin=swallowing), {}),
]


def analysis(**methods: Any) -> Any:
    """An analysis with other methods."""
    return type("Broken", (EndsByPoint,), methods)("a")


def measured(**changes: Callable[[Any, Any], Any]) -> Any:
    """An analysis with other parts of its result, each made of the right result and the context."""
    return broken(
        EndsByPoint,
        "build",
        lambda result, context: evolve(result, **{name: make(result, context) for name, make in changes.items()}),
    )("a")


class Mislabelled(EndsByPoint):
    """An analysis that declares one class and yields another."""

    def build(self, context: Any, *, classifier: Classes) -> Result[EndCounts]:
        return evolve(super().build(context, classifier=classifier), value={})


def adding(figure: Any) -> Callable[[Any, Any], Any]:
    """One more metric, made of the context."""
    return lambda result, context: {**result.metrics, "score": {"0": figure(context)}}


def drawing(change: Callable[[Any], Any], names: tuple[str, ...] = ("a",)) -> Any:
    """Bars whose figure is changed at the end."""

    def spoil(result: Any, _: Any) -> Any:
        change(result.value)
        return result

    return broken(ClassBars, "build", spoil)(names)


class WithoutLook(ClassBars):
    """Bars that are drawn without the keys of the look."""

    build = ClassBars.build.__wrapped__  # type: ignore[attr-defined]


class FirstAlone(ClassBars):
    """Bars of the first classifier under each name."""

    def build(self, context: Any, *, classifier: Any) -> Any:
        first = next(iter(classifier.values()))
        return super().build(context, classifier=dict.fromkeys(classifier, first))


@frozen
class LastSeed:
    """Bars of one seed, whatever the others are."""

    classifier: tuple[str, ...] = reference("classifier", help="ends", many=True, gather=True, seeds=True)
    look: FigureLook = key_group(FigureLook)

    def build(self, context: Any, *, classifier: Any) -> Any:
        by_name = {label.name: classes for label, classes in classifier.items()}
        return ClassBars(self.classifier, self.look).build(context, classifier=by_name)


DEFECTS += [
    ("analysis", "the_same_inputs_give_the_same_numbers", measured(metrics=adding(lambda _: time.time_ns())), {}),
    ("analysis", "metrics_are_plain_data", measured(metrics=adding(lambda _: torch.tensor(1.0))), {}),
    ("analysis", "metrics_are_plain_data", measured(metrics=adding(lambda _: numpy.float64(1.0))), {}),
    ("analysis", "metrics_are_plain_data", measured(metrics=adding(lambda _: Path("place"))), {}),
    (
        "analysis",
        "tables_have_equal_columns_of_plain_cells",
        measured(tables=lambda *_: {"points": Table({"share": torch.ones(2)})}),
        {},
    ),
    (
        "analysis",
        "tables_have_equal_columns_of_plain_cells",
        measured(tables=lambda *_: {"points": {"share": [1.0], "count": []}}),
        {},
    ),
    ("analysis", "places_lead_to_its_numbers", measured(metrics=lambda *_: {"total": 1}), {}),
    ("analysis", "places_lead_to_its_numbers", analysis(places=lambda self, inputs: ["score.none"]), {}),
    ("analysis", "its_value_is_what_it_declares", Mislabelled("a"), {}),
    ("analysis", STATED, analysis(value_spec=lambda self, inputs: AnalysisSpec(empty=True)), {}),
    ("analysis", STATED, analysis(value_spec=lambda self, inputs: ScheduleSpec()), {}),
    (
        "analysis",
        "its_numbers_do_not_rest_on_dtype_or_device",
        measured(metrics=adding(lambda context: torch.finfo(context.dtype).bits)),
        {},
    ),
    (
        "figure",
        "it_draws_without_warnings_at_both_widths",
        drawing(lambda figure: figure.suptitle("\u4e00")),  # which the font does not have
        {},
    ),
    (
        "figure",
        "it_draws_without_warnings_at_both_widths",
        drawing(lambda figure: figure.set_size_inches(5, 5)),
        {},
    ),
    ("figure", "all_text_is_inside_the_canvas", drawing(lambda figure: figure.text(0.9, 0.5, "a long text")), {}),
    ("figure", "it_follows_the_keys_of_the_look", WithoutLook(("a",)), {}),
    ("figure", "it_follows_the_keys_of_the_look", EndsByPoint("a"), {}),
    (
        "figure",
        "the_same_inputs_give_the_same_picture",
        drawing(lambda figure: figure.text(0.2, 0.5, str(time.time_ns()))),
        {},
    ),
    ("figure", "every_input_is_in_the_picture", FirstAlone(("a", "b")), {}),
    ("figure", "seeds_are_shown_or_refused", LastSeed(("a",)), {}),
]
LEAVING = "who_leaves_early_is_gone_at_once"
SUMS = "the_sums_that_theory_calls_stable_are_and_no_other"


EXAMPLE = {"data": None, "seed": 0, "share": 0.5}


def hold(kind: str, rule: str, component: Any, **methods: Any) -> Callable[..., None]:
    """A rule of a suite of this component, on one example: hypothesis would spend its time on a smaller one."""
    suite = type("Planted", (SUITES[kind],), {"component": lambda self: component, **methods})()
    test = getattr(suite, f"test_{rule}").hypothesis.inner_test
    example = {name: EXAMPLE[name] for name in inspect.signature(test).parameters if name in EXAMPLE}
    return lambda **arguments: test(suite, **example, **arguments)


@pytest.mark.parametrize(
    ("kind", "rule", "component", "arguments"), DEFECTS, ids=[f"{kind}-{rule}" for kind, rule, _, _ in DEFECTS]
)
def test_a_component_that_breaks_a_rule_fails_it(kind, rule, component, arguments):
    with pytest.raises(AssertionError):
        hold(kind, rule, component)(**arguments)


@pytest.mark.parametrize(
    ("component", "claimed"),
    [
        (Orthogonal(**CORNER), lambda *_: torch.zeros(0, 3, dtype=torch.float64)),  # its virtual points unsaid
        (ObtuseSimplex(**CORNER), lambda _, __, geometry, rho: geometry.anchor + geometry.edges.sum(0)[None]),
    ],
    ids=["too few", "too many"],
)
def test_a_wrong_theory_of_stable_sums_fails(component, claimed):
    with pytest.raises(AssertionError, match="calls"):
        hold("dataset", SUMS, component, stable_sums=claimed)()


def test_a_pool_that_lingers_fails():
    with pytest.raises(AssertionError, match="to leave"):
        hold("executor", LEAVING, executor(linger=0.2), prompt=0.1)()


def test_every_rule_has_its_defect():
    rules = {
        (kind, name.removeprefix("test_"))
        for kind, suite in SUITES.items()
        for name in dir(suite)
        if name.startswith("test_")
    }
    assert {(kind, rule) for kind, rule, _, _ in DEFECTS} | {("dataset", SUMS), ("executor", LEAVING)} == rules


def test_a_suite_without_a_component_says_so():
    with pytest.raises(NotImplementedError, match=r"override component\(\)"):
        SUITES["schedule"]().test_levels_are_positive_and_fall()


@pytest.mark.parametrize(
    ("kind", "component"),
    [
        ("dataset", Orthogonal(**CORNER)),
        ("schedule", NoiseLevels((1.0, 2.0))),
        ("optimizer", MaxMargin()),
        ("denoiser", EmpiricalMmse("a", "a")),
        ("denoiser", ClosedForm("a", "a")),
        ("integrator", Ddim()),
        ("flow", ProbabilityFlow("a")),
        ("classifier", StablePoints(("a",))),
        ("analysis", EndsByPoint("a")),
        ("figure", ClassBars(("a", "b"))),
        ("executor", executor()),
        ("tracker", TensorBoard()),
    ],
)
def test_the_same_example_passes_before_it_is_spoilt(kind, component):
    for rule in dir(SUITES[kind]):
        if rule.startswith("test_"):
            hold(kind, rule.removeprefix("test_"), component)(**(ORDER if "stated_order" in rule else {}))
