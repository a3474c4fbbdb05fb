"""The base of all suites: the component under test, and a context to build it in."""

from __future__ import annotations

from typing import Any, ClassVar

import torch
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from torch import Tensor

from flowlab.api.context import Context

DTYPES = (torch.float32, torch.float64)

seeds = st.integers(0, 10**6)

# one test method serves many components, which hypothesis would report as a mistake
_SHARED = [HealthCheck.differing_executors, HealthCheck.too_slow]
some = settings(max_examples=15, deadline=None, suppress_health_check=_SHARED)
few = settings(max_examples=3, deadline=None, suppress_health_check=_SHARED)
# where an example takes seconds: one is enough, and none is tried again to be made smaller
once = settings(max_examples=1, deadline=None, suppress_health_check=list(HealthCheck), database=None)


class Suite:
    """The base of a suite: subclass the suite of a kind and override `component` to inherit its rules as tests.

    class TestStar(DatasetSuite):
        def component(self):
            return st.builds(Star, tips=st.integers(3, 8))
    """

    kind: ClassVar[str]

    def component(self) -> Any:
        """A valid component to test, or a hypothesis strategy of valid components.

        Raises NotImplementedError unless it is overridden.
        """
        raise NotImplementedError(
            "override component(): return the component to test, or a strategy of components"
        )

    def drawn(self, data: st.DataObject) -> Any:
        """The component of one hypothesis example."""
        component = self.component()
        return data.draw(component, "component") if isinstance(component, st.SearchStrategy) else component


def devices() -> tuple[torch.device, ...]:
    """The torch devices of this machine: the CPU, and CUDA if there is one."""
    names = ["cpu", "cuda"] if torch.cuda.is_available() else ["cpu"]
    return tuple(torch.device(name) for name in names)


def context(seed: int = 0, dtype: torch.dtype = torch.float64, device: torch.device | None = None) -> Context:
    """The context of a node under test, on the CPU by default."""
    return Context(seed, "tested", dtype, device or torch.device("cpu"))


def normal(seed: int, *shape: int) -> Tensor:
    """Standard normal numbers in float64, of a shape (...) given as arguments."""
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def uniform(seed: int, *shape: int) -> Tensor:
    """Uniform numbers in [0, 1) in float64, of a shape (...) given as arguments."""
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
