"""What a task says by itself of what it manages (`resource: database/app`), where no module of the engine could tell."""
from __future__ import annotations

import re
from typing import Final

INSPECTED: Final = frozenset(
    (
        "authorized_key", "command", "cron", "file", "firewall", "group", "hostname", "iptables", "key", "module", "mount", "package",
        "repository", "service", "sysctl", "timezone", "user",
    )
)
"""Kinds that the engine itself records, or keeps for itself: no task may call what it manages so."""
CHANGES: Final = "changes"
"""All that is known of such a resource: how many changes of it stand. `{"changes": 2}`; where it is absent, None."""
_KIND = re.compile(r"[a-z][a-z0-9_-]*")


def parts_of(text: str) -> tuple[str, str]:
    """Kind and name. ValueError says what is wrong with the text."""
    kind, slash, name = text.strip().partition("/")
    if not slash or not name.strip():
        raise ValueError("`resource` takes a kind and a name, as `database/app`")
    if not _KIND.fullmatch(kind):
        raise ValueError(f"`{kind}` is no kind: kinds are lower-case letters, digits, `_` and `-`")
    if kind in INSPECTED:
        raise ValueError(f"`{kind}` is a kind that the engine looks at by itself")
    return kind, name.strip()


def state_of(changes: int) -> dict[str, int] | None:
    return {CHANGES: changes} if changes > 0 else None
