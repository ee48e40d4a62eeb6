"""The beginning of something that must not be done twice: noted before it is sent, and asked for first where a run is gone on with."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from engine.connections.target import AgentReply
from engine.errors import InDoubt
from engine.model.problem import Problem
from engine.runtime.replay import Doubt

if TYPE_CHECKING:
    from engine.connections.session import AgentSession

SKIPPED = "it was in doubt, and resume was told to take it as done"


class Beginning:
    """Of one task (or item) on one host."""

    def __init__(
        self, run: str, key: str, note: Callable[[], Awaitable[None]], doubt: Doubt | None, *, rerun: bool = False, skip: bool = False
    ) -> None:
        """
        Args:
            key: names it within the run.
            note: writes it into the journal.
            doubt: it was begun before, and its end is not known.
            rerun: what is in doubt is done again.
            skip: what is in doubt is taken as done.
        """
        self.keep = (run, key)
        self._note = note
        self._doubt = doubt
        self._rerun = rerun
        self._skip = skip
        self._done = False

    async def begin(self, session: AgentSession | None) -> AgentReply | None:
        """Called before it is sent, over this session (None: without an agent). A reply: it is not to be sent, that is what came of it.

        Raises:
            InDoubt: nobody knows what came of it, and nobody has said what to do then.
        """
        if self._done:
            return None
        self._done = True
        if self._doubt is not None:
            kept = await session.kept(self.keep) if session is not None else None
            if kept is not None:
                return kept
            if self._skip:
                return AgentReply(result={"changed": True, "msg": SKIPPED})
            if not self._rerun:
                raise in_doubt(self._doubt)
        await self._note()
        return None


def in_doubt(doubt: Doubt) -> InDoubt:
    item = f" (item {doubt.item + 1} of its loop)" if doubt.item is not None else ""
    return InDoubt(
        Problem(
            code="in-doubt",
            summary="Something was begun when the run broke off, and nobody knows whether it was done",
            detail=f"{doubt.host}: {doubt.what}{item}",
            hint="look at the host; then `engine resume --rerun` does it again, --skip takes it as done",
        )
    )
