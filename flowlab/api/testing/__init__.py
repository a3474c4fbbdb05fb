"""The conformance kit: one test suite per kind, which the author of a component subclasses in the tests."""

from flowlab.api.testing.analysis import AnalysisSuite
from flowlab.api.testing.classifier import ClassifierSuite
from flowlab.api.testing.dataset import DatasetSuite
from flowlab.api.testing.denoiser import DenoiserSuite
from flowlab.api.testing.executor import ExecutorSuite
from flowlab.api.testing.figure import FigureSuite
from flowlab.api.testing.flow import FlowSuite
from flowlab.api.testing.integrator import IntegratorSuite
from flowlab.api.testing.optimizer import OptimizerSuite
from flowlab.api.testing.schedule import ScheduleSuite
from flowlab.api.testing.suite import Suite
from flowlab.api.testing.tracker import TrackerSuite

SUITES: dict[str, type[Suite]] = {
    suite.kind: suite
    for suite in (
        DatasetSuite,
        ScheduleSuite,
        OptimizerSuite,
        DenoiserSuite,
        IntegratorSuite,
        FlowSuite,
        ClassifierSuite,
        AnalysisSuite,
        FigureSuite,
        ExecutorSuite,
        TrackerSuite,
    )
}

__all__ = [
    "SUITES",
    "AnalysisSuite",
    "ClassifierSuite",
    "DatasetSuite",
    "DenoiserSuite",
    "ExecutorSuite",
    "FigureSuite",
    "FlowSuite",
    "IntegratorSuite",
    "OptimizerSuite",
    "ScheduleSuite",
    "Suite",
    "TrackerSuite",
]
