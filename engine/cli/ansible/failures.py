"""Failed tasks in ansible-core's form: what stands above `fatal: […]`, on the same stream."""

from __future__ import annotations

import os
import textwrap
from collections.abc import Callable, Mapping

from engine.callbacks.results import plain
from engine.cli.ansible.problems import ERROR_COLOUR, Link, chained, links_of, painted
from engine.cli.terminal import Terminal
from engine.cli.view.problem import source_lines
from engine.model.outcome import Status, TaskOutcome
from engine.model.source import Span

TASK = "Task failed"
UNSATISFIED = "_ansible_unsatisfied"
"""In a result that nothing but `until` calls a failure."""
MODULE, ACTION = "Module failed", "Action failed"
OWN_WORDS = frozenset(("debug", "set_fact", "add_host", "set_stats", "pause", "template", "script", "raw", "include_tasks", "include_role"))
"""Actions whose failures ansible-core tells without saying that an action failed."""
ARGUMENTS_BY_ACTION = frozenset(("copy", "group_by", "fail", "assert", "fetch", "include_vars", "uri"))
"""Actions that look at their arguments themselves, on the controller."""
NO_TASK = frozenset(("include_tasks", "include_role"))
"""Actions whose own mistakes are told as they are: what they name is not there."""
AT_TASK = frozenset(("unknown-connection", "no-async", "delegate-empty"))
"""Mistakes that have no place but the task's."""
NOT_STARTED = "Error executing command."
HIDDEN = "the output has been hidden due to the fact that 'no_log: true' was specified for this result"


def explainer(
    read: Callable[[str], str], terminal: Terminal, change: Callable[[list[Link]], list[Link]] = lambda links: links
) -> Callable[[TaskOutcome, Span | None], str]:
    """What gives the text above a result: each text once, as ansible-core does, of what goes wrong alike on many hosts."""
    told: set[str] = set()

    def explain(outcome: TaskOutcome, span: Span | None) -> str:
        text = explained(outcome, opening(span, read), read, change)
        if text in told:
            return ""
        told.add(text)
        return painted(text, ERROR_COLOUR, terminal.coloured(terminal.out))

    return explain


def opening(span: Span | None, read: Callable[[str], str]) -> Span | None:
    """The place of a task whose first key stands at `span`: `- {name: x}` begins at its brace."""
    lines = source_lines(span, read) if span is not None and span.line > 0 else None
    if span is None or lines is None:
        return span
    before = lines[span.line - 1][: span.column - 1].rstrip()
    return Span(span.path, span.line, len(before)) if before.endswith("{") else span


def explained(
    outcome: TaskOutcome, span: Span | None, read: Callable[[str], str], change: Callable[[list[Link]], list[Link]] = lambda links: links
) -> str:
    """The text above the result of a task that stands at `span`, newline at its end; empty where there is none."""
    if outcome.status not in (Status.FAILED, Status.UNREACHABLE):
        return ""
    if UNSATISFIED in outcome.result.values:
        return ""
    if outcome.no_log:
        return chained(change([Link(text=TASK, span=span), Link(text=HIDDEN)]), read)
    context = outcome.result.values.get("validate_args_context")
    if isinstance(context, Mapping) and context.get("type") == "role" and span is not None:
        return chained(change(links(outcome, None)), read) + unwritten(outcome)
    return chained(change(links(outcome, span)), read)


def unwritten(outcome: TaskOutcome) -> str:
    """In place of where it stands, a task that nobody wrote: the beginning of its data."""
    spec = plain(outcome.result.values.get("argument_spec_data"))
    task = {"action": "ansible.builtin.validate_argument_spec", "args": {"argument_spec": spec}}
    return f"Origin: <unknown>\n\n{textwrap.shorten(repr(task), 120)}\n\n"


def links(outcome: TaskOutcome, span: Span | None) -> list[Link]:
    """What failed, outermost first."""
    action = outcome.action.rpartition(".")[2]
    problem = outcome.result.problem
    said = str(outcome.result.values.get("msg", "")).removeprefix(f"{TASK}: ")
    if outcome.status is Status.UNREACHABLE:
        return [Link(text=TASK, span=span), Link(text=said)]
    if problem is not None and problem.code in AT_TASK:
        return [Link(text=TASK, span=span), Link(text=problem.message)]
    if problem is not None and problem.code == "failed-when":
        return [Link(text=TASK, span=span), Link(text=problem.message.removeprefix(f"{TASK}: "))]
    if problem is not None and problem.around and not problem.before_task:
        return [Link(text=TASK, span=span), *links_of(problem)]
    alone = action in NO_TASK and not str(outcome.result.values.get("msg", "")).startswith(TASK)
    if problem is not None and problem.code == "loop-lookup":
        return [Link(text=problem.message, origin="invoke_lookup()")]
    if problem is not None and (problem.before_task or (alone and not problem.code.startswith("bad-"))):
        return links_of(problem)
    if said == NOT_STARTED:
        said = f"{NOT_STARTED[:-1]}: {reason_of(outcome)}"
    if problem is None or problem.code == "bad-arguments":
        kind = kind_of(outcome, action)
        return [Link(text=TASK, span=span), *([Link(text=kind)] if kind else []), Link(text=said.removeprefix(f"{kind}: "))]
    return [Link(text=TASK, span=span), *links_of(problem)]


def reason_of(outcome: TaskOutcome) -> str:
    """Why a program could not be started, as Python says it; the result has it in parts."""
    number = outcome.result.values.get("rc")
    program = (str(outcome.result.values.get("cmd", "")).split() or [""])[0]
    return f"[Errno {number}] {os.strerror(number) if isinstance(number, int) else ''}: {program.encode()!r}"


def kind_of(outcome: TaskOutcome, action: str) -> str:
    """Whether the module on the target or the controller's half of the task speaks."""
    if "timedout" in outcome.result.values:
        return ""
    if outcome.result.by_module:
        return MODULE
    if outcome.result.problem is not None and action not in OWN_WORDS and action not in ARGUMENTS_BY_ACTION:
        return MODULE  # its arguments: the engine looks at them before the target does
    return "" if action in OWN_WORDS else ACTION


