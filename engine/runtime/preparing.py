"""All that one task on one host (or one item of its loop) has before it runs: keywords, arguments, the target, the call of its action."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

from engine.actions.base import ActionCall
from engine.connections.become import told
from engine.model.addresses import HostName
from engine.model.effect import Effect
from engine.model.event import ProblemFound
from engine.model.invocation import TaskInvocation
from engine.model.problem import Problem
from engine.model.values import TemplateText, Value
from engine.plan.step import Step
from engine.playbook.action_groups import ActionGroups
from engine.playbook.free_form import TAKE_TEXT
from engine.playbook.names import is_builtin, qualified, short
from engine.runtime import dispatch, failures, unknown
from engine.runtime.beginning import beginning
from engine.runtime.context import PlayContext
from engine.runtime.defaults import defaults_for
from engine.runtime.keywords import TaskKeywords, environment_of, rendered
from engine.runtime.line import line_to
from engine.runtime.loop import LoopControl
from engine.runtime.remote import HostRemote
from engine.runtime.views import VariablesView
from engine.templating.renderer import Renderer

BECOME_IS_TOLD = 4
"""The number of `-v` from which on it is shown how the engine becomes another user."""
UNRENDERED = TaskKeywords()
"""The keywords of a task that a mistake stopped before they were rendered."""


@dataclass(slots=True, kw_only=True)
class Setting:
    """What all items of one task on one host share."""

    play: PlayContext
    step: Step
    host: HostName
    name: str
    control: LoopControl = field(default_factory=LoopControl)
    keywords: TaskKeywords = field(default_factory=lambda: UNRENDERED)
    """Rendered anew for each item: they may use it."""
    index: int | None = None
    """Of a loop's item its number, from 0."""
    addressed: bool = True
    """Whether a delegate's address is to be told: of a loop's items only the first that is called does."""
    earlier: Mapping[str, Sequence[Effect]] = field(default_factory=dict)
    """What the items before this one have decided; it is applied when the whole loop is over."""


def keywords_of(setting: Setting, renderer: Renderer) -> TaskKeywords:
    """The task's keywords for one item (or for the task without a loop)."""
    play, run = setting.play, setting.play.settings.run
    return rendered(setting.step, renderer, check=play.check, diff=play.diff, timeout=run.task_timeout, poll=run.poll_interval)


def prepared(setting: Setting, renderer: Renderer, delegate: HostName | None) -> tuple[ActionCall, dispatch.Handler]:
    """Arguments, target, and all that an action may ask for."""
    step, host, play, keywords = setting.step, setting.host, setting.play, setting.keywords
    task = step.task
    assert task is not None
    action = str(renderer.render(task.action)) if isinstance(task.action, TemplateText) else task.action
    name = short(action)
    handler = dispatch.handler_of(replace(task, action=action), play.run.modules, play.settings)
    if handler is None:
        raise failures.unknown_module(task)
    if "_raw_params" in task.args and is_builtin(task.action) and name not in TAKE_TEXT:
        raise failures.free_text(task)
    with failures.during(f"Finalization of task args for '{qualified(task.action)}' failed: ", task.action_span):
        raw = arguments_of(step, handler, renderer, play.groups)
        lazy = {key: value for key, value in raw.items() if key in handler.lazy}
        eager = {key: value for key, value in raw.items() if key not in handler.lazy}
        takes_unknown = play.foresight is not None and name in unknown.SETS
        given = unknown.arguments(renderer, eager) if takes_unknown else renderer.render_arguments(eager)
    def tell(problem: Problem) -> None:
        play.events.publish(ProblemFound(problem=problem, host=host))

    invocation = TaskInvocation(
        action=name,
        args=given,
        check=keywords.check,
        diff=keywords.diff,
        diff_limit=play.settings.run.max_diff_size,
        no_log=keywords.no_log,
        environment={**environment_of(step, renderer, tell), **async_place(name, keywords, renderer)},
        timeout=keywords.timeout,
        verbosity=play.settings.output.verbosity,
        span=task.span,
        spans=task.spans,
    )
    args = dispatch.checked(
        handler, {**given, **{key: value for key, value in lazy.items() if handler.arguments and key in handler.arguments}}, invocation
    )
    for secret in handler.secret:
        play.learn_secret(args.get(secret))
    invocation = replace(invocation, args=args)
    target, output = play.target(step, host, delegate, renderer, keywords), play.output_of(step, host, keywords)
    if output is not None and target.become is not None and handler.connects and play.settings.output.verbosity >= BECOME_IS_TOLD:
        output("become", f"EXEC {told(target.become)}")
    begins = None if invocation.check else beginning(play, step, host, setting.index, setting.name, handler, invocation)
    remote = HostRemote(line_to(play, target), invocation, output, play.foresight, begins)
    call = ActionCall(
        invocation=invocation,
        host=host,
        remote=remote,
        variables=VariablesView(renderer),
        rendering=renderer,
        files=play.files,
        search=play.search(step),
        play_hosts=play.batch,
        raw_args=raw,
        ask=play.ask,
        sleep=play.clock.sleep,
        duplicates=play.settings.variables.duplicate_key,
        strict=play.settings.run.compat == "ansible",
        facts_modules=play.settings.facts.modules,
        earlier=setting.earlier,
    )
    call.call_module = partial(dispatch.other_module, call, replace(task, action=action), play.run.modules, play.settings)
    return call, handler


def async_place(name: str, keywords: TaskKeywords, renderer: Renderer) -> dict[str, str]:
    """Where jobs of `async` leave their results, where the variable `ansible_async_dir` says."""
    if (keywords.async_seconds <= 0 and name != "async_status") or not renderer.raw_exists("ansible_async_dir"):
        return {}
    return {"ANSIBLE_ASYNC_DIR": str(renderer.name("ansible_async_dir"))}


def arguments_of(step: Step, handler: dispatch.Handler, renderer: Renderer, groups: ActionGroups) -> dict[str, Value]:
    """The task's arguments, unrendered: module_defaults under its own, free-form text under the name the module gives it."""
    task = step.task
    assert task is not None
    given: dict[str, Value] = dict(defaults_for(handler.name, step, renderer, groups, handler.defaults))
    own = dict(task.args)
    whole = own.pop("_args", None)
    if whole is not None:
        value = renderer.render(whole)
        if not isinstance(value, Mapping):
            raise failures.bad_arguments(task, f"Task args must resolve to a 'dict' not '{type(value).__name__}'.")
        own = {**value, **own}
    given.update(own)
    if handler.free_form and "_raw_params" in given:
        given.setdefault(handler.free_form, given.pop("_raw_params"))
    return given
