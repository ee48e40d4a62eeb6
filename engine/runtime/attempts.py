"""One call of an action, and what stands around it: timeout, async and poll, until/retries/delay, the verdict.

`retries: 2` means up to three calls; `attempts` then says 2 if all of them failed, as Ansible does.
"""

from __future__ import annotations

import asyncio
import traceback
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from engine.actions.async_status import with_streams
from engine.actions.base import ActionCall
from engine.errors import EngineError, InDoubt, NotKept, TemplateError, UnknownValue
from engine.model.addresses import HostName
from engine.model.event import AsyncPolled, RetryScheduled
from engine.model.frozen import frozen
from engine.model.outcome import ModuleResult, Status, TaskOutcome
from engine.model.problem import Problem
from engine.model.values import Value, written_at
from engine.plan.step import Step
from engine.runtime import failures
from engine.runtime.context import PlayContext
from engine.runtime.dispatch import Handler
from engine.runtime.empty_diffs import with_diff
from engine.runtime.judge import NO_TRACEBACK, judge, registered
from engine.runtime.keywords import TaskKeywords

DEFAULT_RETRIES = 3
UNSATISFIED = "_ansible_unsatisfied"
"""Stands in the result (and is not registered) where nothing but `until` says that the task failed."""
STATUS_MODULE = "engine.modules.builtin.async_status"


@dataclass(slots=True, kw_only=True)
class Attempt:
    """What every attempt of one item shares."""

    play: PlayContext
    step: Step
    host: HostName
    name: str
    keywords: TaskKeywords
    extra: Mapping[str, Value] = field(default_factory=dict)
    delegated_to: HostName | None = None


@frozen(kw_only=True)
class Verdict:
    status: Status
    result: ModuleResult
    shape: dict[str, Value]
    """As `register` stores it."""
    attempts: int = 1


async def until_satisfied(attempt: Attempt, handler: Handler, call: ActionCall) -> Verdict:
    """Call the action until `until` holds, at most `retries` times more; with `retries: 0` it is called once and `until` is not asked."""
    keywords = attempt.step.keywords
    until = keywords.get("until")
    repeated = until is not None or attempt.keywords.retries is not None
    retries = max(0, DEFAULT_RETRIES if attempt.keywords.retries is None else attempt.keywords.retries) if repeated else 0
    repeated = repeated and retries > 0
    number = 0
    while True:
        number += 1
        result = await performed(attempt, handler, call)
        if not repeated or result.refused:
            return judged(attempt, result)
        verdict = replace(judged(attempt, counted(result, number)), attempts=number)
        if verdict.result.unreachable or satisfied(attempt, until, verdict):
            return verdict
        if number > retries:
            return exhausted(verdict, retries, judged_by_user="failed_when" in keywords)
        outcome = TaskOutcome(
            step=attempt.step.address,
            host=attempt.host,
            status=verdict.status,
            result=verdict.result,
            action=attempt.step.task.action if attempt.step.task is not None else "",
            task_name=attempt.name,
            attempts=number,
            registered={**verdict.shape, **of_item(attempt.extra)},
            no_log=attempt.keywords.no_log,
            delegated_to=attempt.delegated_to,
        )
        attempt.play.events.publish(
            RetryScheduled(step=attempt.step.address, host=attempt.host, task_name=attempt.name, left=retries - number, outcome=outcome)
        )
        await attempt.play.clock.sleep(attempt.keywords.delay)
        call.effects.clear()


def of_item(extra: Mapping[str, Value]) -> dict[str, Value]:
    """The variables of the loop's item, which results of items show."""
    names = ("ansible_loop_var", "ansible_index_var")
    return {name: extra[name] for each in names if each in extra for name in (each, str(extra[each])) if name in extra}


def counted(result: ModuleResult, number: int) -> ModuleResult:
    """The result with the number of the attempt, which `changed_when` and `failed_when` may ask for."""
    return replace(result, values={**result.values, "attempts": number})


def exhausted(verdict: Verdict, retries: int, *, judged_by_user: bool) -> Verdict:
    """The last attempt did not satisfy `until` either: the task has failed, whatever the module says; unless `failed_when` says not."""
    values = {**verdict.result.values, "attempts": retries}
    if judged_by_user:
        return replace(verdict, result=replace(verdict.result, values=values), shape={**verdict.shape, "attempts": retries})
    if not verdict.result.failed:
        values[UNSATISFIED] = True
    result = replace(verdict.result, values=values, failed=True)
    return replace(verdict, status=Status.FAILED, result=result, shape={**verdict.shape, "attempts": retries, "failed": True})


