"""A PyTorch module of the user's own as a denoiser."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from attrs import Factory, frozen

from flowlab.api import (
    BankSpec,
    Context,
    DenoiserBank,
    NodeError,
    NodeSpec,
    Result,
    Schedule,
    TrainingSet,
    ValidationIssue,
    file_path,
    parameter,
    reference,
)
from flowlab.components.denoisers.module_files import program_in, source_fault

if TYPE_CHECKING:
    from torch import Tensor

    from flowlab.components.denoisers.module_call import ModuleCall, NetworkOfAllLevels, NetworksByLevel

_PROBES = 256  # noisy samples per level, at most


@frozen
class TorchModule:
    """A PyTorch module of your own: one for all noise levels, or one per level.

    With `source`, a Python file, and `network`, the class in it, `weights` is a state dict: .safetensors, or .pt
    as torch.save writes one. The file `source` is run. Without them `weights` is a program, TorchScript or
    torch.export, which is run as well.

    The module is called as F = forward(y, sigma), where y (S, ...) = x + sigma eps is in data units and sigma is
    (S,). The denoiser is h = F if F predicts x, h = y - sigma F for the noise eps, h = y + sigma^2 F for the
    score. No gradients of weights are taken. It counts as not piecewise affine: flows integrate it. Source: arXiv
    2506.19031, Section 2.
    """

    dataset: str = reference("dataset", help="training points, at which endpoints are looked for")
    schedule: str = reference("schedule", help="noise levels, one denoiser each")
    source: str | None = file_path(None, help="Python file with the class, which is run")
    network: str | None = parameter(None, help="class in it, or a function that returns the module")
    arguments: Mapping[str, Any] = parameter(Factory(dict), help="arguments of the class, by name")
    weights: str | tuple[str, ...] | None = file_path(None, help="state dict or program; a list has one per level")
    program: Literal["torchscript", "torch-export"] | None = parameter(
        None, help="what `weights` is if it has no `source`; it is run"
    )
    key: str | None = parameter(None, help="name of the state dict in a checkpoint of several things")
    takes_sigma: bool = parameter(True, help="whether it is forward(y, sigma), not forward(y)")
    predicts: Literal["x", "noise", "score"] = parameter("x", help="what the module returns")
    shape: tuple[int, ...] | None = parameter(
        None, help="shape in which the module takes a point (default: that of the data)", ge=1
    )

    def check(self, inputs: Mapping[str, tuple[NodeSpec, ...]]) -> Iterator[ValidationIssue]:
        """Check that the files are there and are what they are said to be; nothing of them is run."""
        if self.program is None and (self.source is None or self.network is None):
            missing = "source" if self.source is None else "network"
            rule = "a state dict needs source and network; TorchScript and torch.export need program"
            yield ValidationIssue(missing, f"it says nothing of the module: {rule}")
        if self.program is not None and (self.source is not None or self.network is not None):
            yield ValidationIssue("program", "a program needs no source and no network")
        if self.program is not None and not self._files:
            yield ValidationIssue("weights", "a program is read from the file that weights names")
        if self.source is not None and (fault := source_fault(Path(self.source), self.network)):
            yield ValidationIssue(*fault)
        for file in self._files:
            found = program_in(Path(file)) if Path(file).is_file() else None
            if not Path(file).is_file():
                yield ValidationIssue("weights", f"there is no file {file!r}")
            elif found != self.program and found is not None:
                rule = "which runs code; if you trust it, leave out source and network"
                yield ValidationIssue("weights", f"{file!r} is a program, {rule}, and set program = {found!r}")
            elif found != self.program:
                yield ValidationIssue("program", f"{file!r} is no {self.program} program")

    def value_spec(self, inputs: Mapping[str, tuple[NodeSpec, ...]]) -> BankSpec:
        """What is known of the bank before the run."""
        return BankSpec(
            inputs["dataset"][0].value_spec,
            inputs["schedule"][0].value_spec,
            solved=True,
            balls=False,
            relu=False,
            affine=False,
            history=False,
            quality=False,
        )

    def build(self, context: Context, *, dataset: TrainingSet, schedule: Schedule) -> Result:
        """Load the module and call it on noisy samples.

        Raises NodeError where it can't be loaded, or is no function of one point at a time.
        """
        import torch

        sigma = schedule.sigma(context.dtype).to(context.device)
        calls = self._calls(dataset, context)
        if len(self._files) > 1 and len(calls) != len(sigma):
            raise NodeError(
                f"{len(calls)} files of weights for {len(sigma)} noise levels: name one, or one per level"
            )
        network = _to_network(calls, sigma)
        points = dataset.geometry.points
        rows = torch.arange(_PROBES, device=points.device) % len(points)
        noise = torch.randn(
            (len(sigma), len(rows), points.shape[1]), generator=context.generator("probe"), dtype=torch.float64
        )
        y = points[rows] + sigma[:, None, None] * noise.to(points)
        error = _call_twice(network, y, max(call.rounding for call in calls)) - points[rows]
        mse = error.square().sum(-1).mean(-1)
        metrics: dict[str, Any] = {
            "sigma": sigma.tolist(),
            "mse_estimate": mse.tolist(),
            "mse_samples": len(rows),
            "weights": sum(call.size for call in calls),
            "dtype": str(calls[0].dtype).removeprefix("torch."),
        }
        bank = DenoiserBank(sigma, network, dataset, torch.ones_like(sigma, dtype=torch.bool))
        return Result(bank, metrics, shortfall=_shortfall(mse, sigma, points.shape[1]))

    @property
    def _files(self) -> tuple[str, ...]:
        return (self.weights,) if isinstance(self.weights, str) else self.weights or ()

    def _calls(self, dataset: TrainingSet, context: Context) -> list[ModuleCall]:
        """The module of each file of weights, or the one that has none. Raises NodeError."""
        from flowlab.components.denoisers.module_call import ModuleCall
        from flowlab.components.denoisers.module_loading import load_program, make_module

        dimension = dataset.geometry.points.shape[1]
        shape = self.shape or dataset.shape or (dimension,)
        calls = []
        for file in self._files or (None,):
            if self.program is not None and file is not None:
                module = load_program(Path(file), self.program, context.device)
            else:
                module = make_module(Path(self.source or ""), self.network or "", self.arguments, file, self.key)
                module = module.to(context.device, context.dtype).eval()
            for part in module.parameters():
                part.requires_grad_(False)
            calls.append(ModuleCall.of(module, self.takes_sigma, self.predicts, shape, dimension, context.dtype))
        return calls


def _to_network(calls: list[ModuleCall], sigma: Tensor) -> NetworkOfAllLevels | NetworksByLevel:
    from flowlab.components.denoisers.module_call import NetworkOfAllLevels, NetworksByLevel

    return NetworkOfAllLevels(calls[0], sigma) if len(calls) == 1 else NetworksByLevel(tuple(calls), sigma)


def _call_twice(network: NetworkOfAllLevels | NetworksByLevel, y: Tensor, rounding: float) -> Tensor:
    """The denoised y (L, S, d). Raises NodeError unless calls again, and with fewer points, give the same."""
    import torch

    first = network(y)
    if not bool(torch.isfinite(first).all()):
        raise NodeError("the module returns values that are not finite at noisy samples of the training points")
    allowed = rounding * (first.abs().max() + y.abs().max())
    if (network(y) - first).abs().max() > allowed:
        raise NodeError("the module is random: two calls at the same points differ (is dropout on in eval mode?)")
    if (network(y[:, :1]) - first[:, :1]).abs().max() > allowed:
        rule = "a denoiser is a function of one point at a time"
        raise NodeError(f"the module's value at a point depends on the other points of the batch: {rule}")
    return first


def _shortfall(mse: Tensor, sigma: Tensor, dimension: int) -> str | None:
    """Whether the module removes no noise at any level, in words."""
    if bool((mse < dimension * sigma.square()).any()):
        return None
    rule = "are predicts, takes_sigma and the unit of sigma right?"
    return f"at no level it is nearer to the training points than the noisy samples themselves: {rule}"
