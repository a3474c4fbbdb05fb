"""A run with all that a page shows, in words that would be markup if they could."""

from __future__ import annotations

from pathlib import Path

import torch
from attrs import evolve, validators
from matplotlib.figure import Figure
from report_nodes import ENVIRONMENT, done, failed, graph_of, outcome_of

from flowlab.api import ClaimResult, Classes, Table
from flowlab.engine.outcome import Record
from flowlab.output.run_folder import claim_folder
from flowlab.runner.write_run import write_run
from flowlab.spec.experiment_settings import ExperimentSettings

HOSTILE = """</script><script>document.title = 'taken'</script><img src=x onerror="document.title = 'taken'">'&"""
ROWS = 250


class Line:
    """A line that falls."""


def plotted(name: str) -> Record:
    """The record of a figure of a line."""
    figure = Figure()
    figure.subplots().plot([0, 1], [1, 0], marker="o", label=HOSTILE)
    record = done("figure", name, value=figure)
    return evolve(record, node=evolve(record.node, component=Line()))


def write_page(folder: Path) -> Path:
    """Write the run and return its page."""
    labels = torch.tensor([0, 0, 1, 4])
    numbers = Table({"size": [10, 9, None, 1.5e-7], HOSTILE: ["b", "a10", "a9", HOSTILE], "of": [1 / 3, 2, 2, 3]})
    dataset = done("dataset", "points", metrics={"conjecture": f"not proved {HOSTILE}"}, tables={"small": numbers})
    denoiser = done(
        "denoiser",
        HOSTILE,
        {"dataset.points.samples": HOSTILE},
        metrics={"violation_max": [1e-6, None], "slab_ratio": [1.0, 1.01], "usable": [True, False]},
        shortfall=f"a level is left {HOSTILE}",
        tables={"history": Table({"step": list(range(ROWS))})},
    )
    outcome = outcome_of(
        dataset,
        evolve(denoiser, node=evolve(denoiser.node, inputs={"dataset": (dataset.node,)})),
        done("classifier", "ends", metrics={HOSTILE: Classes({HOSTILE: labels}, {}, 0.2, "linf").counts(HOSTILE)}),
        done(
            "analysis",
            "held",
            value=ClaimResult(HOSTILE, "Theorem 1", ">= 1", ours=(2.0,), verdict="holds", by_seed=((2.0,),)),
        ),
        plotted("line"),
        plotted(f"other {HOSTILE}"),
        failed("analysis", "bad"),
    )
    made = graph_of(outcome)
    resolved = {"experiment": {"name": HOSTILE}, "dataset": {"points": {"use": HOSTILE}}}
    with validators.disabled():  # no experiment has such a name, but a page doesn't rely on that
        settings = ExperimentSettings(name=HOSTILE)
    graph = evolve(made, settings=settings, text=f"# {HOSTILE}\n", resolved=resolved)
    claim_folder(folder)
    write_run(graph, outcome, ENVIRONMENT, folder)
    return folder / "report.html"
