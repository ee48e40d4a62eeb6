"""Readers of the event stream. A listener is a function of one event; it must be quick and must not fail."""

from __future__ import annotations

from typing import Protocol

from engine.model.event import Event


class Listener(Protocol):
    def __call__(self, event: Event) -> None: ...
