"""Modules of the user's own as a bank of denoisers."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, Any, Literal

from attrs import frozen

from flowlab.api import NodeError

if TYPE_CHECKING:
    import torch
    from torch import Tensor

_BATCH = 1024  # points per call, so that memory stays bounded


@frozen(eq=False)
class ModuleCall:
    """One module, and how it is called: the denoiser h(y) at a noise level."""

    module: Any
    takes_sigma: bool
    predicts: Literal["x", "noise", "score"]
    shape: tuple[int, ...]
    dtype: torch.dtype
    size: int  # the number of its weights

    @classmethod
    def of(
        cls,
        module: Any,
        takes_sigma: bool,
        predicts: Literal["x", "noise", "score"],
        shape: tuple[int, ...],
        dimension: int,
        dtype: torch.dtype,
    ) -> ModuleCall:
        """The call of a module in its own precision, or else in `dtype`.

        Raises NodeError for a wrong shape.
        """
        if prod(shape) != dimension:
            raise NodeError(f"points of {dimension} coordinates have no shape {shape}: set shape")
        weights = [part for part in (*module.parameters(), *module.buffers()) if part.is_floating_point()]
        own = weights[0].dtype if weights else dtype
        return cls(module, takes_sigma, predicts, shape, own, sum(part.numel() for part in weights))

    @property
    def rounding(self) -> float:
        """How far two calls may differ, as a share of the values."""
        import torch

        return float(torch.finfo(self.dtype).eps ** 0.5)

    def __call__(self, y: Tensor, sigma: Tensor) -> Tensor:
        """The denoised y (S, d) at the noise level sigma (): (S, d).

        Raises NodeError.
        """
        import torch

        outputs = torch.cat([self._call(part, sigma) for part in y.split(_BATCH)]).to(y)
        if outputs.requires_grad and not y.requires_grad:  # a graph that grows with each step of a flow
            outputs = outputs.detach()
        match self.predicts:
            case "noise":
                return y - sigma * outputs
            case "score":
                return y + sigma.square() * outputs
        return outputs

    def _call(self, y: Tensor, sigma: Tensor) -> Tensor:
        import torch

        points = y.reshape(len(y), *self.shape).to(self.dtype)
        given = (points, sigma.to(self.dtype).expand(len(y))) if self.takes_sigma else (points,)
        called = "forward(y, sigma)" if self.takes_sigma else "forward(y)"
        try:
            output = self.module(*given)
        except torch.OutOfMemoryError:
            raise
        except Exception as error:
            rule = f"it is called as {called} with y of shape {tuple(points.shape)}"
            raise NodeError(
                f"the module can't be called: {_describe(error)} ({rule}; see takes_sigma, shape)"
            ) from error
        if not isinstance(output, torch.Tensor):
            raise NodeError(f"the module returns a {type(output).__name__}, and a tensor is needed")
        if output.shape not in (points.shape, y.shape):
            shapes = f"{tuple(output.shape)} for points of shape {tuple(points.shape)}"
            raise NodeError(f"the module returns a tensor of shape {shapes}: both must be the same")
        return output.reshape(y.shape)


def _describe(error: Exception) -> str:
    """An error of the user's code in one line, with its place there."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    lines = str(error).strip().splitlines() or [""]
    place = f", {trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}" if trace is not None else ""
    return f"{type(error).__name__}: {lines[0][:200]}{place}"


@frozen(eq=False)
class NetworkOfAllLevels:
    """One module at noise levels sigma (L,); it is known at all others as well."""

    call: ModuleCall
    sigma: Tensor

    def __call__(self, y: Tensor) -> Tensor:
        """Denoise y (L, S, d), level by level; L = 1 broadcasts."""
        import torch

        levels = y.expand(len(self.sigma), -1, -1)
        return torch.stack([self.call(states, level) for states, level in zip(levels, self.sigma, strict=True)])

    def at_sigma(self, sigma: Tensor) -> NetworkOfAllLevels:
        """The same module at other noise levels sigma (L,)."""
        return NetworkOfAllLevels(self.call, sigma)

    def at(self, level: int) -> NetworkOfAllLevels:
        """The denoiser of one level, as a bank of one."""
        return NetworkOfAllLevels(self.call, self.sigma[level].reshape(1))


@frozen(eq=False)
class NetworksByLevel:
    """One module for each of the noise levels sigma (L,)."""

    calls: tuple[ModuleCall, ...]
    sigma: Tensor

    def __call__(self, y: Tensor) -> Tensor:
        """Denoise y (L, S, d), level by level; L = 1 broadcasts."""
        import torch

        levels = y.expand(len(self.sigma), -1, -1)
        parts = zip(self.calls, levels, self.sigma, strict=True)
        return torch.stack([call(states, level) for call, states, level in parts])

    def at(self, level: int) -> NetworksByLevel:
        """The denoiser of one level, as a bank of one."""
        return NetworksByLevel((self.calls[level],), self.sigma[level].reshape(1))
