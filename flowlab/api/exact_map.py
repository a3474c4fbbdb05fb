"""The rule of flows that are known exactly, as far as it can be checked before a run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from flowlab.api.declared import Declared
from flowlab.api.errors import Misfit


def check_exact_map(inputs: Mapping[str, tuple[Declared, ...]]) -> Iterator[Misfit]:
    """An integrator that needs an exact map takes a denoiser that has one, on separable points."""
    needy = [node for node in inputs.get("integrator", ()) if getattr(node.component, "needs_exact_map", False)]
    for node in inputs.get("denoiser", ()) if needy else ():
        if not getattr(node.component, "has_exact_map", False):
            yield Misfit("integrator", f"the denoiser {node.name!r} has no exact flow map; a closed form has")
        for dataset in node.inputs.get("dataset", ()):
            if not getattr(dataset.component, "separable", False):
                yield Misfit(
                    "integrator",
                    f"flows on the dataset {dataset.name!r} are not known exactly: that takes an orthogonal "
                    "set with the origin, or a line",
                )
