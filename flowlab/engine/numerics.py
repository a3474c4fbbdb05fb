"""What torch lets a session set that may decide the last bits of a result: pinned while flowlab works."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from typing import Any

from flowlab.engine.threads import pin_threads

# The values that a run works with, by what a reader of torch's documentation looks for. Part of every key.
NUMERICS: Mapping[str, str | bool] = {
    "float32_matmul_precision": "highest",
    "tf32": False,
    "autocast": False,
    "deterministic_algorithms": True,
    "cudnn_benchmark": False,
    "opt_einsum": False,  # else the order of a product depends on whether that package is installed
    "flush_denormal": False,
    "default_dtype": "float32",
    "default_device": "cpu",
}
_IEEE = (  # float32 products in full precision, by module below torch.backends; torch 2.9 and later
    "",
    "cuda.matmul",
    "cudnn",
    "cudnn.conv",
    "cudnn.rnn",
    "mkldnn",
    "mkldnn.matmul",
    "mkldnn.conv",
    "mkldnn.rnn",
)
_CUBLAS_WORKSPACE = "CUBLAS_WORKSPACE_CONFIG"  # cuBLAS is deterministic with this alone


@contextmanager
def pin_numerics(threads: int) -> Iterator[None]:
    """The values of NUMERICS and so many threads, within; afterwards the caller's again, after an error too.

    Threads that OpenMP has started keep what they do with denormal numbers.
    """
    import torch

    with ExitStack() as stack:
        stack.enter_context(pin_threads(threads))
        _pin_precision(stack)
        _pin_algorithms(stack)
        for device in ("cpu", "cuda"):
            if torch.is_autocast_enabled(device):
                stack.enter_context(torch.autocast(device, enabled=False))
        if _flushes_denormals():
            stack.callback(torch.set_flush_denormal, True)
            torch.set_flush_denormal(False)
        stack.callback(torch.set_default_dtype, torch.get_default_dtype())
        torch.set_default_dtype(torch.float32)
        if torch.get_default_device().type != "cpu":
            stack.enter_context(torch.device("cpu"))
        yield


def _pin_precision(stack: ExitStack) -> None:
    """Float32 products in full precision: no TF32, no bfloat16.

    torch has an older and a newer set of switches for the same thing. It sets each by both, and may refuse to read
    the older ones of a session that has mixed them; these then stay at full precision.
    """
    import torch

    backends = torch.backends
    modern = [_below(backends, name) for name in _IEEE if hasattr(_below(backends, name), "fp32_precision")]
    # undone in reverse: the older switches change some of the newer ones, which get their own values back last
    for module in modern:
        stack.callback(setattr, module, "fp32_precision", module.fp32_precision)
    with suppress(RuntimeError):
        stack.callback(torch.set_float32_matmul_precision, torch.get_float32_matmul_precision())
    legacy: tuple[Any, ...] = (backends.cuda.matmul, backends.cudnn)
    for module in legacy:
        with suppress(RuntimeError):
            stack.callback(setattr, module, "allow_tf32", module.allow_tf32)
        module.allow_tf32 = False
    torch.set_float32_matmul_precision("highest")
    for module in modern:
        module.fp32_precision = "ieee"


def _pin_algorithms(stack: ExitStack) -> None:
    """The same algorithm for the same operation, whatever else this process has done."""
    import torch

    former = torch.are_deterministic_algorithms_enabled()
    warn_only = torch.is_deterministic_algorithms_warn_only_enabled()
    stack.callback(lambda: torch.use_deterministic_algorithms(former, warn_only=warn_only))
    torch.use_deterministic_algorithms(True, warn_only=True)  # an operation without such an algorithm still works
    _pin(stack, torch.utils.deterministic, "fill_uninitialized_memory", False)  # it costs time and decides nothing
    _pin(stack, torch.backends.cudnn, "benchmark", False)
    _pin(stack, torch.backends.cudnn, "deterministic", True)
    _pin(stack, torch.backends.opt_einsum, "enabled", False)
    if torch.cuda.is_available() and _CUBLAS_WORKSPACE not in os.environ:
        os.environ[_CUBLAS_WORKSPACE] = ":4096:8"
        stack.callback(os.environ.pop, _CUBLAS_WORKSPACE, None)


def _pin(stack: ExitStack, module: Any, name: str, value: bool) -> None:
    stack.callback(setattr, module, name, getattr(module, name))
    setattr(module, name, value)


def _below(module: Any, name: str) -> Any:
    """The module of a dotted name below another, itself for no name."""
    for part in name.split(".") if name else ():
        module = getattr(module, part, None)
    return module


def _flushes_denormals() -> bool:
    """Whether this thread takes numbers below the smallest normal one for zero; torch tells nobody."""
    import torch

    smallest = torch.tensor(sys.float_info.min, dtype=torch.float64, device="cpu")
    return smallest.div(2).item() == 0