def satisfied(attempt: Attempt, until: Value, verdict: Verdict) -> bool:
    if until is None:
        return verdict.status is not Status.FAILED
    with failures.during("An 'until' expression failed: ", written_at(until)):
        return holds(attempt, until, verdict.shape)


NEVER_ASYNC = frozenset((
    "add_host", "assemble", "assert", "async_status", "copy", "debug", "fail", "fetch", "gather_facts", "group_by", "include_vars", "pause",
    "raw", "script", "set_fact", "set_stats", "template", "unarchive", "validate_argument_spec", "wait_for_connection",
))  # fmt: skip
"""Actions that are no module on the host, or more than one."""
GRACE = 2.0
"""Seconds that a job which is over its time has for saying so itself."""
FRAME = "Configure `DISPLAY_TRACEBACK` to see a traceback on timeout errors."


async def performed(attempt: Attempt, handler: Handler, call: ActionCall) -> ModuleResult:
    """One call of the action. What goes wrong on the way is a failed result, never an exception."""
    seconds = attempt.keywords.timeout
    if attempt.keywords.async_seconds > 0 and handler.name in NEVER_ASYNC:
        return unsupported(attempt, call)
    try:
        async with asyncio.timeout(seconds if seconds > 0 else None):
            if attempt.keywords.async_seconds > 0 and (handler.module or handler.start):
                return await in_background(attempt, handler, call)
            return with_diff(await handler.run(call), handler.name, call.invocation.args)
    except TimeoutError:
        text = f"Task failed: Timed out after {int(seconds)} second(s)."
        return ModuleResult.failure(text, timedout={"frame": FRAME, "period": int(seconds)})
    except (TemplateError, InDoubt, NotKept):
        raise  # a mistake in the task's own text: failed_when and until have no say in it
    except EngineError as error:
        return failures.result_of(error, attempt.step)
    except Exception as error:
        return broken(attempt, error)


def unsupported(attempt: Attempt, call: ActionCall) -> ModuleResult:
    """The failure of an action that cannot be a job: what it does, or half of it, is done on the controller."""
    said = f"This action ({call.invocation.action}) does not support async."
    found = Problem(code="no-async", summary="This action cannot run in the background", detail=said, span=attempt.step.span,
                    hint="remove `async`, or set it to 0", words=said)  # fmt: skip
    return ModuleResult.failure(said, found)


def broken(attempt: Attempt, error: Exception) -> ModuleResult:
    """A bug in an action: the task fails and says where; other hosts go on."""
    text = "".join(traceback.format_exception(error))
    found = Problem(
        code="bug",
        summary="The engine itself is wrong here",
        detail=f"{type(error).__name__}: {error}",
        span=attempt.step.span,
        hint="please report this with the lines of `exception` below",
    )
    return ModuleResult.failure(f"Unexpected failure during module execution: {error}", found, exception=text)


async def in_background(attempt: Attempt, handler: Handler, call: ActionCall) -> ModuleResult:
    """`async`: start the module as a job that outlives the connection; with `poll`, look until it is over."""
    keywords = attempt.keywords
    if handler.start is not None:
        started = await handler.start(call, keywords.async_seconds)
    else:
        started = await call.remote.start_job(handler.module, call.invocation.args, seconds=keywords.async_seconds)
    if keywords.poll <= 0 or started.failed:
        return replace(started, changed=True)
    job = str(started.values.get("ansible_job_id", ""))
    clock = attempt.play.clock
    deadline = clock.monotonic() + keywords.async_seconds
    while True:
        await clock.sleep(keywords.poll)
        found = await call.remote.call(STATUS_MODULE, {"jid": job, "mode": "status"}, check=False)
        finished = bool(found.values.get("finished")) or found.failed
        while not finished and deadline < clock.monotonic() < deadline + GRACE:
            await clock.sleep(GRACE / 10)
            found = await call.remote.call(STATUS_MODULE, {"jid": job, "mode": "status"}, check=False)
            finished = bool(found.values.get("finished")) or found.failed
        late = not finished and clock.monotonic() > deadline
        attempt.play.events.publish(
            AsyncPolled(
                step=attempt.step.address,
                host=attempt.host,
                job=job,
                started=bool(found.values.get("started", True)),
                finished=finished,
                failed=found.failed or late,
            )
        )
        if finished:
            await call.remote.call(STATUS_MODULE, {"jid": job, "mode": "cleanup"}, check=False)
            return with_streams(found)
        if late:
            return ModuleResult.failure(
                f"async task did not complete within the requested time - {keywords.async_seconds:g}s", **found.values
            )


