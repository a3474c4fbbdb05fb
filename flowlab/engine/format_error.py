"""An unforeseen error in one line."""

from __future__ import annotations


def format_error(error: BaseException) -> str:
    """The error's type and message without line breaks."""
    return " ".join(f"{type(error).__name__}: {error}".split()).removesuffix(":")
