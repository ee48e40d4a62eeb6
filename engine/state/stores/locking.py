"""Waiting for locks, the same over every store: all hosts or none, so that two engines never wait for each other in a ring."""

from __future__ import annotations

import asyncio
from abc import abstractmethod
from collections.abc import AsyncIterator, Callable, Collection, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace

from engine.model.addresses import HostName
from engine.model.values import Value
from engine.state.lock import HeldLock, LockOwner, state_locked
from engine.state.process import is_dead
from engine.state.withhold import withheld

FIRST_LOOK, LONGEST_PAUSE = 0.05, 1.0
"""Seconds between looks at a lock that is waited for: the first, and the longest; each is twice the one before."""
Waiting = Callable[[Sequence[HeldLock]], None]


def told_nobody(held: Sequence[HeldLock]) -> None:
    """Nobody wants to know that one waits."""


class Locking:
    """What a store inherits; it brings `try_lock` and `release`."""

    seals = False

    def hidden(self, value: str | bytes) -> Value:
        return withheld(value)

    @abstractmethod
    async def try_lock(self, hosts: Collection[HostName], owner: LockOwner) -> list[HeldLock]:
        """See StateStore."""

    @abstractmethod
    async def release(self, owner: LockOwner) -> None:
        """See StateStore."""

    def lock(
        self, hosts: Collection[HostName], owner: LockOwner, *, wait: float = 0.0, waiting: Waiting = told_nobody
    ) -> AbstractAsyncContextManager[None]:
        return self._locked(hosts, owner, wait, waiting)

    @asynccontextmanager
    async def _locked(self, hosts: Collection[HostName], owner: LockOwner, wait: float, waiting: Waiting) -> AsyncIterator[None]:
        owner = await self._taken(hosts, owner, wait, waiting)
        try:
            yield
        finally:
            await asyncio.shield(self.release(owner))  # Ctrl-C may come now, too

    async def _taken(self, hosts: Collection[HostName], owner: LockOwner, wait: float, waiting: Waiting) -> LockOwner:
        loop = asyncio.get_running_loop()
        began = loop.time()
        pause, passed, told = FIRST_LOOK, 0.0, False
        while True:
            asking = replace(owner, since=owner.since + passed)
            try:
                held = await self.try_lock(hosts, asking)
            except asyncio.CancelledError:
                await asyncio.shield(self.release(asking))  # the store may have gone on without us
                raise
            if not held:
                return asking
            dead = [each.owner for each in held if is_dead(each.owner.process)]
            if dead or passed >= wait:
                raise state_locked(held, dead, asking.since)
            if not told:
                told = True
                waiting(held)
            await asyncio.sleep(min(pause, wait - passed))
            pause, passed = min(pause * 2, LONGEST_PAUSE), loop.time() - began