def judged(attempt: Attempt, result: ModuleResult) -> Verdict:
    """The verdict, with `changed_when` and `failed_when` seeing what was registered."""
    keywords = attempt.step.keywords
    shape = registered(result)
    by_module = result.by_module and result.failed
    if result.unreachable or result.refused or (result.skipped and not result.failed):
        return Verdict(status=judge(result, None, None), result=result, shape=shape)
    changed = keywords.get("changed_when")
    failed = keywords.get("failed_when")
    if changed is None and failed is None:
        return Verdict(status=judge(result, None, None), result=result, shape=shape)
    try:
        changed_holds = None if changed is None else holds_as(attempt, "changed_when", changed, shape, by_module=by_module)
        if changed_holds is not None:
            shape["changed"] = shape["changed_when_result"] = changed_holds
            result = replace(result, changed=changed_holds, values={**result.values, "changed_when_result": changed_holds})
        failed_holds = None if failed is None else holds_as(attempt, "failed_when", failed, shape, by_module=by_module)
    except UnclearVerdict as unclear:
        failure = failures.result_of(unclear.error, attempt.step)
        values = {**result.values, **failure.values, f"{unclear.keyword}_result": unclear.said}
        if result.failed:
            values[f"{unclear.keyword}_suppressed_exception"] = values.pop("exception", NO_TRACEBACK)
        if result.values.get("msg"):
            values["msg"] = result.values["msg"]  # what the module said is kept
        failure = replace(failure, values=values, changed=result.changed)
        return Verdict(status=Status.FAILED, result=failure, shape=registered(failure))
    if failed_holds is not None:
        result = overruled(result, failed_holds, attempt.step)
        shape = {**registered(result), **{name: value for name, value in shape.items() if name.startswith("changed")}}
    return Verdict(status=judge(result, changed_holds, failed_holds), result=result, shape=shape)


def overruled(result: ModuleResult, failed: bool, step: Step) -> ModuleResult:
    """The result under the verdict of `failed_when`; what it turns round says so, as ansible-core's does."""
    values = {**result.values, "failed_when_result": failed}
    if result.failed:
        values["failed_when_suppressed_exception"] = values.pop("exception", NO_TRACEBACK)
    if failed:
        said = "A 'failed_when' expression evaluated to 'True'."
        words = f"Task failed: Action failed: {said}"
        values["msg"] = values.get("msg") or words
        found = Problem(code="failed-when", summary="A task counts as failed", detail=said, span=step.span, words=words)
        result = replace(result, problem=found)
    return replace(result, failed=failed, values=values)


class UnclearVerdict(Exception):
    """`changed_when` or `failed_when` cannot be told."""

    def __init__(self, keyword: str, said: str, error: EngineError) -> None:
        super().__init__(said)
        self.keyword = keyword
        self.said = said
        self.error = error


def holds_as(attempt: Attempt, keyword: str, condition: Value, shape: Mapping[str, Value], *, by_module: bool) -> bool:
    """The condition of a keyword; of a list, each in turn. Raises UnclearVerdict.

    Args:
        by_module: Did a module on the target fail before?
    """
    if isinstance(condition, list):
        return all(holds_as(attempt, keyword, each, shape, by_module=by_module) for each in condition)
    try:
        return holds(attempt, condition, shape)
    except UnknownValue:
        raise
    except EngineError as error:
        said = error.problem.message
        error.prefix(f"A '{keyword}' expression failed: ", written_at(condition))
        error.prefix("Module failed: " if by_module else "Action failed: ")
        raise UnclearVerdict(keyword, said, error) from error


def holds(attempt: Attempt, condition: Value, shape: Mapping[str, Value]) -> bool:
    over = dict(attempt.extra)
    facts = shape.get("ansible_facts")
    if isinstance(facts, Mapping):
        over.update({str(name): value for name, value in facts.items()})
    if attempt.keywords.register:
        over[attempt.keywords.register] = shape
    renderer = attempt.play.renderer(attempt.step, attempt.host, over)
    return attempt.play.at_work(renderer, attempt.step, attempt.host, attempt.delegated_to).condition(condition)
