"""What filters share: the error they raise, and looking at values."""
from __future__ import annotations

from collections.abc import Mapping
from typing import Any


class FilterError(ValueError):
    """A filter refuses its input; the message is told to the user after the filter's name."""


def is_sequence(value: Any) -> bool:
    """A list or tuple, not text."""
    return isinstance(value, list | tuple)


def as_text(value: Any) -> str:
    """Text of any value, as it would be printed."""
    return value if isinstance(value, str) else str(value)


def kind_of(value: Any) -> str:
    """A value's type in the user's words."""
    for kind in (dict, list, str):
        if isinstance(value, kind):
            return kind.__name__
    return "dict" if isinstance(value, Mapping) else type(value).__name__
