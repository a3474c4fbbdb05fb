"""Tensors and labels as one safetensors file: whole or absent, with the key of its reader and a checksum."""

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

SCHEMA = 7  # of the store: what a key is made of, and how a file is laid out
SUFFIX = ".safetensors"
_OWN_LABELS = ("key", "schema", "sha256")
_LONGEST_HEADER = 100 << 20  # bytes, the limit of safetensors itself


@frozen
class TensorFile:
    """What a file holds; the labels `key`, `schema` and `sha256` are the file's own."""

    labels: Mapping[str, str]
    tensors: Mapping[str, Tensor]


class UnusableFile(Exception):
    """A file that nothing can be taken from; its text says why."""


def key_path(folder: Path, key: str) -> Path:
    """The file of a key in a folder."""
    return folder / f"{key}{SUFFIX}"


def write_tensor_file(path: Path, key: str, content: TensorFile) -> None:
    """Replace a file, all at once. Raises OSError where it can't be written."""
    write_atomically(path, to_bytes(key, content))


def to_bytes(key: str, content: TensorFile) -> bytes:
    """The bytes of a file that this key opens."""
    from safetensors.torch import save

    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in content.tensors.items()}
    labels = {**content.labels, "key": key, "schema": str(SCHEMA)}
    # not save_file: it has temporary files of its own, which a kill leaves behind under names of its own
    return save(tensors, {**labels, "sha256": checksum(labels, tensors)})


def read_tensor_file(path: Path, key: str) -> TensorFile:
    """What was written under this key.

    Raises UnusableFile for any other content, FileNotFoundError without a file.
    """
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
        older = "key" in labels and labels.get("schema") != str(SCHEMA)
        of_others = "of other settings, versions or source code"
        raise UnusableFile("made by an older version of the store" if older else of_others)
    # safetensors reads a flipped bit without a word
    if written != checksum(labels, tensors):
        raise UnusableFile("damaged: its content does not match its sha256")
    return TensorFile({name: text for name, text in labels.items() if name not in _OWN_LABELS}, tensors)


def read_labels(path: Path) -> dict[str, str]:
    """The labels of a file, its own included, unchecked and without its tensors; none where they can't be read."""
    try:
        with path.open("rb") as stream:
            length = int.from_bytes(stream.read(8), "little")
            header = json.loads(stream.read(length)) if length <= _LONGEST_HEADER else {}
        return {str(name): str(text) for name, text in header["__metadata__"].items()}
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return {}


def checksum(labels: Mapping[str, str], tensors: Mapping[str, Tensor]) -> str:
    """sha256 of the labels and of every tensor's name, type, shape and bytes."""
    import torch

    shapes = {name: [str(tensor.dtype), list(tensor.shape)] for name, tensor in tensors.items()}
    content = hashlib.sha256(json.dumps([labels, shapes], sort_keys=True).encode())
    for name in sorted(tensors):
        content.update(tensors[name].detach().cpu().reshape(-1).view(torch.uint8).numpy().data)
    return content.hexdigest()
