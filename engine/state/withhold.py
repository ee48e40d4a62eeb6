"""Secrets are not kept: a digest stands for them, enough to see whether they are still the same.

A resource can be taken back all the same if the secret in it did not change: it is then still on the host.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from engine.errors import StateError
from engine.model.problem import Problem
from engine.model.values import Value
from engine.state.encode import WITHHELD, Withheld, digest_of
from engine.state.record import HOLDS_SECRET


def withheld(value: str | bytes) -> Withheld:
    """What stands for a secret."""
    return Withheld({WITHHELD: digest_of(value if isinstance(value, bytes) else value.encode("utf-8", "surrogateescape"))})


NEVER_SECRET = frozenset((int, bool, float, type(None)))
SEALED = "$sealed"
"""Stands for a secret that was encrypted: `{"$sealed": "what:digest:token"}` (stores/sealed.py)."""
MARKS = (f'"{WITHHELD}"', f'"{SEALED}"', HOLDS_SECRET)
"""What stands in the text of records that had to do with secrets."""


def is_sealed_value(value: Value) -> bool:
    return isinstance(value, Mapping) and set(value) == {SEALED}


def is_withheld(value: Value) -> bool:
    return isinstance(value, Mapping) and set(value) == {WITHHELD}


def without_secrets(
    state: Value, is_secret: Callable[[str, str | bytes], bool], hidden: Callable[[str | bytes], Value] = withheld
) -> Value:
    """The state with what `is_secret(key, value)` says replaced by `hidden(value)`; `key` is the nearest mapping key above."""

    def visit(key: str, value: Value) -> Value:
        if type(value) in NEVER_SECRET:
            return value
        if isinstance(value, str | bytes):
            return hidden(value) if value and is_secret(key, value) else value
        if isinstance(value, dict | Mapping):
            return {name: visit(str(name), each) for name, each in value.items()}
        if isinstance(value, list | tuple):
            return [visit(key, each) for each in value]
        return value

    return visit("", state)


def recoverable(before: Value, after: Value) -> bool:
    """Is every secret of `before` still in `after`, so that nothing is needed that was not kept?"""
    if type(before) in NEVER_SECRET or isinstance(before, str):
        return True
    if is_withheld(before):
        return bool(before == after)
    if isinstance(before, Mapping):
        others: Mapping[str, Any] = after if isinstance(after, Mapping) else {}
        return all(recoverable(each, others.get(name)) for name, each in before.items())
    if isinstance(before, list | tuple):
        same_length = isinstance(after, list | tuple) and len(after) == len(before)
        return all(recoverable(each, after[at] if same_length else None) for at, each in enumerate(before))
    return True


def like(recorded: Value, now: Value) -> Value:
    """`now`, with what was withheld from `recorded` withheld too, so that both can be compared."""
    if isinstance(now, Withheld):
        return now
    if is_withheld(recorded) and isinstance(now, str | bytes):
        return withheld(now)
    if isinstance(recorded, Mapping) and isinstance(now, Mapping):
        return {key: like(recorded.get(key), each) for key, each in now.items()}
    if isinstance(recorded, list) and isinstance(now, list) and len(recorded) == len(now):
        return [like(one, other) for one, other in zip(recorded, now, strict=True)]
    return now


def filled(recorded: Value, now: Value) -> Value:
    """`recorded`, with what was withheld taken from `now`, where it is the same secret.

    Raises:
        StateError: `secret-not-kept`: it is another one by now.
    """
    if is_withheld(recorded):
        if isinstance(now, str | bytes) and withheld(now) == recorded:
            return now
        summary = "A secret that a rollback needs was not kept, and the host holds another one by now"
        raise StateError(Problem(code="secret-not-kept", summary=summary, hint="set it by hand, or run the playbook that sets it"))
    if isinstance(recorded, Mapping):
        present: Mapping[str, Any] = now if isinstance(now, Mapping) else {}
        return {key: filled(each, present.get(key)) for key, each in recorded.items()}
    if isinstance(recorded, list):
        same_length = isinstance(now, list) and len(now) == len(recorded)
        return [filled(each, now[at] if same_length else None) for at, each in enumerate(recorded)]
    return recorded
