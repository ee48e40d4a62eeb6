"""How a step is announced: its name, and its arguments as its banner shows them under `display_args_to_stdout`."""

from __future__ import annotations

from engine.model.event import TaskStarted
from engine.model.values import EncryptedText, Value
from engine.plan.step import Step
from engine.runtime.context import PlayContext
from engine.settings.settings import Settings

ENCRYPTED = "<encrypted>"


def announcement(play: PlayContext, step: Step, name: str, *, lockstep: bool, again: bool = False) -> TaskStarted:
    """`name`: as it is to be shown."""
    task = step.task
    assert task is not None
    return TaskStarted(
        step=step.address,
        name=name,
        action=task.action,
        handler=task.handler,
        check=play.check,
        lockstep=lockstep,
        span=task.span,
        arguments=shown_arguments(step, play.settings),
        again=again,
    )


def shown_arguments(step: Step, settings: Settings) -> str | None:
    """The arguments as the text says them, nothing rendered; None where nobody asks, or where `no_log` may forbid it."""
    if not settings.output.display_args_to_stdout or step.task is None or step.keywords.get("no_log") not in (None, False):
        return None
    return ", ".join(f"{name}={without_secrets(value)}" for name, value in step.task.args.items())


def without_secrets(value: Value) -> Value:
    """Of Python's own types, so that they look as Ansible's do; encrypted texts hidden."""
    if isinstance(value, EncryptedText):
        return ENCRYPTED
    if isinstance(value, dict):
        return {str(name): without_secrets(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [without_secrets(each) for each in value]
    return str(value) if isinstance(value, str) else value
