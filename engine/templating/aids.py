"""Names that ansible-core keeps for its own tests (`ansible._protomatter.…`): its integration targets look at values with them.

Only what those targets need of the language, and what means the same here. Nobody's playbooks use them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from engine.model.values import EncryptedText
from engine.templating.lazy import plain

PREFIX = "ansible._protomatter."


def finalize(value: Any) -> Any:
    """A value as a task would get it: nothing lazy left."""
    return plain(value)


def tagged_with(value: Any, name: str) -> bool:
    """Does the value carry that mark? `VaultedValue`: it is encrypted, and opened when it is used."""
    if name == "VaultedValue":
        return isinstance(value, EncryptedText)
    raise ValueError(f"{name!r} is a mark that values do not carry here")


FILTERS: Mapping[str, Callable[..., Any]] = {f"{PREFIX}finalize": finalize}
TESTS: Mapping[str, Callable[..., Any]] = {f"{PREFIX}tagged_with": tagged_with}
