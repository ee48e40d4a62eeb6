"""A connection that is lost in the middle of a task: when it is made anew, for how long, and what is told."""
from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from engine.clock import FakeClock
from engine.connections.target import ExecutionTarget
from engine.errors import ConnectError
from engine.model.problem import Problem
from engine.runtime.line import Line

GOOD = ""


def broken(code: str) -> ConnectError:
    return ConnectError(Problem(code=code, summary="", detail=code))


class Fated:
    """A pool whose attempts to open end as is written: "" opens a session, else it is refused with that code; the last one for ever."""

    def __init__(self, *fates: str, was_open: bool = False) -> None:
        self.fates = list(fates)
        self.open_before = was_open
        self.closed = False

    def was_open(self, target: ExecutionTarget) -> bool:
        return self.open_before

    @asynccontextmanager
    async def session(self, target: ExecutionTarget) -> AsyncIterator[str]:
        fate = self.fates.pop(0) if len(self.fates) > 1 else self.fates[0]
        if fate:
            raise broken(fate)
        yield f"session {len(self.fates)}"


class Work:
    """Is done in the attempt after as many losses."""

    def __init__(self, losses: int, code: str = "connection-lost") -> None:
        self.losses = losses
        self.code = code
        self.calls: list[tuple[Any, Any]] = []

    async def __call__(self, session: Any, lost: Any) -> str:
        self.calls.append((session, lost))
        if len(self.calls) <= self.losses:
            raise broken(self.code)
        return "done"


CASES = [
    # what                                           pool                                                  work      seconds  ends in             told
    ("all is well",                                  Fated(GOOD),                                          Work(0),  60,      "done",             []),
    ("lost and back",                                Fated(GOOD, "unreachable", "unreachable", GOOD),      Work(1),  60,      "done",             ["reconnecting", "reconnected"]),
    ("lost twice",                                   Fated(GOOD),                                          Work(2),  60,      "done",             ["reconnecting", "reconnected"] * 2),
    ("lost, and away for too long",                  Fated(GOOD, "unreachable"),                           Work(1),  60,      "unreachable",      ["reconnecting"]),
    ("not to be made anew",                          Fated(GOOD),                                          Work(1),  0,       "connection-lost",  []),
    ("never there",                                  Fated("unreachable"),                                 Work(0),  60,      "unreachable",      []),
    ("lost between two tasks",                       Fated("unreachable", GOOD, was_open=True),            Work(0),  60,      "done",             ["reconnecting", "reconnected"]),
    ("another host key when it is back",             Fated(GOOD, "host-key-changed"),                      Work(1),  60,      "host-key-changed", ["reconnecting"]),
    ("a refusal in the middle is no loss",           Fated(GOOD),                                          Work(1, "become-refused"), 60, "become-refused", []),
    ("nobody knows what came of it",                 Fated(GOOD),                                          Work(1, "lost-in-doubt"),  60, "lost-in-doubt",  []),
]  # fmt: skip


@pytest.mark.parametrize(("what", "pool", "work", "seconds", "ends", "told"), CASES, ids=[each[0] for each in CASES])
async def test_a_line(what, pool, work, seconds, ends, told):
    clock, heard = FakeClock(), list[str]()
    line = Line(pool, ExecutionTarget(host="web1"), clock, seconds, lambda problem: heard.append(problem.code))
    try:
        found = await line.over(work)
    except ConnectError as error:
        found = error.problem.code
    assert (found, heard) == (ends, told)
    assert sum(clock.slept) <= seconds + 1


async def test_what_was_begun_over_a_lost_session_is_told():
    work = Work(1)
    await Line(Fated(GOOD, "unreachable", GOOD), ExecutionTarget(host="web1"), FakeClock(), 60, lambda problem: None).over(work)
    assert [lost for _, lost in work.calls] == [None, work.calls[0][0]]


async def test_a_pool_that_is_closed_is_not_waited_for():
    pool, clock = Fated(GOOD), FakeClock()
    pool.closed = True
    with pytest.raises(ConnectError):
        await Line(pool, ExecutionTarget(host="web1"), clock, 60, lambda problem: None).over(Work(1))
    assert not clock.slept
