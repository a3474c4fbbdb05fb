"""Tensors and labels as one safetensors file: whole or absent, with the key of who may use it and a seal."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from attrs import frozen

from flowlab.engine.atomic_file import write_atomically
from flowlab.engine.format_error import format_error

if TYPE_CHECKING:
    from torch import Tensor


@frozen
class TensorFile:
    """What a file holds; the labels `key` and `sha256` are the file's own."""

    labels: Mapping[str, str]
    tensors: Mapping[str, Tensor]


class UnusableFile(Exception):
    """A file that nothing can be taken from; its text says why."""


def write_tensor_file(path: Path, key: str, content: TensorFile) -> None:
    """Replace a file, all at once. Raises OSError where it can't be written."""
    write_atomically(path, to_bytes(key, content))


def to_bytes(key: str, content: TensorFile) -> bytes:
    """The bytes of a file for who has this key."""
    from safetensors.torch import save

    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in content.tensors.items()}
    labels = {**content.labels, "key": key}
    # not save_file: it has temporary files of its own, which a kill leaves behind under names of its own
    return save(tensors, {**labels, "sha256": checksum(labels, tensors)})


def read_tensor_file(path: Path, key: str) -> TensorFile:
    """What was written under this key. Raises Unusable for any other content, FileNotFoundError without a file."""
    from safetensors import safe_open

    try:
        with safe_open(path, "pt") as file:
            labels = dict(file.metadata() or {})
            # copies: the tensors of an open file are the file itself
            tensors = {name: file.get_tensor(name).clone() for name in file.keys()}  # noqa: SIM118
    except FileNotFoundError:
        raise
    except Exception as error:  # a damaged file may break its reader anywhere
        raise UnusableFile(f"damaged: {format_error(error)}") from error
    written = labels.pop("sha256", None)
    if labels.get("key") != key:
        raise UnusableFile("of other settings, versions or source code")
    # safetensors reads a flipped bit without a word
    if written != checksum(labels, tensors):
        raise UnusableFile("damaged: its content does not match its sha256")
    del labels["key"]
    return TensorFile(labels, tensors)


def checksum(labels: Mapping[str, str], tensors: Mapping[str, Tensor]) -> str:
    """sha256 of the labels and of every tensor's name, type, shape and bytes."""
    import torch

    shapes = {name: [str(tensor.dtype), list(tensor.shape)] for name, tensor in tensors.items()}
    content = hashlib.sha256(json.dumps([labels, shapes], sort_keys=True).encode())
    for name in sorted(tensors):
        content.update(tensors[name].detach().cpu().reshape(-1).view(torch.uint8).numpy().data)
    return content.hexdigest()
