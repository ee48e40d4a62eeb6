"""The beginning of something that changes a host: named, so that its answer can be asked for where the connection or the controller goes.

What must not be done twice (a command) is noted in the journal before it is sent, and asked for first where a run is gone on with. What
has an identity is sent with the question: its agent asks an earlier one, and does it where nobody has the answer.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from engine.connections.target import AgentReply, Keep
from engine.errors import ConnectError, InDoubt
from engine.model.addresses import HostName
from engine.model.invocation import TaskInvocation
from engine.model.problem import Problem
from engine.plan.step import Step
from engine.playbook.names import short
from engine.runtime.dispatch import Handler
from engine.runtime.recorder import CONTROLLER_ONLY
from engine.runtime.replay import READS, Doubt, repeatable

if TYPE_CHECKING:
    from engine.connections.session import AgentSession
    from engine.runtime.context import PlayContext

SKIPPED = "it was in doubt, and resume was told to take it as done"
DECIDE = "look at the host; then `engine resume --rerun` does it again, --skip takes it as done"


class Beginning:
    """Of one task (or item) on one host; it may make several calls."""

    def __init__(
        self,
        run: str,
        host: HostName,
        task: str,
        note: Callable[[], Awaitable[None]] | None = None,
        doubt: Doubt | None = None,
        *,
        what: str = "",
        asks: bool = False,
        rerun: bool = False,
        skip: bool = False,
    ) -> None:
        """
        Args:
            task: names it within the run, on this host.
            note: writes it into the journal; None: doing it twice is doing it once.
            doubt: it was begun before, and its end is not known.
            what: it, in words.
            asks: it may have been begun before: a run is gone on with.
            rerun: what is in doubt is done again.
            skip: what is in doubt is taken as done.
        """
        self._name = (run, host, task)
        self._note = note
        self._doubt = doubt
        self._what = what
        self.asks = asks
        self._rerun = rerun
        self._skip = skip
        self._done = note is None
        self._calls = 0

    @property
    def repeatable(self) -> bool:
        return self._note is None

    def next(self) -> Sending:
        """The next call of the task."""
        self._calls += 1
        return Sending(self, (*self._name, self._calls))

    async def begin(self, session: AgentSession | None, keep: Keep) -> AgentReply | None:
        """Called before it is sent, over this session (None: without an agent). A reply: it is not to be sent, that is what came of it.

        Raises:
            InDoubt: nobody knows what came of it, and nobody has said what to do then.
        """
        if self._done:
            return None
        self._done = True
        if self._doubt is not None:
            kept = (await session.kept(keep))[1] if session is not None else None
            if kept is not None:
                return kept
            if self._skip:
                return AgentReply(result={"changed": True, "msg": SKIPPED})
            if not self._rerun:
                raise in_doubt(self._doubt)
        assert self._note is not None
        await self._note()
        return None

    def lost(self) -> ConnectError:
        """The connection is back, and what came of it is not known."""
        detail = f"{self._name[1]}: {self._what}"
        summary = "The connection was lost in the middle of something, and nobody knows whether it was done"
        return ConnectError(Problem(code="lost-in-doubt", summary=summary, detail=detail, hint=DECIDE))


class Sending:
    """One call of a beginning, over one session or, where that is lost, several."""

    def __init__(self, beginning: Beginning, keep: Keep) -> None:
        self.keep = keep
        self._beginning = beginning
        self._asks = beginning.asks
        self._fence: list[int] = []

    async def known(self, session: AgentSession, lost: AgentSession | None) -> AgentReply | None:
        """What came of it already; None: it is to be sent. `lost`: the session over which it was sent before.

        Raises:
            InDoubt: see `Beginning.begin`.
            ConnectError: `lost-in-doubt`.
        """
        if lost is None:
            again = self._asks and not self._beginning.repeatable and self.keep[3] > 1
            return (await session.kept(self.keep))[1] if again else await self._beginning.begin(session, self.keep)
        self._fence.append(int(lost.hello.get("pid", 0)))
        if self._beginning.repeatable:
            self._asks = True
            return None
        state, reply = await session.kept(self.keep, self._fence)
        if reply is None and state != "never":
            raise self._beginning.lost()
        return reply

    @property
    def options(self) -> dict[str, Any]:
        """For the call."""
        return {"keep": self.keep, "asks": self._asks and self._beginning.repeatable, "fence": self._fence}


def beginning(
    play: PlayContext, step: Step, host: HostName, index: int | None, name: str, handler: Handler, invocation: TaskInvocation
) -> Beginning | None:
    """Of a task (or item); None for what changes nothing."""
    plain = short(handler.name)
    if plain in READS or plain in CONTROLLER_ONLY or not handler.connects:
        return None
    run = play.run
    replay = run.replay
    place = ".".join(map(str, step.key))
    ends = run.passages[host, place] + (replay.failures(step, host, index) if replay is not None else 0)
    task = f"{place} {'' if index is None else index} {ends}"
    asks = replay is not None
    if repeatable(handler, invocation.args):
        return Beginning(run.run, host, task, asks=asks)
    what = in_words(name, invocation)[:500]
    note = partial(run.recorder.begun, step, host, index, what)
    if replay is None:
        return Beginning(run.run, host, task, note, what=what)
    doubt = replay.doubt(step, host, index)
    return Beginning(run.run, host, task, note, doubt, what=what, asks=doubt is not None, rerun=replay.rerun, skip=replay.skip)


def in_words(name: str, invocation: TaskInvocation) -> str:
    said = next((invocation.args[each] for each in ("_raw_params", "cmd", "argv", "free_form") if invocation.args.get(each)), "")
    words = " ".join(map(str, said)) if isinstance(said, list) else str(said)
    return name if invocation.no_log or not words else f"{invocation.action} {words}"


def in_doubt(doubt: Doubt) -> InDoubt:
    item = f" (item {doubt.item + 1} of its loop)" if doubt.item is not None else ""
    return InDoubt(
        Problem(
            code="in-doubt",
            summary="Something was begun when the run broke off, and nobody knows whether it was done",
            detail=f"{doubt.host}: {doubt.what}{item}",
            hint=DECIDE,
        )
    )
