"""The line to one target: a session of it, and another one where the connection is lost in the middle of a task."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, TypeVar

from engine.clock import Clock
from engine.connections.pool import Pool
from engine.connections.target import ExecutionTarget
from engine.errors import ConnectError
from engine.model.event import ProblemFound
from engine.model.problem import Problem, Severity

if TYPE_CHECKING:
    from engine.connections.session import AgentSession
    from engine.runtime.context import PlayContext

Said = TypeVar("Said")
Work = Callable[["AgentSession", "AgentSession | None"], Awaitable[Said]]
"""What is done over a session; the second one is given where it was begun over that before, and lost."""
PASSING = frozenset(("connection-lost", "unreachable", "proxy-failed"))
"""Problems that may be over in a moment. A login that is refused, or another host key, is not."""
PAUSE = 1.0
"""Seconds between two attempts."""


class Line:
    """Waits for a lost host as long as `seconds` says, from the moment of the loss; 0: not at all."""

    def __init__(self, pool: Pool, target: ExecutionTarget, clock: Clock, seconds: float, tell: Callable[[Problem], None]) -> None:
        self.pool = pool
        self.target = target
        self._clock = clock
        self._seconds = seconds
        self._tell = tell

    async def over(self, work: Work[Said]) -> Said:
        """Do `work`, again where the connection is lost and comes back in time.

        Raises:
            ConnectError: it did not come back, or was never there.
        """
        lost: AgentSession | None = None
        began, until = self._clock.monotonic(), 0.0
        while True:
            known = bool(until) or self.pool.was_open(self.target)
            session: AgentSession | None = None
            try:
                async with self.pool.session(self.target) as session:
                    if until:
                        self._tell(self._back(self._clock.monotonic() - began))
                        until = 0.0
                    return await work(session, lost)
            except ConnectError as error:
                now = self._clock.monotonic()
                lost = session or lost
                if error.problem.code not in PASSING or not self._seconds or not (known or session) or self.pool.closed:
                    raise
                if not until:
                    began, until = now, now + self._seconds
                    self._tell(self._gone(error))
                elif now >= until:
                    raise
            await self._clock.sleep(PAUSE)

    def _gone(self, error: ConnectError) -> Problem:
        detail = error.problem.detail or self.target.host
        hint = f"it is tried for {self._seconds:g} s (ssh.reconnect); what runs on the host goes on meanwhile"
        summary = "A connection was lost, and is made anew"
        return Problem(code="reconnecting", summary=summary, detail=detail, severity=Severity.NOTICE, hint=hint)

    def _back(self, seconds: float) -> Problem:
        detail = f"{self.target.host}: after {seconds:.0f} s"
        return Problem(code="reconnected", summary="A lost connection is back", detail=detail, severity=Severity.NOTICE)


def line_to(play: PlayContext, target: ExecutionTarget) -> Line:
    """The line of a task. ansible-core gives a host up at once, and so is it under `compat = ansible`."""
    seconds = 0.0 if play.settings.run.compat == "ansible" else play.settings.ssh.reconnect
    return Line(play.pool, target, play.clock, seconds, lambda problem: play.events.publish(ProblemFound(problem=problem)))
