"""How a task's result looks in Ansible's format: what is left out, and how values become JSON text."""

from __future__ import annotations

import datetime
import json
from collections.abc import Mapping
from typing import Any

from engine.model.outcome import Status, TaskOutcome
from engine.model.values import EncryptedText, Value

INTERNAL = ("diff", "exception", "invocation")
"""Values of a result that are not shown with it, at low verbosity."""
LINES = ("stdout", "stderr")


def shown_values(outcome: TaskOutcome, verbosity: int) -> dict[str, Value]:
    """What stands behind `=>`: the registered values without what is said elsewhere."""
    values = dict(outcome.registered) if outcome.registered else dict(outcome.result.values)
    if outcome.no_log:
        return {"censored": outcome.result.values.get("censored", ""), "changed": outcome.result.changed}
    values["changed"] = outcome.result.changed
    for name in [name for name in values if name in INTERNAL and verbosity < 3] + ["failed", "failed_when_result"]:
        if name != "failed_when_result" or outcome.status is not Status.FAILED:
            values.pop(name, None)
    if outcome.looped:
        values.pop("results", None)
    for name in [name for name in values if name.startswith("_ansible_")]:
        del values[name]
    values.pop("warnings", None)
    return values


def as_json(values: Value, *, indent: int | None = None) -> str:
    """Sorted by key where it can be; what JSON does not know becomes text."""
    text = json.dumps(plain(values), indent=indent, sort_keys=True, ensure_ascii=False)
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def plain(value: Any) -> Any:
    """Only what JSON knows, with text for keys; deep."""
    if isinstance(value, Mapping):
        return {key if isinstance(key, str) else as_key(key): plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(each) for each in value]
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, str):
        return str(value)
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    if isinstance(value, datetime.date | datetime.datetime):
        return value.isoformat()
    if isinstance(value, EncryptedText):
        return "<encrypted>"
    return str(value)


def as_key(key: Any) -> str:
    return "null" if key is None else "true" if key is True else "false" if key is False else str(key)
