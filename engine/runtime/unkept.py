"""A run that is gone on with, and a value that was not kept for it: its first reader stops the run, and names the variable."""

from __future__ import annotations

from engine.errors import EngineError, NotKept, UnknownValue
from engine.model.addresses import HostName
from engine.model.problem import Problem
from engine.plan.step import Step

HINT = "run the playbook anew; with `[state] encrypt = true` such values are kept, encrypted, for the next time"


def refuse_unkept(error: EngineError, step: Step, host: HostName, name: str) -> None:
    """
    Args:
        name: the task's, as it is shown.

    Raises:
        NotKept: `error` is of such a value. No task fails of it: `rescue` and `ignore_errors` have no say.
    """
    if isinstance(error, UnknownValue) and error.name:
        raise NotKept(
            Problem(
                code="variable-not-kept",
                summary="A variable that the run needs was not kept when it broke off",
                detail=error.problem.detail,
                span=error.problem.span or step.span,
                notes=(*error.problem.notes, f'for task "{name}" on {host} ({step.span})'),
                hint=HINT,
            )
        ) from error
