"""The label of a metric is written once."""

from __future__ import annotations

import ast
from pathlib import Path

import flowlab
from flowlab.api.metric_labels import METRIC_LABELS, metric_label

ROOT = Path(flowlab.__file__).parent
HOME = ROOT / "api/metric_labels.py"
LABELS = {label for name, label in METRIC_LABELS.items() if label != name}


def spelled(text: str) -> set[str]:
    """The labels among the strings of a module."""
    strings = {node.value for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Constant)}
    return {value for value in strings if isinstance(value, str) and value in LABELS}


def test_no_other_module_and_no_template_spells_a_label() -> None:
    assert spelled(HOME.read_text()) == LABELS
    modules = {path: spelled(path.read_text()) for path in ROOT.rglob("*.py") if path != HOME}
    assert {path: labels for path, labels in modules.items() if labels} == {}
    for path in (ROOT / "html/templates").iterdir():
        assert not [label for label in LABELS if label in path.read_text()], path


def test_labels_tell_metrics_apart() -> None:
    assert len(set(METRIC_LABELS.values())) == len(METRIC_LABELS)


def test_a_metric_without_a_label() -> None:
    assert metric_label("widest_gap") == "widest gap"
