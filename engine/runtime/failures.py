"""EngineErrors that hit one task → the result that it fails with. What cannot be reached is told from what failed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from engine.errors import AgentError, ConnectError, EngineError, PlanError, TemplateError, UnknownValue, VaultError
from engine.model.outcome import ModuleResult, Status, TaskOutcome
from engine.model.problem import Problem, Severity
from engine.model.source import Span
from engine.model.words import nearest
from engine.plan.step import Step
from engine.playbook.names import qualified
from engine.playbook.tree import Task

UNDEFINED = "undefined-variable"
FAILED_CODES = ("become-", "no-python", "agent-", "raw-", "unknown-connection")
"""ConnectErrors with these codes: the host was reached, what was asked of it failed."""


def result_of(error: EngineError, step: Step) -> ModuleResult:
    """The failed (or unreachable) result; the first problem gets the task's place where it has none."""
    first = error.problem.at(step.span)
    for other in error.problems[1:]:
        first = first.with_note(f"and {other.span}: {text_of(other)}" if other.span is not None else f"and {text_of(other)}")
    if isinstance(error, ConnectError | AgentError):
        message = "\n".join(in_words(each, error) for each in error.problems)
        if not first.code.startswith(FAILED_CODES):
            return ModuleResult(values={"msg": message}, unreachable=True, problem=first)
        return ModuleResult.failure(message, first)
    message = "\n".join(each.message for each in error.problems)
    if isinstance(error, TemplateError | VaultError) and error.problem.code != "bad-arguments" and not error.problem.before_task:
        message = f"Task failed: {message}"
    return ModuleResult.failure(message, first)


def in_words(problem: Problem, error: EngineError) -> str:
    """What a result says of a host that cannot be reached or used: in ansible-core's words where they are known."""
    if problem.words:
        return f"Task failed: {problem.words}" if isinstance(error, ConnectError) else problem.words
    return f"{problem.summary}: {problem.detail}" if problem.detail else problem.summary


def text_of(problem: Problem) -> str:
    return problem.detail or problem.summary


@contextmanager
def during(part: str, span: Span | None = None) -> Iterator[None]:
    """What goes wrong with templates in here is told with the part of the task that it was in, in ansible-core's words."""
    try:
        yield
    except (TemplateError, VaultError) as error:
        error.prefix(part, span)
        raise


@contextmanager
def before_task(*, waits: bool = False) -> Iterator[None]:
    """What goes wrong with templates in here is met before the task begins; if it `waits`, what is undefined is not: `when` comes first."""
    try:
        yield
    except (TemplateError, VaultError) as error:
        if isinstance(error, UnknownValue) or (waits and error.problem.code == UNDEFINED):
            raise
        first = replace(error.problem, before_task=True)
        raise type(error)(first, *error.problems[1:]) from error  # the error itself may be kept with a value


def status_of(result: ModuleResult) -> Status:
    return Status.UNREACHABLE if result.unreachable else Status.FAILED


def unknown_module(task: Task) -> PlanError:
    return PlanError(
        Problem(
            code="unknown-module",
            summary="There is no such module",
            detail=f"couldn't resolve module/action '{task.action}'",
            span=task.action_span,
            hint=nearest_hint(task.action),
        )
    )


def free_text(task: Task) -> TemplateError:
    """Told before the run, unless `compat = ansible` leaves it to the task."""
    return TemplateError(
        Problem(
            code="free-form-refused",
            summary="This module takes no free text",
            detail=f"`{task.action}` takes arguments with names",
            span=task.action_span,
            hint="write `name: value` for each argument",
            words=f"Action '{qualified(task.action)}' does not support raw params.",
        )
    )


def nearest_hint(action: str) -> str:
    from engine.runtime.names import known_actions

    near = nearest(action.rpartition(".")[2], known_actions())
    return f"did you mean `{near}`?" if near else ""


def bad_arguments(task: Task, text: str) -> TemplateError:
    return TemplateError(Problem(code="bad-arguments", summary="The arguments of a task are not right", detail=text, span=task.action_span))


def told(step: Step, outcome: TaskOutcome) -> Problem:
    """What the user is told of a failed task, beside its result: where it stands, and the mistake where one is known."""
    return replace(_told(step, outcome), of_task=True)


def _told(step: Step, outcome: TaskOutcome) -> Problem:
    first = next((item for item in outcome.items if item.failed), outcome)
    about = f'task "{outcome.task_name}" on {outcome.host}'
    if outcome.no_log:
        return Problem(code="task-failed", summary="A task failed", detail="its result is hidden by no_log", span=step.span, notes=(about,))
    known = first.result.problem
    if known is not None:
        said = str(first.result.values.get("msg", ""))
        if known.code not in ("failed-when", "break-when") and known.message in said:
            known = replace(known, words=said)  # with the part of the task that it was in
        return known if known.span == step.span and not known.notes else known.with_note(f"in {about} ({step.span})")
    code, summary = ("unreachable", "A host was lost") if outcome.status is Status.UNREACHABLE else ("task-failed", "A task failed")
    span = step.task.action_span if step.task is not None and step.task.action_span.line else step.span
    return Problem(
        code=code,
        summary=summary,
        detail=str(first.result.values.get("msg", ""))[:1000],
        span=span,
        notes=(f"in {about}", *last_words(first)),
    )


def warnings(step: Step, outcome: TaskOutcome) -> list[Problem]:
    """What modules warn of, each once."""
    if outcome.no_log:
        return []
    said = [text for one in (outcome, *outcome.items) for text in one.result.warnings]
    old = [text for one in (outcome, *outcome.items) for text in deprecations(one.result)]
    return [
        Problem(code="module-deprecated", summary="A module uses what will go away", detail=text, severity=Severity.WARNING, span=step.span)
        for text in dict.fromkeys(old)
    ] + [
        Problem(code="module-warning", summary="A module warns", detail=text, severity=Severity.WARNING, span=step.span)
        for text in dict.fromkeys(said)
    ]


def deprecations(result: ModuleResult) -> list[str]:
    """What a module written for Ansible says of its own future, in words."""
    given = result.values.get("deprecations")
    found: list[str] = []
    for each in given if isinstance(given, list) else ():
        if isinstance(each, dict) and each.get("msg"):
            where = f" from collection '{each['collection_name']}'" if each.get("collection_name") else ""
            when = f" version {each['version']}" if each.get("version") else " in the future"
            found.append(f"{str(each['msg']).rstrip('.')}. This feature will be removed{where}{when}.")
    return found


def last_words(outcome: TaskOutcome) -> tuple[str, ...]:
    """The end of what a failed command said on stderr."""
    said = str(outcome.result.values.get("stderr") or "").strip().splitlines()
    return (f"stderr: {said[-1][:300]}",) if said else ()
