"""The stream of events: numbered in one place, handed to readers in order.

Two kinds of reader. A *listener* is a function called at once (terminal, log): it must be fast. A *queue* is read
by somebody else (the library's async iterator, a web page): it is bounded, and if it must see all, the run waits.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import replace

from engine.clock import Clock
from engine.model.event import Event
from engine.runtime.redact import Redactor

Listener = Callable[[Event], None]


class EventStream:
    """One per run. Masking happens before numbering: a reader cannot see a secret."""

    def __init__(self, clock: Clock, redactor: Redactor) -> None:
        self._clock = clock
        self._redactor = redactor
        self._number = 0
        self._listeners: list[Listener] = []
        self._queues: list[EventQueue] = []

    def listen(self, listener: Listener) -> None:
        self._listeners.append(listener)

    def queue(self, *, bound: int = 1000, may_drop: bool = False) -> EventQueue:
        made = EventQueue(bound, may_drop)
        self._queues.append(made)
        return made

    def publish(self, event: Event) -> None:
        if not self._listeners and not self._queues:
            return
        self._number += 1
        numbered = replace(self._redactor.event(event), number=self._number, at=self._clock.now())
        for listener in self._listeners:
            listener(numbered)
        for queue in self._queues:
            queue.put(numbered)

    async def settle(self) -> None:
        """Wait for readers that must see all and have fallen behind their bound."""
        for queue in self._queues:
            await queue.settled()

    def close(self) -> None:
        for queue in self._queues:
            queue.put(None)


class EventQueue:
    """A bounded reader's end. Iterate it; it ends with the run."""

    def __init__(self, bound: int, may_drop: bool) -> None:
        self._bound = bound
        self._may_drop = may_drop
        self._closed = False
        self._queue: asyncio.Queue[Event | None] = asyncio.Queue()
        self._room = asyncio.Event()
        self._room.set()
        self.dropped = 0

    def put(self, event: Event | None) -> None:
        if self._closed:
            return
        if event is not None and self._queue.qsize() >= self._bound:
            if self._may_drop:
                self.dropped += 1
                return
            self._room.clear()
        self._queue.put_nowait(event)

    async def settled(self) -> None:
        await self._room.wait()

    def close(self) -> None:
        """The reader has gone; the run does not wait for it any more."""
        self._closed = True
        self._room.set()

    async def __aiter__(self) -> AsyncIterator[Event]:
        while True:
            event = await self._queue.get()
            if self._queue.qsize() < self._bound:
                self._room.set()
            if event is None:
                return
            yield event
