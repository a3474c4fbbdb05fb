"""Values reduced to what JSON, TOML and file names can hold."""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

_LONGEST = 200  # bytes of a file's name, which may grow an ending and the like; file systems take 255


def to_jsonable(value: Any) -> Any:
    """Numbers, strings, lists and dicts; nan and inf become None, arrays become lists."""
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(key): to_jsonable(item) for key, item in value.items()}
    if hasattr(value, "tolist"):
        return to_jsonable(value.tolist())
    if isinstance(value, Sequence | set | frozenset):
        return [to_jsonable(item) for item in value]
    return str(value)


def drop_none(value: Any) -> Any:
    """The same without what TOML can't hold."""
    if isinstance(value, Mapping):
        return {key: drop_none(item) for key, item in value.items() if item is not None}
    if isinstance(value, list):
        return [drop_none(item) for item in value if item is not None]
    return value


def format_utc(moment: datetime) -> str:
    """A moment of UTC as people write it."""
    return f"{moment.day} {moment:%B %Y, %H:%M} UTC"


def to_file_name(text: str) -> str:
    """A name that any file system takes and that can't leave its folder; one too long ends in a digest."""
    name = re.sub(r"[^\w.=,+-]+", "_", text).strip("._") or "_"
    if len(name.encode()) <= _LONGEST:
        return name
    cut = name.encode()[: _LONGEST - 13].decode(errors="ignore")
    return f"{cut}-{hashlib.sha256(text.encode()).hexdigest()[:12]}"


def distinct_names(names: Iterable[str]) -> list[str]:
    """The names, numbered where they would meet on a file system that ignores case."""
    seen: set[str] = set()
    result = []
    for name in names:
        unique, count = name, 1
        while unique.casefold() in seen:
            count += 1
            unique = f"{name}-{count}"
        seen.add(unique.casefold())
        result.append(unique)
    return result


def to_json(content: Any) -> str:
    """JSON for files and for `--json`."""
    return json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False)
