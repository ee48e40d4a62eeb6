"""Asks hosts how recorded resources are now: one call for each host and user, hosts side by side. Changes nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from engine.connections import shipping
from engine.connections.pool import Pool
from engine.connections.target import ExecutionTarget
from engine.errors import AgentError, ConnectError, EngineError
from engine.model.values import Value
from engine.runtime.recorder import declared
from engine.runtime.redact import Redactor
from engine.state.drift import Answer, request_of, unaskable
from engine.state.standing import Standing
from engine.state.withhold import without_secrets

ANSWER_LIMIT = 600.0
"""Seconds for all resources of a host together: one that hangs (a dead network file system, say) must not hold up a service."""


async def reinspect(
    pool: Pool, questions: Mapping[ExecutionTarget, Sequence[Standing]], redactor: Redactor, *, forks: int
) -> dict[ExecutionTarget, list[Answer]]:
    """The answers of each target, in the order of its questions; at most `forks` targets are asked at a time. A host that cannot be asked
    is an answer, too."""
    limit = asyncio.Semaphore(max(1, forks))

    async def ask(target: ExecutionTarget, asked: Sequence[Standing]) -> list[Answer]:
        async with limit:
            return await answers(pool, target, asked, redactor)

    async with asyncio.TaskGroup() as group:
        running = {target: group.create_task(ask(target, asked), name=f"look at {target.host}") for target, asked in questions.items()}
    return {target: task.result() for target, task in running.items()}


async def answers(pool: Pool, target: ExecutionTarget, asked: Sequence[Standing], redactor: Redactor) -> list[Answer]:
    """One call, for everything that can be asked at all."""
    refusals = [refusal(each) for each in asked]
    requests = [request_of(each.record) for each, refused in zip(asked, refusals, strict=True) if refused is None]
    try:
        async with asyncio.timeout(ANSWER_LIMIT):
            found = iter(await told(pool, target, requests) if requests else [])
    except (ConnectError, AgentError) as error:
        found = iter([{"error": in_words(error), "asked": False}] * len(requests))
    except TimeoutError:
        found = iter([{"error": f"no answer within {ANSWER_LIMIT:g} seconds", "asked": False}] * len(requests))
    return [refused or answer_of(each, next(found), redactor) for each, refused in zip(asked, refusals, strict=True)]


def refusal(standing: Standing) -> Answer | None:
    """The answer where nobody can be asked."""
    why = unaskable(standing.record)
    if not why and shipping.path_of(standing.record.module) is None:
        why = f"there is no module `{standing.record.module}` any more"
    return Answer(error=why) if why else None


async def told(pool: Pool, target: ExecutionTarget, requests: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """What the agent says, its shape checked: it comes from a machine that is not trusted."""
    async with pool.session(target) as session:
        reply = await session.inspect_all(requests)
    found = reply.result.get("found")
    if not isinstance(found, list) or len(found) != len(requests) or not all(isinstance(each, dict) for each in found):
        said = str(reply.result.get("msg") or "the agent gave no answer")
        return [{"error": said}] * len(requests)
    return found


def answer_of(standing: Standing, said: Mapping[str, Any], redactor: Redactor) -> Answer:
    """With what is secret withheld, as it is in the record: it can be compared, and never be shown."""
    if "error" in said:
        return Answer(error=redactor.text(str(said["error"])) or "the module failed", asked=bool(said.get("asked", True)))
    keys = frozenset(getattr(declared(standing.record.module), "SECRETS", ()))

    def is_secret(key: str, value: str | bytes) -> bool:
        return key in keys or redactor.knows_any(value)

    state: Value = without_secrets(said.get("state"), is_secret)
    return Answer(state=state)


def in_words(error: EngineError) -> str:
    problem = error.problem
    return f"{problem.summary}: {problem.detail}" if problem.detail else problem.summary
