"""The rules of every analysis: plain numbers where it says that they are, the same for the same inputs."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar

import torch
from hypothesis import given
from hypothesis import strategies as st

from flowlab.api.metric_places import known_places, leads_to_one
from flowlab.api.result import Result, Table
from flowlab.api.testing.inputs import UnknownNode
from flowlab.api.testing.suite import DTYPES, Suite, context, devices, once
from flowlab.api.testing.values import arguments_of, box_values, nodes_of
from flowlab.api.value_spec import AnalysisSpec
from flowlab.api.value_types import declared_types, type_words

CPU = torch.device("cpu")


class AnalysisSuite(Suite):
    """The rules of an analysis; override `inputs` for one of other analyses, or of other values than a box's.

    `tolerance` is the relative difference that numbers in single precision may have; None where they may be others
    altogether.
    """

    kind: ClassVar[str] = "analysis"
    tolerance: ClassVar[float | None] = 1e-3

    def inputs(self, component: Any, dtype: torch.dtype, device: torch.device) -> dict[str, Any]:
        """The arguments of `build` beside the context: a box, its closed form, its score flow and classes."""
        return arguments_of(component, box_values(0, dtype, device))

    def result(self, component: Any, dtype: torch.dtype = torch.float64, device: torch.device = CPU) -> Result:
        """What the component builds of its inputs; a failed assertion for anything but a result."""
        result = component.build(context(0, dtype, device), **self.inputs(component, dtype, device))
        assert isinstance(result, Result), f"build returned {type(result).__name__}, not Result"
        return result

    @once
    @given(st.data())
    def test_the_same_inputs_give_the_same_numbers(self, data: st.DataObject) -> None:
        component = self.drawn(data)
        first, again = (self.result(component) for _ in range(2))
        for name, differs in (("metrics", _metrics), ("tables", _tables)):
            assert repr(differs(first)) == repr(differs(again)), f"the {name} differ from call to call"

    @once
    @given(st.data())
    def test_metrics_are_plain_data(self, data: st.DataObject) -> None:
        faults = list(_not_plain(self.result(self.drawn(data)).metrics, "metrics"))
        assert not faults, f"{faults[0]}: call .item() or .tolist(), or write it as a number or text"

    @once
    @given(st.data())
    def test_tables_have_equal_columns_of_plain_cells(self, data: st.DataObject) -> None:
        for name, table in self.result(self.drawn(data)).tables.items():
            assert isinstance(table, Table), f"the table {name!r} is a {type(table).__name__}"
            lengths = {column: len(cells) for column, cells in table.columns.items()}
            assert len(set(lengths.values())) <= 1, f"columns of unequal length in {name!r}: {lengths}"
            for column, cells in table.columns.items():
                faults = [cell for cell in cells if not _is_cell(cell)]
                assert not faults, f"{name}.{column} holds a {type(faults[0]).__name__}"

    @once
    @given(st.data())
    def test_places_lead_to_its_numbers(self, data: st.DataObject) -> None:
        component = self.drawn(data)
        inputs = self.inputs(component, torch.float64, CPU)
        places = known_places(UnknownNode("tested", None, component, inputs=nodes_of(component, inputs)))
        if places is None:
            return
        for place in _numbers(self.result(component).metrics):
            assert leads_to_one(place, places), f"places() does not name {place}"

    @once
    @given(st.data())
    def test_its_value_is_what_it_declares(self, data: st.DataObject) -> None:
        component = self.drawn(data)
        result, declared = self.result(component), declared_types(type(component))
        assert not declared or isinstance(result.value, declared), (
            f"build declares {type_words(declared)} and yields {type(result.value).__name__}"
        )

    @once
    @given(st.data())
    def test_what_it_states_before_the_run_is_so(self, data: st.DataObject) -> None:
        component = self.drawn(data)
        state = getattr(component, "value_spec", None)
        if state is None:
            return
        stated = state(nodes_of(component, self.inputs(component, torch.float64, CPU)))
        assert isinstance(stated, AnalysisSpec), f"value_spec returned {type(stated).__name__}, not AnalysisSpec"
        if stated.empty is not None:
            rows = sum(len(table.rows) for table in self.result(component).tables.values())
            assert stated.empty == (rows == 0), f"its tables have {rows} rows, and it states empty={stated.empty}"

    @once
    @given(st.data())
    def test_its_numbers_do_not_rest_on_dtype_or_device(self, data: st.DataObject) -> None:
        component = self.drawn(data)
        expected = dict(_leaves(self.result(component).metrics))
        for dtype in DTYPES:
            for device in devices():
                found = dict(_leaves(self.result(component, dtype, device).metrics))
                if self.tolerance is None:
                    continue
                assert found.keys() == expected.keys(), f"other metrics for {dtype} on {device}"
                for place, value in expected.items():
                    assert _close(found[place], value, self.tolerance), (
                        f"{place} is {found[place]} for {dtype} on {device}, else {value}"
                    )


def _is_cell(value: Any) -> bool:
    """Whether a value is a number, text, truth value or None, and no subclass that is written otherwise."""
    return value is None or type(value) in (bool, int, float, str)


def _not_plain(value: Any, place: str) -> Iterator[str]:
    """The places of what is no plain data, in words."""
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from _not_plain(item, f"{place}.{key}")
    elif isinstance(value, list | tuple):
        for number, item in enumerate(value):
            yield from _not_plain(item, f"{place}.{number}")
    elif not _is_cell(value):
        yield f"{place} is a {type(value).__name__}"


def _leaves(value: Any, above: str = "") -> Iterator[tuple[str, Any]]:
    """The plain values in metrics by their places."""
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from _leaves(item, f"{above}.{key}".lstrip("."))
    elif isinstance(value, Sequence) and not isinstance(value, str):
        for number, item in enumerate(value):
            yield from _leaves(item, f"{above}.{number}".lstrip("."))
    else:
        yield above, value


def _numbers(metrics: Any) -> Iterator[str]:
    """The places of the numbers in metrics, and of those that are missing."""
    return (place for place, value in _leaves(metrics) if value is None or isinstance(value, int | float))


def _close(value: Any, expected: Any, tolerance: float) -> bool:
    """Whether values agree; numbers to a relative tolerance, and absolutely below one."""
    numbers = [isinstance(each, int | float) and not isinstance(each, bool) for each in (value, expected)]
    if not all(numbers):
        return bool(value == expected)
    if math.isnan(value) or math.isnan(expected):
        return math.isnan(value) and math.isnan(expected)
    return value == expected or abs(value - expected) <= tolerance * max(1.0, abs(expected))


def _metrics(result: Result) -> Any:
    return list(_leaves(result.metrics))


def _tables(result: Result) -> Any:
    return {
        name: {column: list(cells) for column, cells in table.columns.items()}
        for name, table in result.tables.items()
    }
