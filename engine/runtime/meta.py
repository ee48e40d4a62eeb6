"""`meta` tasks: what they do to hosts' positions and to the run."""

from __future__ import annotations

from enum import Enum

from engine.errors import PlanError
from engine.model.addresses import HostName
from engine.model.problem import Problem
from engine.model.values import Value
from engine.model.words import nearest
from engine.plan.step import Step


class Meta(Enum):
    FLUSH_HANDLERS = "flush_handlers"
    NOOP = "noop"
    CLEAR_FACTS = "clear_facts"
    CLEAR_HOST_ERRORS = "clear_host_errors"
    END_HOST = "end_host"
    END_PLAY = "end_play"
    END_BATCH = "end_batch"
    END_ROLE = "end_role"
    REFRESH_INVENTORY = "refresh_inventory"
    RESET_CONNECTION = "reset_connection"


SAID = {
    Meta.FLUSH_HANDLERS: "triggered running handlers for {0}",
    Meta.NOOP: "noop",
    Meta.CLEAR_FACTS: "facts cleared",
    Meta.CLEAR_HOST_ERRORS: "cleared host errors",
    Meta.END_HOST: "ending play for {0}",
    Meta.END_PLAY: "ending play",
    Meta.END_BATCH: "ending batch",
    Meta.END_ROLE: "role_end for {0}",
    Meta.REFRESH_INVENTORY: "inventory successfully refreshed",
    Meta.RESET_CONNECTION: "reset connection",
}
"""What is told under -vv of a host, in ansible-core's words."""
EVERYBODYS = frozenset((Meta.CLEAR_FACTS, Meta.CLEAR_HOST_ERRORS, Meta.END_PLAY, Meta.END_BATCH, Meta.REFRESH_INVENTORY))
"""Done once for all hosts, where they go together."""
UNCONDITIONAL = frozenset((Meta.NOOP, Meta.REFRESH_INVENTORY, Meta.RESET_CONNECTION))
"""Those that ask no condition."""
INSTEAD = {
    Meta.FLUSH_HANDLERS: "not running handlers for {0}",
    Meta.CLEAR_FACTS: "not clearing facts and fact cache for {0}",
    Meta.CLEAR_HOST_ERRORS: "not clearing host error state for {0}",
    Meta.END_HOST: "continuing execution for {0}",
    Meta.END_PLAY: "continuing play",
    Meta.END_BATCH: "continuing current batch",
    Meta.END_ROLE: "continuing role {1} for {0}",
}


def why_skipped(meta: Meta, host: HostName, role: str = "") -> tuple[str, str]:
    """What is told of one whose condition was false, in ansible-core's words: its `msg`, and the reason."""
    instead = INSTEAD[meta].format(host, role)
    said = f"{meta.value} conditional evaluated to"
    return f"{said} false, {instead}" if meta is Meta.END_HOST else meta.value, f"{said} False, {instead}"


def meta_of(step: Step) -> Meta:
    """Which one, as written: templates have no meaning here. PlanError `unknown-meta` for another word."""
    task = step.task
    assert task is not None
    given: Value = task.args.get("_raw_params")
    word = str(given).strip()
    try:
        return Meta(word)
    except ValueError:
        near = nearest(word, [each.value for each in Meta])
        raise PlanError(
            Problem(
                code="unknown-meta",
                summary="There is no such meta task",
                detail=f"invalid meta action requested: {word}",
                span=task.action_span,
                hint=f"did you mean `{near}`?" if near else "",
            )
        ) from None
