"""Arrays of real numbers from .npy and .safetensors files: they are read as data, and a pickle is never opened."""

from __future__ import annotations

import ast
import math
import re
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

from attrs import frozen

if TYPE_CHECKING:
    import numpy as np

_NPY = b"\x93NUMPY"
_LONGEST_HEADER = 10_000  # bytes; numpy reads no longer one either
_NUMBERS = re.compile(r"[<>|=]?([iu][1248]|f(2|4|8|16)|b1)")  # types of a .npy file
_TENSORS = frozenset({"BOOL", "U8", "I8", "U16", "I16", "F16", "U32", "I32", "F32", "U64", "I64", "F64"})


class FileContentError(ValueError):
    """What is wrong with the content of a file, and what to do about it."""


class ForeignFileError(FileContentError):
    """A file of another format than its name says; a pickle, which could run code, among them."""


@frozen
class NpyHeader:
    """What the head of a .npy file says: the type and shape of its array, and the byte at which it begins."""

    dtype: str
    shape: tuple[int, ...]
    fortran: bool
    start: int


def read_npy(path: Path) -> np.ndarray:
    """The array of a .npy file.

    Raises FileContentError, OSError, MemoryError.
    """
    import numpy as np

    header = read_npy_header(path)
    count = math.prod(header.shape)
    values = np.fromfile(path, header.dtype, count, offset=header.start)
    return values.reshape(header.shape, order="F" if header.fortran else "C")


def read_npy_header(path: Path) -> NpyHeader:
    """The head of a .npy file, which fits its size.

    Raises FileContentError, ForeignFileError, OSError.
    """
    with path.open("rb") as file:
        head = file.read(12)
        if not head.startswith(_NPY):
            raise ForeignFileError("by its content it is no .npy file")
        long = head[6:7] != b"\x01"
        length = int.from_bytes(head[8 : 12 if long else 10], "little")
        start = (12 if long else 10) + length
        if len(head) < 12 or head[6:7] not in (b"\x01", b"\x02", b"\x03") or length > _LONGEST_HEADER:
            raise FileContentError("the head of this .npy file can't be read: save it again with numpy.save")
        file.seek(12 if long else 10)
        fields = _parse_header(file.read(length))
        size = file.seek(0, 2)
    dtype, shape, fortran = (fields.get(name) for name in ("descr", "shape", "fortran_order"))
    if not isinstance(dtype, str) or not _NUMBERS.fullmatch(dtype):
        if dtype == "|O":
            raise ForeignFileError("its values are Python objects")
        raise FileContentError(f"values of type {dtype!r} are not real numbers: save array.astype(float)")
    if not isinstance(shape, tuple) or not all(type(length) is int and length >= 0 for length in shape):
        raise FileContentError("its head has no shape: save it again with numpy.save")
    found, expected = size - start, math.prod(shape) * int(re.sub(r"\D", "", dtype))
    if found != expected:
        raise FileContentError(f"an array of shape {shape} has {expected} bytes, and the file has {found}")
    return NpyHeader(dtype, shape, bool(fortran), start)


def _parse_header(text: bytes) -> dict[str, Any]:
    try:
        with warnings.catch_warnings(action="ignore"):  # of escapes in strings
            fields = ast.literal_eval(text.decode("latin-1").strip())
    except (SyntaxError, ValueError, TypeError, RecursionError, MemoryError) as error:
        raise FileContentError("the head of this .npy file can't be read: save it with numpy.save") from error
    return fields if isinstance(fields, dict) else {}


@frozen
class TensorFile:
    """A .safetensors file of numbers, by the names of its tensors."""

    path: Path

    def shape(self, key: str | None) -> tuple[int, ...]:
        """The shape of the tensor of a name, or of the only one.

        Raises FileContentError unless numpy has its type, OSError.
        """
        with self._open() as file:
            part = file.get_slice(self._name(key, file.keys()))
            if part.get_dtype() not in _TENSORS:
                rule = f"values of type {part.get_dtype()} are none that numpy has: save tensor.float()"
                raise FileContentError(rule)
            return tuple(part.get_shape())

    def read(self, key: str | None) -> np.ndarray:
        """The tensor of a name, or the only one.

        Raises FileContentError, OSError.
        """
        self.shape(key)
        with self._open() as file:
            return file.get_tensor(self._name(key, file.keys()))

    def _name(self, key: str | None, names: list[str]) -> str:
        if key is None and len(names) == 1:
            return names[0]
        if key not in names:
            raise FileContentError(f"key must be one of {sorted(names)}, found {key!r}")
        return key

    def _open(self) -> Any:
        from safetensors import SafetensorError, safe_open

        try:
            return safe_open(self.path, framework="numpy")
        except SafetensorError as error:
            raise ForeignFileError("by its content it is no .safetensors file") from error
