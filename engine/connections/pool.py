"""The pool: one live agent for each target, opened once, shared by all that ask, found again by the next task.

An elevated target (become) is not a connection of its own: its agent is started by the plain one and relayed over the same channel.
A failure is never kept: the next caller tries anew. A session that was lost is replaced when it is next asked for.
"""
from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable, Mapping
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from engine.connections.base import Transport
from engine.connections.no_agent import RawResult, run_raw
from engine.connections.target import ExecutionTarget
from engine.errors import ConnectError
from engine.model.frozen import frozen
from engine.model.problem import Problem

if TYPE_CHECKING:
    from engine.connections.session import AgentSession

OPEN_LIMIT = 64
"""Sessions that may be opening at a time: more only wait for one another's key exchange on the controller's CPU."""

IDLE_SECONDS = 15 * 60.0
"""After this long without a task a session is closed, unless the pool is told otherwise."""

ALIASES = {"smart": "ssh", "paramiko": "ssh", "paramiko_ssh": "ssh"}
"""Names of connections that Ansible has and that are SSH here."""

CLOSE_LIMIT = 0.02
"""Seconds that local agents get to end when the pool closes; SSH connections are dropped at once."""


@frozen(kw_only=True)
class PoolStats:
    """Counters since the pool was made, and its state now."""

    total: int = 0
    """Sessions that exist."""
    available: int = 0
    """Of these, in nobody's hands."""
    in_use: int = 0
    total_acquires: int = 0
    failed_acquires: int = 0
    avg_acquire_time_ms: float = 0.0
    """Mean time until a session was there, hits included."""
    pool_hit_rate: float = 0.0
    """Share of acquires that found a live session, 0 to 1."""
    peak_utilization: float = 0.0
    """Largest share of the existing sessions that were in use at one time, 0 to 1."""


@runtime_checkable
class Connected(Protocol):
    """A transport that keeps connections between sessions."""

    def forget(self, target: ExecutionTarget) -> None: ...


class Entry:
    """One target's session, being opened or open."""

    __slots__ = ("expected", "last_used", "opening", "users")

    def __init__(self, opening: asyncio.Task[AgentSession], *, expected: bool = False) -> None:
        self.opening = opening
        self.expected = expected
        """Opened before anybody asked; a failure waits for the first who does, so that no login is tried twice."""
        self.users = 0
        self.last_used = time.monotonic()

    @property
    def session(self) -> AgentSession | None:
        """The session where it is open and alive."""
        opening = self.opening
        if not opening.done() or opening.cancelled() or opening.exception() is not None:
            return None
        session = opening.result()
        return session if session.alive else None


    @property
    def broken(self) -> bool:
        """Is it a session that was open, and is lost?"""
        opening = self.opening
        return opening.done() and not opening.cancelled() and opening.exception() is None and not opening.result().alive


