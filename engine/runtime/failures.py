"""EngineErrors that hit one task → the result that it fails with. What cannot be reached is told from what failed."""
from __future__ import annotations

from engine.errors import AgentError, ConnectError, EngineError, PlanError, TemplateError
from engine.model.outcome import ModuleResult, Status
from engine.model.problem import Problem
from engine.model.words import nearest
from engine.plan.step import Step
from engine.playbook.tree import Task

FAILED_CODES = ("become-", "no-python", "agent-", "raw-")
"""ConnectErrors with these codes: the host was reached, what was asked of it failed."""


def result_of(error: EngineError, step: Step) -> ModuleResult:
    """The failed (or unreachable) result; the first problem gets the task's place where it has none."""
    first = error.problem.at(step.span)
    message = "\n".join(text_of(each) for each in error.problems)
    if isinstance(error, ConnectError | AgentError) and not first.code.startswith(FAILED_CODES):
        return ModuleResult(values={"msg": message}, unreachable=True, problem=first)
    return ModuleResult.failure(message, first)


def text_of(problem: Problem) -> str:
    return problem.detail or problem.summary


def status_of(result: ModuleResult) -> Status:
    return Status.UNREACHABLE if result.unreachable else Status.FAILED


def unknown_module(task: Task) -> PlanError:
    return PlanError(
        Problem(
            code="unknown-module", summary="There is no such module", detail=f"couldn't resolve module/action '{task.action}'",
            span=task.action_span, hint=nearest_hint(task.action),
        )
    )


def nearest_hint(action: str) -> str:
    from engine.runtime.names import known_actions

    near = nearest(action.rpartition(".")[2], known_actions())
    return f"did you mean `{near}`?" if near else ""


def bad_arguments(task: Task, text: str) -> TemplateError:
    return TemplateError(Problem(code="bad-arguments", summary="The arguments of a task are not right", detail=text, span=task.action_span))
