"""The condition for an exact flow, as far as it can be checked before a run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from flowlab.api.errors import ValidationIssue
from flowlab.api.node_spec import NodeSpec


def check_exact_flow(inputs: Mapping[str, tuple[NodeSpec, ...]]) -> Iterator[ValidationIssue]:
    """Check that an exact integrator is used with a piecewise affine denoiser.

    An exact integrator has `exact = True`; of a denoiser that is not piecewise affine, its `value_spec` says so.
    """
    exact = [node for node in inputs.get("integrator", ()) if getattr(node.component, "exact", False)]
    for node in inputs.get("denoiser", ()) if exact else ():
        if node.value_spec.affine is False:
            yield ValidationIssue(
                "integrator",
                f"the denoiser {node.name!r} is not piecewise affine, so its flow is not known exactly",
            )