class Pool:
    """Owned by one engine and one event loop; `close` ends it.

    ```python
    async with pool.session(target) as session:
        reply = await session.call("engine.modules.builtin.ping", {})
    ```
    """

    def __init__(
        self,
        transports: Mapping[str, Transport] | None = None,
        *,
        on_problem: Callable[[Problem], None] | None = None,
        open_limit: int = OPEN_LIMIT,
        idle_seconds: float = IDLE_SECONDS,
    ) -> None:
        """
        Args:
            transports: By name; None: `ssh` and `local`.
            on_problem: Is told notices of the transports, each once.
            open_limit: Sessions that may be opening at a time.
            idle_seconds: Age since the last use at which a session is closed; 0: never.
        """
        self.transports = dict(default_transports(on_problem) if transports is None else transports)
        self.entries: dict[ExecutionTarget, Entry] = {}
        self.opening = asyncio.Semaphore(open_limit)
        self.idle_seconds = idle_seconds
        self.counts = Counts()
        self.sweeper: asyncio.TimerHandle | None = None
        self.closing: set[asyncio.Task[None]] = set()
        self.closed = False

    @contextlib.asynccontextmanager
    async def session(self, target: ExecutionTarget) -> AsyncIterator[AgentSession]:
        """A live session of `target`, for as long as the block lasts.

        Raises:
            ConnectError: the host cannot be reached, or become is refused.
            AgentError: the agent cannot start there.
        """
        began = time.perf_counter()
        entry = self.entries.get(target)
        session = entry.session if entry is not None else None
        hit = session is not None
        try:
            if entry is None or session is None:
                entry, session = await self.acquire(target)
        except BaseException:
            self.counts.acquired(time.perf_counter() - began, hit=False, failed=True)
            raise
        entry.users += 1
        self.counts.acquired(time.perf_counter() - began, hit=hit, failed=False)
        if entry.users == 1:
            self.counts.taken(len(self.entries))
        try:
            yield session
        finally:
            entry.users -= 1
            if not entry.users:
                self.counts.in_use -= 1
            entry.last_used = time.monotonic()

    def was_open(self, target: ExecutionTarget) -> bool:
        """Was there a connection to the target's machine, and is it lost since?"""
        own = self.entries.get(target)
        if own is not None and own.session is not None and not own.broken:
            return False
        near = [(each, entry) for each, entry in self.entries.items() if each.host == target.host and entry.broken]
        return bool(near) and any(each.plain() == target.plain() for each, _ in near)

    def expect(self, target: ExecutionTarget) -> None:
        """Begin to open a session that will be wanted soon. Whoever asks for it first waits for it, or is told why there is none."""
        if self.closed or target in self.entries:
            return
        opening = asyncio.create_task(self.open(target), name=f"session of {target.host}, expected")
        opening.add_done_callback(lambda task: task.cancelled() or task.exception())   # it may be that nobody ever asks
        self.entries[target] = Entry(opening, expected=True)
        self.sweep_later()

    async def raw(self, target: ExecutionTarget, command: str) -> RawResult:
        """Run a shell line on the target without an agent and without Python there; become is honoured where sudo or su can do it so.

        Raises:
            ConnectError: the host cannot be reached, or become is refused.
        """
        return await run_raw(self.transport(target), target, command)

    async def forget(self, target: ExecutionTarget) -> None:
        """Drop what `target` stands on: its agents, elevated or not, and its connection (`meta: reset_connection`)."""
        plain = target.plain()
        for each in [each for each in self.entries if each.plain() == plain]:
            await self.drop(self.entries.pop(each))
        transport = self.transport(plain)
        if isinstance(transport, Connected):
            transport.forget(plain)

    async def close(self) -> None:
        """End every session and connection now. Calls that are running fail with `connection-lost`."""
        self.closed = True
        if self.sweeper is not None:
            self.sweeper.cancel()
        entries = list(self.entries.values())
        self.entries.clear()
        for entry in entries:
            if entry.session is not None:
                entry.session.goodbye()
            entry.opening.cancel()
        for transport in self.transports.values():
            await transport.close()
        ends = [asyncio.ensure_future(entry.opening.result().close()) for entry in entries if entry.session is not None]
        pending = [*ends, *self.closing, *(entry.opening for entry in entries if not entry.opening.done())]
        if pending:
            _, unfinished = await asyncio.wait(pending, timeout=CLOSE_LIMIT)
            for task in unfinished:
                task.cancel()
            await asyncio.gather(*pending, return_exceptions=True)  # whatever they end with: everything is being dropped

    @property
    def stats(self) -> PoolStats:
        return self.counts.stats(total=sum(1 for entry in self.entries.values() if entry.session is not None))

    # How a session comes to be.

    async def acquire(self, target: ExecutionTarget) -> tuple[Entry, AgentSession]:
        """The entry of `target` with its session open; the first caller opens, the others wait with it."""
        if self.closed:
            raise ending(target)
        entry = self.entries.get(target)
        if entry is None or (entry.opening.done() and entry.session is None and not entry.expected):
            entry = Entry(asyncio.create_task(self.open(target), name=f"session of {target.host}"))
            self.entries[target] = entry
            self.sweep_later()
        entry.expected = False
        try:
            return entry, await asyncio.shield(entry.opening)
        except BaseException as error:
            if entry.opening.done() and entry.session is None and self.entries.get(target) is entry:
                del self.entries[target]
            if isinstance(error, asyncio.CancelledError) and entry.opening.cancelled() and not is_cancelled():
                raise ending(target) from None
            raise

    async def open(self, target: ExecutionTarget) -> AgentSession:
        if target.become is not None:
            _, plain = await self.acquire(target.plain())
            return await plain.elevate(target.become)
        from engine.connections import bootstrap

        transport = self.transport(target)
        async with self.opening:
            channel = await transport.open(target, bootstrap.command_line(target))
            return await bootstrap.start(channel, target)

    def transport(self, target: ExecutionTarget) -> Transport:
        """The transport `target` names.

        Raises:
            ConnectError: `unknown-connection`.
        """
        name = target.transport.rpartition(".")[2]
        found = self.transports.get(ALIASES.get(name, name))
        if found is None:
            known = ", ".join(sorted({*self.transports, *ALIASES}))
            detail = f"{target.host}: `{target.transport}`"
            hint = f"ansible_connection is one of: {known}"
            words = f"the connection plugin '{target.transport}' was not found"
            problem = Problem(code="unknown-connection", summary="There is no such connection", detail=detail, hint=hint, words=words)
            raise ConnectError(problem)
        return found

    # How a session ends.

    async def drop(self, entry: Entry) -> None:
        session = entry.session
        entry.opening.cancel()
        if session is not None:
            await session.close()

    def sweep_later(self) -> None:
        if self.idle_seconds and self.sweeper is None and not self.closed:
            self.sweeper = asyncio.get_running_loop().call_later(self.idle_seconds / 2, self.sweep)

    def sweep(self) -> None:
        """Close sessions nobody used for long. A plain session that carries an elevated one in use stays."""
        self.sweeper = None
        before = time.monotonic() - self.idle_seconds
        carrying = {target.plain() for target, entry in self.entries.items() if target.become and (entry.users or entry.last_used > before)}
        for target, entry in list(self.entries.items()):
            if entry.opening.done() and not entry.users and entry.last_used <= before and target not in carrying:
                del self.entries[target]
                ending = asyncio.create_task(self.drop(entry))
                self.closing.add(ending)
                ending.add_done_callback(self.closing.discard)
        if self.entries:
            self.sweep_later()


