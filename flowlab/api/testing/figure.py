"""The rules of every figure: it draws in print sizes, shows all that it gets, and follows the keys of the look."""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

import torch
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.figure import Figure
from matplotlib.text import Text

from flowlab.api.errors import NodeError
from flowlab.api.fields import references
from flowlab.api.helpers.plotting import WIDTHS
from flowlab.api.kinds.figure import FigureLook
from flowlab.api.node_label import SEED, NodeLabel
from flowlab.api.result import Result
from flowlab.api.testing.suite import Suite, context, once
from flowlab.api.testing.values import arguments_of, box_values, nodes_of

_DPI = 60
_SLACK = 1.0  # pixels that the rounding of a glyph may need


class FigureSuite(Suite):
    """The rules of a figure; override `inputs` for a figure of analyses, or of other values than a box's."""

    kind: ClassVar[str] = "figure"

    def inputs(self, component: Any, draw: int) -> dict[str, Any]:
        """The arguments of `build` beside the context, with other numbers for another `draw`."""
        return arguments_of(component, box_values(draw, torch.float64, torch.device("cpu")))

    def figure(self, component: Any, inputs: Mapping[str, Any]) -> Figure:
        """The figure that the component builds; a failed assertion for anything else."""
        result = component.build(context(), **inputs)
        assert isinstance(result, Result), f"build returned {type(result).__name__}, not Result"
        assert isinstance(result.value, Figure), f"its value is a {type(result.value).__name__}, not a Figure"
        return result.value

    @once
    @given(st.data())
    def test_it_draws_without_warnings_at_both_widths(self, data: st.DataObject) -> None:
        component = self.drawn(data)
        for width, inches in WIDTHS.items():
            figure = self.figure(_looking(component, size=width), self.inputs(component, 0))
            with warnings.catch_warnings():
                warnings.simplefilter("error")
                try:
                    _picture(figure)
                except Warning as warning:
                    raise AssertionError(f"at {width} width: {warning}") from warning
            found = float(figure.get_size_inches()[0])
            assert abs(found - inches) < 1e-6, f"it is {found:g} inches wide at {width} width, not {inches:g}"

    @once
    @given(st.data())
    def test_all_text_is_inside_the_canvas(self, data: st.DataObject) -> None:
        component = self.drawn(data)
        for width in WIDTHS:
            figure = self.figure(_looking(component, size=width), self.inputs(component, 0))
            for text in _cut_texts(figure):
                raise AssertionError(f"at {width} width {text!r} is not inside the canvas")

    @once
    @given(st.data())
    def test_it_follows_the_keys_of_the_look(self, data: st.DataObject) -> None:
        component = self.drawn(data)
        inputs = self.inputs(component, 0)
        plain = self.figure(component, inputs)
        words = {"title": "a title", "xlabel": "across", "ylabel": "upwards"}
        figure = self.figure(_looking(component, **words, size=(6.5, 6.0), style="slides"), inputs)
        shown = {text.get_text() for text in figure.findobj(Text)}
        assert words["title"] in shown, "it does not show the title of the look"
        for key, side in (("xlabel", "x"), ("ylabel", "y")):
            if any(getattr(ax, f"get_{side}label")() for ax in plain.axes if ax.get_label() != "<colorbar>"):
                assert words[key] in shown, f"it does not show the {key} of the look"
        assert tuple(figure.get_size_inches()) == (6.5, 6.0), "it has not the size of the look"
        assert _picture(figure) != _picture(self.figure(_looking(component, **words, size=(6.5, 6.0)), inputs)), (
            "the style of the look changes nothing: does build have @with_look?"
        )

    @once
    @given(st.data())
    def test_the_same_inputs_give_the_same_picture(self, data: st.DataObject) -> None:
        component = self.drawn(data)
        first, again = (_picture(self.figure(component, self.inputs(component, 0))) for _ in range(2))
        assert first == again, "the picture differs from call to call"

    @once
    @given(st.data())
    def test_every_input_is_in_the_picture(self, data: st.DataObject) -> None:
        component = self.drawn(data)
        self._assert_shown(component, self.inputs(component, 0), self.inputs(component, 1))

    @once
    @given(st.data())
    def test_seeds_are_shown_or_refused(self, data: st.DataObject) -> None:
        component = self.drawn(data)
        gathering = [name for name, each in references(type(component)).items() if each.seeds]
        if not gathering:
            return
        draws = [self.inputs(component, draw) for draw in range(4)]
        together = dict(draws[0])
        other = dict(draws[3])
        for name in gathering:
            together[name] = {
                _at_seed(label, seed): value for seed in range(3) for label, value in draws[seed][name].items()
            }
            other[name] = {
                _at_seed(label, seed): value for seed in range(3) for label, value in draws[3][name].items()
            }
        self._assert_shown(component, together, other)

    def _assert_shown(self, component: Any, inputs: dict[str, Any], other: dict[str, Any]) -> None:
        """Assert that a picture changes with each input, unless these inputs are refused."""
        if any(getattr(component, "check", lambda _: ())(nodes_of(component, inputs))):
            return
        try:
            picture = _picture(self.figure(component, inputs))
        except NodeError:
            return
        for name, label, changed in _one_by_one(inputs, other):
            assert _picture(self.figure(component, changed)) != picture, (
                f"the picture is the same whatever {name} {label} is: it is hidden, or merged with another"
            )


