"""All that the author of a component imports.

Names that need torch are loaded at their first use.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from flowlab.api.checkpoint import Checkpoint
from flowlab.api.claim_result import ClaimResult
from flowlab.api.context import Context
from flowlab.api.errors import (
    EngineError,
    ExperimentError,
    FlowlabError,
    NodeError,
    OutputError,
    PluginError,
    Problem,
    StoreError,
    ValidationIssue,
)
from flowlab.api.fields import (
    Parameter,
    Pattern,
    Reference,
    field_spec,
    file_path,
    key_fields,
    key_group,
    parameter,
    reference,
    references,
)
from flowlab.api.helpers.exact_flow import check_exact_flow
from flowlab.api.helpers.frames import Frame, orthonormal_frame
from flowlab.api.helpers.half_step import HALF_STEP, half_step_shortfall
from flowlab.api.helpers.probability_path import exact_end_known, halved_probability_path, probability_path
from flowlab.api.helpers.starts import Center, gaussian_starts, nearest_level, start_law
from flowlab.api.helpers.training_set import points_table, training_set
from flowlab.api.kinds.classifier import CLASSES, Classes
from flowlab.api.kinds.dataset import TrainingSet
from flowlab.api.kinds.denoiser import Denoiser, DenoiserBank
from flowlab.api.kinds.executor import Executor, Task, TaskFunction, TaskResult, WorkerPool
from flowlab.api.kinds.figure import FigureLook, with_look
from flowlab.api.kinds.flow import StartLaw, Trajectories
from flowlab.api.kinds.integrator import FlowODE, Integrator
from flowlab.api.kinds.kind import KINDS, Kind
from flowlab.api.kinds.optimizer import Fit, Optimizer
from flowlab.api.kinds.schedule import Schedule
from flowlab.api.kinds.tracker import TrackedRun, Tracker
from flowlab.api.node_label import NodeLabel
from flowlab.api.node_spec import NodeSpec
from flowlab.api.result import Cell, Result, Table
from flowlab.api.value_spec import (
    AnalysisSpec,
    BankSpec,
    ClassesSpec,
    FlowSpec,
    OptimizerSpec,
    ScheduleSpec,
    TrainingSetSpec,
)
from flowlab.api.values.endpoints import (
    ChangedShares,
    ClassesByFinalTime,
    ClassesByThreshold,
    ClassesOverTime,
    EndCounts,
    EndShares,
    IntegratorErrors,
    PredictedVertices,
)
from flowlab.api.values.networks import (
    Certificates,
    CollapseStrengths,
    LowNoiseLevels,
    NetworkQuality,
    SeparableLevels,
)
from flowlab.api.values.stability import FixedPointCounts, StableShares, StableSharesOverDraws, StableSumCounts
from flowlab.api.version import API_VERSION

if TYPE_CHECKING:
    from flowlab.theory.geometry.geometry import Geometry
    from flowlab.theory.geometry.line import line_geometry
    from flowlab.theory.geometry.polytope import Polytope, box
    from flowlab.theory.networks.interpolation import Interpolation
    from flowlab.theory.networks.slabs import Slabs

_THEORY = {
    "Geometry": "flowlab.theory.geometry.geometry",
    "Interpolation": "flowlab.theory.networks.interpolation",
    "Polytope": "flowlab.theory.geometry.polytope",
    "Slabs": "flowlab.theory.networks.slabs",
    "box": "flowlab.theory.geometry.polytope",
    "line_geometry": "flowlab.theory.geometry.line",
}

__all__ = [
    "API_VERSION",
    "CLASSES",
    "HALF_STEP",
    "KINDS",
    "AnalysisSpec",
    "BankSpec",
    "Cell",
    "Center",
    "Certificates",
    "ChangedShares",
    "Checkpoint",
    "ClaimResult",
    "Classes",
    "ClassesByFinalTime",
    "ClassesByThreshold",
    "ClassesOverTime",
    "ClassesSpec",
    "CollapseStrengths",
    "Context",
    "Denoiser",
    "DenoiserBank",
    "EndCounts",
    "EndShares",
    "EngineError",
    "Executor",
    "ExperimentError",
    "FigureLook",
    "Fit",
    "FixedPointCounts",
    "FlowODE",
    "FlowSpec",
    "FlowlabError",
    "Frame",
    "Geometry",
    "Integrator",
    "IntegratorErrors",
    "Interpolation",
    "Kind",
    "LowNoiseLevels",
    "NetworkQuality",
    "NodeError",
    "NodeLabel",
    "NodeSpec",
    "Optimizer",
    "OptimizerSpec",
    "OutputError",
    "Parameter",
    "Pattern",
    "PluginError",
    "Polytope",
    "PredictedVertices",
    "Problem",
    "Reference",
    "Result",
    "Schedule",
    "ScheduleSpec",
    "SeparableLevels",
    "Slabs",
    "StableShares",
    "StableSharesOverDraws",
    "StableSumCounts",
    "StartLaw",
    "StoreError",
    "Table",
    "Task",
    "TaskFunction",
    "TaskResult",
    "TrackedRun",
    "Tracker",
    "TrainingSet",
    "TrainingSetSpec",
    "Trajectories",
    "ValidationIssue",
    "WorkerPool",
    "box",
    "check_exact_flow",
    "exact_end_known",
    "field_spec",
    "file_path",
    "gaussian_starts",
    "half_step_shortfall",
    "halved_probability_path",
    "key_fields",
    "key_group",
    "line_geometry",
    "nearest_level",
    "orthonormal_frame",
    "parameter",
    "points_table",
    "probability_path",
    "reference",
    "references",
    "start_law",
    "training_set",
    "with_look",
]


def __getattr__(name: str) -> Any:
    if name in _THEORY:
        return getattr(importlib.import_module(_THEORY[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
