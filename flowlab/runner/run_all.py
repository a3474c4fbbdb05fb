"""Several experiments, one after the other."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from attrs import frozen

from flowlab.api import ClaimResult
from flowlab.engine.interrupt import raise_interrupt_behind
from flowlab.engine.outcome import Outcome, Record
from flowlab.output.claims import CLAIMS_FILE, claims_markdown, claims_table, collect_claims
from flowlab.output.figures import use_headless_backend
from flowlab.output.run_folder import write_file
from flowlab.output.terminal import report_error, terminal_width
from flowlab.runner.run_experiment import FinishedRun, RunPlan, run_experiment


@frozen
class Series:
    """What came of some experiments: their reports, their claims by name, the worst of their exit codes."""

    reports: tuple[FinishedRun, ...]
    claims: Mapping[str, list[ClaimResult]]
    exit_code: int

    @property
    def summary(self) -> Any:
        """What the summary.json of each holds: of one experiment itself, of several a list."""
        summaries = [report.summary for report in self.reports]
        return summaries[0] if len(self.claims) == len(summaries) == 1 else summaries

    def close(self, folder: Path) -> str:
        """Write the claims, if any, to the folder as a table, which is returned. Raises OutputError."""
        if not any(self.claims.values()):
            return ""
        path = folder / CLAIMS_FILE
        write_file(path, claims_markdown(self.claims).encode())
        return "\n".join(["", *claims_table(self.claims, terminal_width()), "", str(path)])


def run_all(
    plans: Sequence[RunPlan], device: str, quiet: bool, debug: bool, show: Callable[[FinishedRun], None]
) -> Series:
    """Run experiments; `show` gets each report. After an error the next one begins; an interrupt ends all."""
    for plan in plans:
        use_headless_backend(plan.graph)
    reports, codes = [], [0]
    claims = {plan.graph.name: collect_claims(plan.graph, _unstarted(plan)) for plan in plans}
    for plan in plans:
        try:
            report = run_experiment(plan, device, quiet)
        except Exception as error:
            raise_interrupt_behind(error)
            codes.append(report_error(error, debug))
            continue
        show(report)
        reports.append(report)
        claims[plan.graph.name] = report.findings
        codes.append(report.outcome.exit_code)
        if report.outcome.interrupted:
            break
    return Series(tuple(reports), claims, max(codes))


def _unstarted(plan: RunPlan) -> Outcome:
    return Outcome(tuple(Record(node, "skipped") for node in plan.graph.nodes), 0.0)
