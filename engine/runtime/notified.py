"""What is kept of a handler that was notified, so that a rollback can run it again: its action and arguments, as they were then.

A rollback has no playbook: it runs what needs no file of the controller, no loop and no other host. Of the rest only the name is kept.
"""

from __future__ import annotations

from typing import Any

from engine.errors import EngineError
from engine.model.addresses import HostName
from engine.model.values import Value
from engine.plan.step import Step
from engine.playbook.names import short
from engine.runtime import dispatch
from engine.runtime.context import PlayContext
from engine.runtime.keywords import rendered
from engine.state.record import Notification
from engine.templating.renderer import Renderer

BY_THEMSELVES = frozenset(("debug", "uri", "raw"))
"""Actions of the controller that need nothing but their arguments; of others only native modules do."""
ELSEWHERE = ("delegate_to", "environment", "async", "no_log", "failed_when")
"""Keywords without which a handler would be another one."""
ASKING = ("lookup", "query(", "q(")
"""Signs that rendering would ask somebody again: that is left to the handler itself."""


def notification(play: PlayContext, name: str, topic: str, handler: Step, host: HostName) -> Notification:
    """The handler as a rollback can run it on the host; its name alone where it cannot."""
    task = handler.task
    assert task is not None
    action = short(task.action)
    alone = Notification(name=name, topic=topic)
    if task.loop is not None or any(handler.keywords.get(each) for each in ELSEWHERE) or not by_itself(action):
        return alone
    if play.run.modules is not None and dispatch.handler_of(task, play.run.modules, play.settings) is not dispatch.handler_for(action):
        return alone
    conditions = handler.keywords.get("when")
    if any(sign in text for text in texts((task.args, conditions)) for sign in ASKING):
        return alone
    renderer = play.renderer(handler, host)
    try:
        if conditions and not renderer.condition(conditions):
            return alone
        return Notification(
            name=name,
            topic=topic,
            action=action,
            args=renderer.render_arguments(task.args),
            become=become_of(play, handler, host, renderer),
            quiet=handler.keywords.get("changed_when") in (False, [False]),
        )
    except EngineError:
        return alone  # it needs something that only the flush will know


def by_itself(action: str) -> bool:
    found = dispatch.handler_for(action)
    return found is not None and (action in BY_THEMSELVES or found.run.__module__ == dispatch.__name__)


def become_of(play: PlayContext, handler: Step, host: HostName, renderer: Renderer) -> dict[str, Value]:
    """Whom it becomes, by keywords, variables and settings; empty where that is nobody else."""
    keywords = rendered(handler, renderer, check=False, diff=False, timeout=0.0, poll=0.0)
    become = play.target(handler, host, None, renderer, keywords).become
    return {"method": become.method, "user": become.user} if become is not None else {}


def texts(value: Any) -> list[str]:
    """Every text in it."""
    if isinstance(value, str):
        return [value]
    if isinstance(value, dict):
        return [text for each in value.values() for text in texts(each)]
    return [text for each in value for text in texts(each)] if isinstance(value, list | tuple) else []
