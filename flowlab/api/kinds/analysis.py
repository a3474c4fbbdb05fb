"""What an analysis builds: numbers and tables; one that judges a claim builds its result."""

from __future__ import annotations

from flowlab.api.claim_result import ClaimResult
from flowlab.api.result import Result


def headline(result: Result) -> str:
    """Our figures of a claim; nothing of another analysis."""
    return result.value.our_figures if isinstance(result.value, ClaimResult) else ""
