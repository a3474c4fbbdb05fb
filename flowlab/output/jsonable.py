"""Values reduced to what JSON and TOML can hold."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any


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


def to_json(content: Any) -> str:
    """JSON for files and for `--json`."""
    return json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False)
