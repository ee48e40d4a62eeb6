"""What check mode cannot know, said as such: tasks whose outcome only a real run can tell, and the values that come of them.

Under `compat = "ansible"` nothing is unknown: check mode then says what ansible-core's does, right or wrong.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from engine.errors import UnknownValue
from engine.model.addresses import HostName
from engine.model.outcome import ModuleResult, Status, TaskOutcome
from engine.model.values import UNKNOWN_SHOWN, Unknown, Value
from engine.modules.system.commands import WOULD_RUN
from engine.plan.step import Step
from engine.playbook.names import short
from engine.templating.renderer import Renderer

SHOWS = frozenset(("debug",))
"""Actions that change nothing and decide nothing: with an unknown value they are known to be `ok`."""
SETS = frozenset(("set_fact",))
"""Actions that take an unknown value as a value."""
OF_COMMANDS = ("rc", "stdout", "stderr", "stdout_lines", "stderr_lines", "start", "end", "delta", "msg")
"""What a command registers that only running it tells."""


def outcome_of(step: Step, host: HostName, name: str, cause: str, *, no_log: bool = False) -> TaskOutcome:
    """The outcome of a task of which only a real run can tell whether it changes something, or runs at all.

    Args:
        cause: why it is not known, in words.
    """
    return TaskOutcome(
        step=step.address,
        host=host,
        status=Status.UNKNOWN,
        result=ModuleResult(values={"msg": UNKNOWN_SHOWN, "reason": cause}),
        action=step.task.action if step.task is not None else "",
        task_name=name,
        attempts=0,
        no_log=no_log,
    )


def stopped_by(step: Step, host: HostName, name: str, error: UnknownValue, *, no_log: bool = False, runs: bool = False) -> TaskOutcome:
    """The outcome of a task that needs a value which is not known.

    Args:
        runs: it is known that it runs: its conditions hold.
    """
    action = short(step.task.action) if step.task is not None else ""
    made = outcome_of(step, host, name, error.problem.detail, no_log=no_log)
    if action not in SHOWS or not runs:
        return made
    values = {"msg": UNKNOWN_SHOWN}
    shape = {**values, "changed": False, "failed": False}
    return replace(made, status=Status.OK, result=ModuleResult(values=values), attempts=1, registered=shape)


def after(outcome: TaskOutcome, cause: str) -> TaskOutcome:
    """The same task, its outcome not known: it was not run, or failed after tasks whose effect is not known."""
    return replace(
        outcome, status=Status.UNKNOWN, result=ModuleResult(values={"msg": UNKNOWN_SHOWN, "reason": cause}), registered={}, ignored=False
    )


def not_run(outcome: TaskOutcome) -> bool:
    """Did check mode leave it out, though its condition holds?"""
    skipped = outcome.status is Status.SKIPPED and outcome.attempts > 0
    return skipped and short(outcome.action) not in SHOWS


def foreseen(outcome: TaskOutcome, changed_when: Value, *, may_fail: bool) -> TaskOutcome:
    """The outcome in check mode, without what it only pretends to know.

    Args:
        changed_when: the keyword as written: a plain yes or no is known before.
        may_fail: a failure would be forgiven or judged, so that whether it failed is not known either.
    """
    if outcome.result.values.get("known_after_apply"):
        return after(outcome, str(outcome.result.values.get("msg", "")))
    command = outcome.result.values.get("msg") == WOULD_RUN
    if not not_run(outcome) and not command:
        return outcome
    cause = f"the task \"{outcome.task_name}\" is not run in check mode"
    known = changed_when[0] if isinstance(changed_when, list) and len(changed_when) == 1 else changed_when
    if not_run(outcome) and not isinstance(known, bool):
        return after(outcome, cause)
    changed = outcome.result.changed if outcome.status is not Status.SKIPPED and not isinstance(known, bool) else bool(known)
    values: dict[str, Value] = {name: Unknown(cause) for name in OF_COMMANDS} if command else {}
    shape = {"cmd": outcome.result.values.get("cmd"), **values, "changed": changed, "failed": Unknown(cause) if may_fail else False}
    result = ModuleResult(values={"msg": UNKNOWN_SHOWN, "reason": cause}, changed=changed, by_module=True)
    return replace(outcome, status=Status.CHANGED if changed else Status.OK, result=result, registered=shape)


def value_of(outcome: TaskOutcome) -> Value:
    """What `register` keeps of an outcome."""
    if outcome.status is Status.UNKNOWN and not outcome.items:
        return Unknown(str(outcome.result.values.get("reason", "")))
    return dict(outcome.registered)


def arguments(renderer: Renderer, args: Mapping[str, Value]) -> dict[str, Value]:
    """Arguments of an action that takes unknown values as such: each is known, or is not, by itself."""
    found: dict[str, Value] = {}
    for name, value in args.items():
        try:
            found.update(renderer.render_arguments({name: value}))
        except UnknownValue as error:
            found[name] = Unknown(error.problem.detail)
    return found
