"""What became of each node of an experiment, run in this process without a store."""

from __future__ import annotations

from flowlab import Experiment
from flowlab.engine.outcome import Record
from flowlab.engine.progress.quiet import QuietListener
from flowlab.engine.run import run_graph


def run_records(experiment: Experiment) -> dict[str, Record]:
    """The records by the ids of the nodes."""
    return {record.node.id: record for record in run_graph(experiment.graph, "cpu", QuietListener()).records}
