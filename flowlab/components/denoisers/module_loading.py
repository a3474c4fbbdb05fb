"""Modules from files: Python files and programs are run, weights are read as data."""

from __future__ import annotations

import builtins
import importlib
import sys
import types
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flowlab.api import NodeError
from flowlab.components.denoisers.module_files import Program

if TYPE_CHECKING:
    import torch
    from torch import Tensor

_MOST_NAMES = 3


def make_module(
    source: Path, network: str, arguments: Mapping[str, Any], weights: str | None, key: str | None
) -> torch.nn.Module:
    """The module that a class of a Python file makes, with its weights; the file is run.

    Raises NodeError.
    """
    import torch

    make = getattr(_run_source(source), network, None)
    if not callable(make):
        raise NodeError(f"{str(source)!r} has no class or function {network!r}")
    try:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            module = make(**arguments)
    except Exception as error:
        called = ", ".join(f"{name}={value!r}" for name, value in arguments.items())
        raise NodeError(f"{network}({called}) breaks: {type(error).__name__}: {error}") from error
    if not isinstance(module, torch.nn.Module):
        raise NodeError(f"{network} makes a {type(module).__name__}, and a torch.nn.Module is needed")
    if weights is not None:
        _fill(module, network, Path(weights), key)
    elif count := sum(part.numel() for part in module.parameters()):
        raise NodeError(f"{network} has {count} random weights: name the file of its state dict in weights")
    return module


def load_program(path: Path, program: Program, device: torch.device) -> torch.nn.Module:
    """A program as a module, which runs code of the file when it is called.

    Raises NodeError.
    """
    import torch

    try:
        if program == "torchscript":
            with warnings.catch_warnings(action="ignore", category=DeprecationWarning):  # of the format
                return torch.jit.load(path, map_location=device).eval()
        return torch.export.load(path).module().to(device)
    except Exception as error:  # its reader may break anywhere
        reason = str(error).strip().partition("\n")[0][:200]
        raise NodeError(f"{str(path)!r} can't be read as {program}: {reason}") from error


def _fill(module: torch.nn.Module, network: str, path: Path, key: str | None) -> None:
    """Load a state dict into a module.

    Raises NodeError.
    """
    state = _read_state(path, key)
    try:
        missing, unexpected = module.load_state_dict(state, strict=False)
    except RuntimeError as error:
        lines = str(error).strip().splitlines()[1:] or [str(error)]
        raise NodeError(f"{str(path)!r} does not fit {network}: {lines[0].strip()[:300]}") from error
    if missing or unexpected:
        parts = [
            f"{what} {', '.join(names[:_MOST_NAMES])}{' ...' if len(names) > _MOST_NAMES else ''}"
            for what, names in (("it lacks", missing), ("it has besides", unexpected))
            if names
        ]
        raise NodeError(f"{str(path)!r} does not fit {network}: {'; '.join(parts)}")


def _read_state(path: Path, key: str | None) -> dict[str, Tensor]:
    """A state dict, as data: nothing in the file is run.

    Raises NodeError.
    """
    import torch
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        if path.suffix == ".safetensors":
            content: Any = load_file(path)
        else:
            content = torch.load(path, map_location="cpu", weights_only=True)
    except OSError as error:
        raise NodeError(f"{str(path)!r} can't be read: {error.strerror or error}") from error
    except SafetensorError as error:
        raise NodeError(f"{str(path)!r} is no .safetensors file, or it is damaged: save it again") from error
    except Exception as error:  # what unpickles nothing but weights breaks on all else
        rule = "it holds more than weights, and nothing else is unpickled: save module.state_dict()"
        raise NodeError(f"{str(path)!r} can't be read as weights: {rule}") from error
    if key is not None:
        content = content.get(key) if isinstance(content, Mapping) else None
    if (
        isinstance(content, Mapping)
        and content
        and all(isinstance(part, torch.Tensor) for part in content.values())
    ):
        return dict(content)
    names = (
        [str(name) for name, part in content.items() if isinstance(part, Mapping)]
        if isinstance(content, Mapping)
        else []
    )
    hint = f"set key to one of {names}" if names else "save module.state_dict()"
    raise NodeError(f"{str(path)!r} is no state dict: {hint}")


def _run_source(path: Path) -> types.ModuleType:
    """The module of a Python file, run anew, which can import the modules beside it.

    Raises NodeError.
    """
    module = types.ModuleType(path.stem)
    module.__file__ = str(path)
    try:
        with _modules_beside(path.absolute().parent):
            sys.modules[path.stem] = module
            # what it runs counts in the key of the result by itself
            builtins.exec(compile(path.read_bytes(), str(path), "exec"), module.__dict__)
    except Exception as error:
        raise NodeError(f"{str(path)!r} breaks when it is run: {type(error).__name__}: {error}") from error
    return module


@contextmanager
def _modules_beside(folder: Path) -> Iterator[None]:
    """Import modules of a folder anew, within; afterwards the process has those that it had."""
    # one that was imported before may be of another experiment, or older than its file
    names = {path.stem for path in folder.glob("*.py")} | {path.parent.name for path in folder.glob("*/*.py")}
    names.discard("flowlab")  # beside its own source code: a second copy would have other classes
    former = {name: module for name, module in sys.modules.items() if name.partition(".")[0] in names}
    bytecode, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    for name in former:
        del sys.modules[name]
    sys.path.insert(0, str(folder))
    importlib.invalidate_caches()
    try:
        yield
    finally:
        sys.path.remove(str(folder))
        sys.dont_write_bytecode = bytecode
        for name in [name for name in sys.modules if name.partition(".")[0] in names]:
            del sys.modules[name]
        sys.modules.update(former)
