"""Packages that only some functions need, and the extra of flowlab that installs them."""

from __future__ import annotations

import importlib
from typing import Any

from flowlab.api import FlowlabError


class ExtraMissing(FlowlabError):
    """A package that isn't installed; the message names the extra that installs it."""

    exit_code = 2


def require_pandas() -> Any:
    """The module pandas. Raises ExtraMissing."""
    return _require("pandas", "a DataFrame")


def require_pyarrow() -> Any:
    """The module pyarrow. Raises ExtraMissing."""
    return _require("pyarrow", "a parquet file")


def _require(module: str, purpose: str) -> Any:
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise ExtraMissing(f"{purpose} needs {module}: pip install 'flowlab[pandas]'") from error