class Counts:
    """What `PoolStats` is made of."""

    def __init__(self) -> None:
        self.acquires = self.failures = self.hits = self.in_use = 0
        self.seconds = self.peak = 0.0

    def acquired(self, seconds: float, *, hit: bool, failed: bool) -> None:
        self.acquires += 1
        self.hits += hit
        self.failures += failed
        self.seconds += seconds

    def taken(self, total: int) -> None:
        """A session nobody had came into use; `total` exist."""
        self.in_use += 1
        self.peak = max(self.peak, self.in_use / total if total else 0.0)

    def stats(self, *, total: int) -> PoolStats:
        acquires, in_use = self.acquires, min(self.in_use, total)
        return PoolStats(
            total=total,
            available=total - in_use,
            in_use=in_use,
            total_acquires=acquires,
            failed_acquires=self.failures,
            avg_acquire_time_ms=self.seconds / acquires * 1000 if acquires else 0.0,
            pool_hit_rate=self.hits / acquires if acquires else 0.0,
            peak_utilization=self.peak,
        )


def is_cancelled() -> bool:
    """Whether it is this task that is cancelled, not the one it waits for."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


def ending(target: ExecutionTarget) -> ConnectError:
    """For whoever still waits for a session that was dropped while it opened."""
    detail = f"{target.host}: it was dropped while it was opened"
    return ConnectError(Problem(code="connection-lost", summary="The connection was lost", detail=detail))


def default_transports(on_problem: Callable[[Problem], None] | None) -> dict[str, Transport]:
    from engine.connections.local import LocalTransport
    from engine.connections.ssh import SshTransport

    return {"ssh": SshTransport(on_problem=on_problem), "local": LocalTransport()}
