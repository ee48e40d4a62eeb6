"""Names that ansible-core keeps for its own tests (`ansible._protomatter.…`): its integration targets look at values with them.

Only what those targets need of the language, and what means the same here. Nobody's playbooks use them.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from typing import Any

from engine.model.source import NOWHERE
from engine.model.values import TemplateText
from engine.templating.lazy import Revealed, Stamped, plain

PREFIX = "ansible._protomatter."

TAGS = ("Origin", "TrustedAsTemplate", "VaultedValue")
"""The marks that values carry here, by the names that ansible-core gives them."""


def finalize(value: Any) -> Any:
    """A value as a task would get it: nothing lazy left."""
    return plain(value)


def origin(value: Any) -> str | None:
    """Where a value was written, as file:line:column, or what it was read from; None where nothing keeps it."""
    if isinstance(value, Stamped):
        return value.origin
    span = value.span if isinstance(value, TemplateText) else value.envelope.span if isinstance(value, Revealed) else NOWHERE
    return None if span is NOWHERE else str(span)


def tag_names(value: Any) -> list[str]:
    """The marks of a value, sorted."""
    carried = (origin(value) is not None, isinstance(value, TemplateText), isinstance(value, Revealed))
    return [name for name, there in zip(TAGS, carried, strict=True) if there]


def tagged(value: Any) -> bool:
    return bool(tag_names(value))


def tagged_with(value: Any, name: str) -> bool:
    """Does the value carry that mark? `VaultedValue`: it is encrypted, and opened when it is used."""
    if name not in TAGS:
        raise ValueError(f"Unknown tag name {name!r}.")
    return name in tag_names(value)


def python_literal_eval(value: Any, ignore_errors: bool = False) -> Any:
    """The value of a Python literal; with `ignore_errors` the text itself where it is none."""
    try:
        return ast.literal_eval(value)
    except (ValueError, SyntaxError):
        if ignore_errors:
            return value
        raise


FILTERS: Mapping[str, Callable[..., Any]] = {
    f"{PREFIX}{each.__name__}": each for each in (finalize, origin, tag_names, python_literal_eval)
}
TESTS: Mapping[str, Callable[..., Any]] = {f"{PREFIX}{each.__name__}": each for each in (tagged, tagged_with)}
