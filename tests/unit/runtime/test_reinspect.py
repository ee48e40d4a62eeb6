"""Asking many hosts: one call each, some at a time; a host that fails is an answer; secrets are withheld before anybody sees them."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

from making import record_of_file

from engine.connections.target import AgentReply, ExecutionTarget
from engine.errors import AgentError, ConnectError
from engine.model.problem import Problem
from engine.runtime import reinspect as asking
from engine.runtime.redact import Redactor
from engine.runtime.reinspect import reinspect
from engine.state.standing import Standing, standing
from engine.state.withhold import withheld


class Pool:
    """Hosts that say what `said` has for them: an answer, or an error to raise."""

    def __init__(self, said: dict[str, Any]) -> None:
        self.said = said
        self.asked: list[tuple[str, int]] = []
        self.at_work = self.most = 0

    @contextlib.asynccontextmanager
    async def session(self, target: ExecutionTarget) -> AsyncIterator[Any]:
        self.at_work += 1
        self.most = max(self.most, self.at_work)
        await asyncio.sleep(0)
        said = self.said[target.host]
        outer = self

        class Session:
            async def inspect_all(self, requests: Any) -> AgentReply:
                outer.asked.append((target.host, len(requests)))
                if said == "hang":
                    await asyncio.Event().wait()
                return AgentReply(result=said)

        try:
            if isinstance(said, Exception):
                raise said
            yield Session()
        finally:
            self.at_work -= 1


def things(count: int, **given: Any) -> list[Standing]:
    return standing([record_of_file(f"/{number}", number=number, **given) for number in range(count)])


def ask(said: dict[str, Any], things_of: dict[str, list[Standing]], redactor: Redactor | None = None, forks: int = 5) -> tuple[Any, Pool]:
    pool: Any = Pool(said)
    questions = {ExecutionTarget(host=host): asked for host, asked in things_of.items()}
    found = asyncio.run(reinspect(pool, questions, redactor or Redactor(), forks=forks))
    return {target.host: answers for target, answers in found.items()}, pool


def states(*found: Any) -> dict[str, Any]:
    return {"changed": False, "found": [{"state": each} for each in found]}


def test_one_call_a_host_so_many_at_a_time() -> None:
    hosts = [f"h{number}" for number in range(6)]
    found, pool = ask({host: states({"a": 1}, None) for host in hosts}, {host: things(2) for host in hosts}, forks=2)
    assert sorted(pool.asked) == [(host, 2) for host in hosts] and pool.most == 2
    assert [each.state for each in found["h3"]] == [{"a": 1}, None] and not any(each.error for each in found["h3"])


def test_a_host_that_fails_is_an_answer() -> None:
    lost = ConnectError(Problem(code="unreachable", summary="The host cannot be reached", detail="it is off"))
    broken = AgentError(Problem(code="agent-failed", summary="The agent went wrong"))
    found, _ = ask(
        {"off": lost, "broken": broken, "odd": {"found": "nonsense"}, "short": states(1), "failed": {"failed": True, "msg": "no python"}, "fine": states(1, 2)},
        {host: things(2) for host in ("off", "broken", "odd", "short", "failed", "fine")},
    )
    assert [(each.error, each.asked) for each in found["off"]] == [("The host cannot be reached: it is off", False)] * 2
    assert [(each.error, each.asked) for each in found["broken"]] == [("The agent went wrong", False)] * 2
    assert [each.error for each in found["odd"]] == [each.error for each in found["short"]] == ["the agent gave no answer"] * 2
    assert [each.error for each in found["failed"]] == ["no python"] * 2
    assert [each.state for each in found["fine"]] == [1, 2]


def test_a_host_that_hangs_does_not_hold_up_the_others(monkeypatch: Any) -> None:
    monkeypatch.setattr(asking, "ANSWER_LIMIT", 0.01)
    found, _ = ask({"slow": "hang", "fine": states(1)}, {"slow": things(1), "fine": things(1)})
    assert found["slow"][0].error == "no answer within 0.01 seconds" and not found["slow"][0].asked
    assert found["fine"][0].state == 1


def test_what_cannot_be_asked_about_is_not_asked() -> None:
    mixed = [*things(1, module=""), *things(1), *things(1, module="engine.modules.builtin.of_yesterday"), *things(1, args={})]
    found, pool = ask({"h": states("the answer")}, {"h": mixed})
    assert pool.asked == [("h", 1)]
    assert [bool(each.error) for each in found["h"]] == [True, False, True, True] and found["h"][1].state == "the answer"
    assert "of_yesterday" in found["h"][2].error
    assert ask({"h": states()}, {"h": things(1, module="")})[1].asked == [], "then there is no need of a connection"


def test_secrets_are_withheld() -> None:
    redactor = Redactor()
    redactor.learn("s3cret-word")
    said = {"found": [{"state": {"password": "$6$hash", "comment": "has the s3cret-word"}}, {"error": "cannot read s3cret-word"}]}
    asked = things(2, module="engine.modules.builtin.user", args={"name": "al"})
    found, _ = ask({"h": said}, {"h": asked}, redactor)
    assert found["h"][0].state == {"password": withheld("$6$hash"), "comment": withheld("has the s3cret-word")}
    assert found["h"][1].error == "cannot read ********"