def _looking(component: Any, **look: Any) -> Any:
    """The component with keys of its look."""
    assert isinstance(getattr(component, "look", None), FigureLook), (
        "it has no look: add `look: FigureLook = key_group(FigureLook)`, and @with_look above build"
    )
    return evolve(component, look=evolve(component.look, **look))


def _picture(figure: Figure) -> bytes:
    """The pixels of a figure."""
    stream = io.BytesIO()
    figure.savefig(stream, format="png", dpi=_DPI, metadata={"Software": None})
    return stream.getvalue()


def _cut_texts(figure: Figure) -> Iterator[str]:
    """The texts that are not wholly inside the canvas."""
    figure.draw_without_rendering()
    canvas, hidden = figure.bbox, _hidden_tick_labels(figure)
    for text in figure.findobj(Text):
        shown = text.get_visible() and (text.axes is None or text.axes.get_visible())
        if not shown or not text.get_text().strip() or text in hidden:
            continue
        box = text.get_window_extent()
        outside = (canvas.x0 - box.x0, canvas.y0 - box.y0, box.x1 - canvas.x1, box.y1 - canvas.y1)
        if max(outside) > _SLACK:
            yield text.get_text()


def _hidden_tick_labels(figure: Figure) -> set[Any]:
    """The labels of ticks beyond the limits of their axis, which matplotlib keeps and does not draw."""
    hidden: set[Any] = set()
    for ax in figure.axes:
        for axis in (ax.xaxis, ax.yaxis):
            low, high = sorted(axis.get_view_interval())
            slack = 1e-9 * (high - low)
            for tick in (*axis.get_major_ticks(), *axis.get_minor_ticks()):
                if not low - slack <= tick.get_loc() <= high + slack:
                    hidden |= {tick.label1, tick.label2}
    return hidden


def _at_seed(label: Any, seed: int) -> NodeLabel:
    return NodeLabel(label.name, {**label.settings, SEED: seed})


def _one_by_one(inputs: dict[str, Any], other: dict[str, Any]) -> Iterator[tuple[str, Any, dict[str, Any]]]:
    """The inputs with one value after another taken from other inputs: the field, the label and the inputs."""
    for name, value in inputs.items():
        if isinstance(value, dict):
            for label in value:
                if label in other[name]:
                    yield name, str(label), {**inputs, name: {**value, label: other[name][label]}}
        elif value is not None:
            yield name, "", {**inputs, name: other[name]}
