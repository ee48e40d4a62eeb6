"""`--output json`: every event as one line of JSON, as it happens. The form is docs/reference/events.md."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from enum import Enum
from typing import Any, TextIO

from engine.callbacks.results import plain
from engine.model.addresses import ResourceAddress, StepAddress
from engine.model.event import Event
from engine.model.source import Span

VERSION = 1
HIDDEN = frozenset(("changes", "around", "origin", "of_task", "by_module"))
"""Fields that other readers need, and that the form does not have."""


class JsonLines:
    """Flushes each line: somebody may be following."""

    def __init__(self, out: TextIO) -> None:
        self._out = out

    def __call__(self, event: Event) -> None:
        self._out.write(json.dumps(event_dict(event), ensure_ascii=True) + "\n")
        self._out.flush()


def event_dict(event: Event) -> dict[str, Any]:
    """The event by field name, with `event` (its kind) and `version` first."""
    return {
        "version": VERSION,
        "event": type(event).__name__,
        **{f.name: data_of(getattr(event, f.name)) for f in dataclasses.fields(event)},
    }


def data_of(value: Any) -> Any:
    if isinstance(value, StepAddress | ResourceAddress | Span):
        return str(value)
    if isinstance(value, Enum):
        return value.value
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: data_of(getattr(value, f.name)) for f in dataclasses.fields(value) if f.name not in HIDDEN}
    if isinstance(value, list | tuple):
        return [data_of(each) for each in value]
    if isinstance(value, Mapping):
        return plain(value)
    return plain(value)
