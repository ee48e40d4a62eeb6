"""`resource` and `rollback` of one task on one host: what it says of itself becomes a change that the state can keep.

The name is rendered before the task runs, the way back when it has run and its result is known.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from engine.actions.base import ActionCall
from engine.errors import EngineError, PlanError, TemplateError, UnknownValue
from engine.model.addresses import HostName, ResourceAddress
from engine.model.change import Change
from engine.model.frozen import frozen
from engine.model.outcome import Status, TaskOutcome
from engine.model.own_resources import parts_of
from engine.model.problem import Problem
from engine.model.source import Span
from engine.model.values import OMIT, Value, written_at
from engine.plan.step import Step
from engine.playbook.names import short
from engine.playbook.undoing import RESOURCE, ROLLBACK
from engine.runtime import dispatch, failures
from engine.runtime.context import PlayContext
from engine.runtime.judge import registered
from engine.runtime.keywords import processing
from engine.state.tainted import WHY
from engine.templating.renderer import Renderer

COMMANDS = frozenset(("command", "shell", "script", "raw"))
NAMELESS = "command"
"""The kind of what is no resource: it is recorded so that a rollback can name it."""
OF_OTHERS = "module"
"""The kind of what is recorded of modules that were written for Ansible."""
NOT_KNOWN = "it does not say how it is taken back: there is no `rollback`"
ITSELF = "`resource` and `rollback` have no effect here: the module itself records what it changes, and how that is taken back"


@frozen(kw_only=True)
class Declared:
    """What one task says, its name rendered."""

    kind: str = NAMELESS
    name: str = ""
    """Empty where it names no resource."""
    rollback: Value = None
    """As written."""
    span: Span | None = None
    """Of `rollback`."""


def declared(play: PlayContext, step: Step, renderer: Renderer) -> Declared | None:
    """None where the task says nothing of itself.

    Raises:
        TemplateError: `bad-resource`: the name that came of a template is none.
        PlanError: `unknown-module`: nothing is there that could take it back.
    """
    resource, rollback = step.keywords.get(RESOURCE), step.keywords.get(ROLLBACK)
    if resource is None and rollback is None:
        return None
    span = span_of(step, ROLLBACK, rollback)
    if isinstance(rollback, Mapping):
        must_exist(play, step, next(iter(rollback)), span)
    if resource is None:
        return Declared(rollback=rollback, span=span)
    with processing(RESOURCE, resource):
        shown = renderer.render(resource)
    if shown is OMIT or shown in (None, ""):
        return Declared(rollback=rollback, span=span)
    try:
        kind, name = parts_of(str(shown))
    except ValueError as error:
        found = Problem(code="bad-resource", summary="This cannot be the name of a resource", detail=str(error),
                        span=span_of(step, RESOURCE, resource))  # fmt: skip
        raise TemplateError(found) from None
    return Declared(kind=kind, name=name, rollback=rollback, span=span)


def made_anew(
    play: PlayContext, step: Step, said: Declared | None, handler: dispatch.Handler, call: ActionCall, renderer: Renderer, machine: HostName
) -> dispatch.Handler:
    """The handler, or one that takes away first what is tainted and made by this task."""
    try:
        said = said or declared(play, step, renderer)
    except EngineError:
        said = None  # in check mode: a mistake or something unknown in it is told when the task has run
    return play.run.tainted.handler(handler, call, said, machine)


def span_of(step: Step, name: str, value: Value) -> Span | None:
    spans = step.task.spans if step.task is not None else {}
    return written_at(value) or spans.get(name) or step.span


def must_exist(play: PlayContext, step: Step, action: str, span: Span | None) -> None:
    """Before the task runs: afterwards it would be too late to say so."""
    assert step.task is not None
    if dispatch.handler_of(replace(step.task, action=action), play.run.modules, play.settings) is None:
        summary, detail = "Unknown module", f"there is no module `{action}` that could take it back"
        raise PlanError(Problem(code="unknown-module", summary=summary, detail=detail, span=span))


def foretold(play: PlayContext, step: Step, outcome: TaskOutcome, renderer: Renderer) -> TaskOutcome:
    """In check mode: the outcome with the name of what it would change, or perhaps would."""
    if outcome.status not in (Status.CHANGED, Status.UNKNOWN) or by_module(outcome):
        return outcome
    try:
        said = declared(play, step, renderer)
    except UnknownValue:
        return outcome
    except EngineError as error:
        if outcome.status is Status.UNKNOWN:
            return outcome  # it may well be known when it comes to it
        result = failures.result_of(error, step)
        return replace(outcome, status=Status.FAILED, result=result, registered=registered(result))
    if said is None or not said.name:
        return outcome
    machine = outcome.delegated_to or outcome.host
    again = WHY if ResourceAddress(machine, said.kind, said.name) in play.run.tainted.done else ""
    change = Change(kind=said.kind, identity=said.name, before=None, after=None, host=machine, way_back={}, replaced=again)
    return replace(outcome, result=replace(outcome.result, changes=(change,)))


def told(play: PlayContext, step: Step, said: Declared, outcome: TaskOutcome, call: ActionCall, renderer: Renderer) -> TaskOutcome:
    """The outcome with its change as the task names it. A way back that cannot be told fails the task, which is recorded all the same."""
    if outcome.status is not Status.CHANGED:
        return outcome  # of one that failed nobody knows how far it came: it is not known what its way back would do
    result = outcome.result
    if by_module(outcome):
        strict = play.settings.run.compat == "ansible"
        return outcome if strict else replace(outcome, result=replace(result, warnings=(*result.warnings, ITSELF)))
    error: EngineError | None = None
    way: dict[str, Value] = {}
    try:
        way = way_back(play, step, said, outcome, call, renderer)
    except EngineError as mistake:
        error = mistake
    reason = "" if way else f"its rollback could not be told: {error.problem.message}" if error is not None else NOT_KNOWN
    change = Change(kind=said.kind, identity=said.name, before=None, after=None, reversible=bool(way), reason=reason, way_back=way)
    gone = tuple(each for each in result.changes if each.kind != OF_OTHERS)  # what was taken away to make it anew
    result = replace(result, changes=(*gone, call.remote.located(change)))
    if error is None:
        return replace(outcome, result=result)
    failure = failures.result_of(error, step)
    problem = error.problem.at(said.span) if said.span is not None else error.problem
    result = replace(result, failed=True, values={**result.values, **failure.values}, problem=problem)
    return replace(outcome, status=Status.FAILED, result=result, registered={**outcome.registered, **registered(result)})


def by_module(outcome: TaskOutcome) -> bool:
    """Did a module of the engine record what it did?"""
    return any(change.module.startswith("engine.modules.") for change in outcome.result.changes)


def way_back(
    play: PlayContext, step: Step, said: Declared, outcome: TaskOutcome, call: ActionCall, renderer: Renderer
) -> dict[str, Value]:
    """What takes it back, rendered: action, args, environment. Empty where the task says nothing, or says it with nothing."""
    if said.rollback is None:
        return {}
    if step.keywords.get("register"):
        renderer = renderer.over({str(step.keywords["register"]): outcome.registered})
    with processing(ROLLBACK, said.rollback):
        if isinstance(said.rollback, Mapping):
            action, args = of_action(play, step, said, call, renderer)
        else:
            action, args = of_text(renderer.render(said.rollback), call)
    if not action:
        return {}
    environment = {name: value for name, value in call.invocation.environment.items() if name != "ANSIBLE_ASYNC_DIR"}
    return {"action": action, "args": args, **({"environment": environment} if environment else {})}


def of_text(text: Value, call: ActionCall) -> tuple[str, dict[str, Value]]:
    """A command line, for the shell that the task had, where it ran."""
    if text is OMIT or text is None or not str(text).strip():
        return "", {}
    given = call.invocation.args if call.invocation.action in COMMANDS else {}
    names = {"raw": ("executable",), "shell": ("chdir", "executable")}.get(call.invocation.action, ("chdir",))
    kept = {name: given[name] for name in names if given.get(name)}
    if call.invocation.action == "raw":
        return "raw", {"_raw_params": str(text), **kept}
    return "shell", {"cmd": str(text), **kept}


def of_action(
    play: PlayContext, step: Step, said: Declared, call: ActionCall, renderer: Renderer
) -> tuple[str, dict[str, Value]]:
    """An action with its arguments, which are checked now. PlanError for those that it does not take."""
    ((action, written),) = said.rollback.items()
    assert step.task is not None
    handler = dispatch.handler_of(replace(step.task, action=action), play.run.modules, play.settings)
    assert handler is not None
    args = dict(written)
    whole = args.pop("_args", None)
    given = {**(renderer.render(whole) if whole is not None else {}), **renderer.render_arguments(args)}
    if handler.free_form and "_raw_params" in given:
        given.setdefault(handler.free_form, given.pop("_raw_params"))
    checked = dispatch.checked(handler, given, replace(call.invocation, action=short(action), span=said.span, spans={}))
    for secret in handler.secret:
        play.learn_secret(checked.get(secret))
    return action, given
