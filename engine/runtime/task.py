"""One task on one host: `run_task` makes the items, `run_item` is the straight line that each of them goes.

scope → items → delegate → when → arguments → target → dispatch → attempt → judge → effects. New behaviour must
choose one of these steps; its logic stands in the file named for it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

from engine.actions.base import ActionCall
from engine.connections.become import told
from engine.errors import EngineError, InDoubt, NotKept, UnknownValue
from engine.model.addresses import HostName
from engine.model.effect import AddHost, Effect, IncludeVariables, JoinGroup, NamedFacts, SetVariables
from engine.model.event import ItemFinished, ProblemFound
from engine.model.invocation import TaskInvocation
from engine.model.outcome import ModuleResult, Status, TaskOutcome
from engine.model.problem import Problem
from engine.model.values import TemplateText, Value, written_at
from engine.plan.step import Step
from engine.playbook.action_groups import ActionGroups
from engine.playbook.free_form import TAKE_TEXT
from engine.playbook.names import is_builtin, qualified, short
from engine.runtime import attempts, dispatch, failures, undoing, unknown
from engine.runtime.beginning import beginning
from engine.runtime.context import PlayContext
from engine.runtime.defaults import defaults_for
from engine.runtime.delegate_name import delegate_of, known_delegate, told_delegate
from engine.runtime.foresight import Foresight
from engine.runtime.judge import NO_TRACEBACK, of_items, registered, skipped
from engine.runtime.keywords import TaskKeywords, environment_of, flag, rendered
from engine.runtime.line import line_to
from engine.runtime.loop import LoopControl, control_of, items_of, variables_of
from engine.runtime.notifying import notified_by
from engine.runtime.remote import HostRemote
from engine.runtime.task_names import task_name
from engine.runtime.unkept import refuse_unkept
from engine.runtime.views import VariablesView
from engine.scopes.store import injected_name
from engine.templating.renderer import Renderer

BECOME_IS_TOLD = 4
"""The number of `-v` from which on it is shown how the engine becomes another user."""


PACKAGES = frozenset(("apt", "package", "dnf", "yum", "pip"))
"""Actions of which one changes what the next one finds, and whose effects on files and services nobody foresees."""
UNRENDERED = TaskKeywords()
"""The keywords of a task that a mistake stopped before they were rendered."""


@dataclass(slots=True)
class TaskRun:
    """A task's outcome and what its action decided, in order."""

    outcome: TaskOutcome
    acted: list[Effect] = field(default_factory=list)
    facts_to: HostName | None = None


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


async def run_task(play: PlayContext, step: Step, host: HostName) -> TaskRun:
    """The task on `host`, all items of its loop. A failed task is an outcome; only bugs and cancellation raise."""
    started = play.clock.monotonic()
    renderer = play.renderer(step, host)
    name = task_name(step, renderer)
    setting = Setting(play=play, step=step, host=host, name=name)
    try:
        task = step.task
        assert task is not None
        if task.loop is None:
            run = await run_item(setting, renderer, None)
        else:
            run = await run_loop(replace(setting, control=control_of(step.keywords, renderer)), renderer)
    except (InDoubt, NotKept):
        raise
    except EngineError as error:
        refuse_unkept(error, step, host, name)
        if isinstance(error, UnknownValue) and play.foresight is not None:
            return TaskRun(unknown.stopped_by(step, host, name, error, no_log=no_log_of(step, renderer)))
        run = TaskRun(replace(mistaken(setting, renderer, error), delegated_to=known_delegate(step, renderer, host, error)))
    run.outcome = replace(run.outcome, seconds=play.clock.monotonic() - started)
    return run


async def run_loop(setting: Setting, renderer: Renderer) -> TaskRun:
    """Each item in turn; what one sets (set_fact) the next one sees. A mistake in the list waits until `when` had its say."""
    step, play = setting.step, setting.play
    assert step.task is not None and step.task.loop is not None
    try:
        items = items_of(step.task.loop, renderer)
    except EngineError as error:
        if passed_over(error, step, renderer, whatever=isinstance(error, UnknownValue)):
            result = skipped(failing_condition(step, renderer))
            return TaskRun(concluded(step, setting.host, setting.name, result, Status.SKIPPED))
        raise
    outcomes: list[TaskOutcome] = []
    acted: list[Effect] = []
    earlier: dict[str, list[Effect]] = {}
    facts_to: HostName | None = None
    seen: dict[str, Value] = {}
    addressed = True
    for index, item in enumerate(items):
        if index and setting.control.pause:
            await play.clock.sleep(setting.control.pause)
        extra = {**seen, **variables_of(setting.control, items, index)}
        own = replace(setting, addressed=addressed, earlier=earlier, index=index)
        known = play.run.replay.item(step, setting.host, index) if play.run.replay is not None else None
        run = TaskRun(*known) if known is not None else await run_item(own, play.renderer(step, setting.host, extra), extra)
        addressed = addressed and not run.outcome.attempts
        outcome = replace(
            run.outcome,
            item=item,
            is_item=True,
            loop_var=setting.control.loop_var,
            registered={**run.outcome.registered, **loop_marks(setting.control, extra)},
        )
        facts_to = run.facts_to
        seen.update({**registered_by(step, outcome), **set_by(run, outcome)})
        acted.extend(run.acted)
        for effect in run.acted:
            if isinstance(effect, AddHost | JoinGroup):
                earlier.setdefault(effect.name if isinstance(effect, AddHost) else effect.group, []).append(effect)
        enough = False
        if setting.control.break_when is not None:
            outcome, enough = broken_off(setting, outcome, extra)
        outcomes.append(outcome)
        if known is None and run.facts_to is None:
            await keep_item(play, step, index, outcome, run.acted)
        play.events.publish(ItemFinished(outcome=outcome))
        if enough:
            break
    return TaskRun(whole_of(setting, outcomes), acted, facts_to)


async def keep_item(play: PlayContext, step: Step, index: int, outcome: TaskOutcome, acted: Sequence[Effect]) -> None:
    """Each item is recorded as it ends, so that a run that breaks off in a loop is gone on with at the right one."""
    try:
        names = notified_by(play, step, replace(outcome, items=(outcome,)))
    except EngineError:
        names = []  # told when the task ends
    await play.run.recorder.item(step, index, outcome, play.meant(names, outcome.host), acted)


def whole_of(setting: Setting, outcomes: list[TaskOutcome]) -> TaskOutcome:
    """A loop's outcome from those of its items."""
    step = setting.step
    status, shape = of_items(outcomes)
    values = {name: value for name, value in shape.items() if name not in ("changed", "failed", "skipped", "unreachable")}
    result = ModuleResult(
        values=values,
        changed=shape["changed"],
        failed=bool(shape.get("failed")),
        skipped=status is Status.SKIPPED,
        unreachable=status is Status.UNREACHABLE,
    )
    forgiven = status in (Status.FAILED, Status.UNREACHABLE) and any(one.ignored for one in outcomes if one.status is status)
    return TaskOutcome(
        step=step.address,
        host=setting.host,
        status=status,
        result=result,
        action=action_of(step),
        task_name=setting.name,
        ignored=forgiven,
        items=tuple(outcomes),
        looped=True,
        no_log=any(one.no_log for one in outcomes),
        registered=shape,
        delegated_to=told_delegate(setting.step, outcomes),
    )


def set_by(run: TaskRun, outcome: TaskOutcome) -> dict[str, Value]:
    """The variables that one item set, for the items after it. They become the host's own when the whole loop has gone well."""
    if outcome.status not in (Status.OK, Status.CHANGED):
        return {}
    found = {injected_name(name): value for name, value in outcome.result.facts.items()}
    for effect in run.acted:
        if isinstance(effect, SetVariables | IncludeVariables) and effect.host == outcome.host:
            found.update(effect.variables)
        elif isinstance(effect, NamedFacts) and effect.host == outcome.host:
            found.update(effect.facts)
    return found


def loop_marks(control: LoopControl, extra: Mapping[str, Value]) -> dict[str, Value]:
    """What a registered item says about its place in the loop."""
    return {
        name: extra[name]
        for name in (control.loop_var, "ansible_loop_var", control.index_var, "ansible_index_var", "ansible_loop")
        if name and name in extra
    }


def passed_over(error: EngineError, step: Step, renderer: Renderer, *, whatever: bool = False) -> bool:
    """Is a loop over something undefined (or `whatever` is wrong with it) no mistake, because `when` is false without any item?"""
    if error.problem.code != "undefined-variable" and not whatever:
        return False
    try:
        return failing_condition(step, renderer) is not None
    except EngineError:
        return False


def registered_by(step: Step, outcome: TaskOutcome) -> dict[str, Value]:
    """The variable that one item registers, for the items after it and for conditions about it."""
    register = step.keywords.get("register")
    return {str(register): unknown.value_of(outcome)} if register else {}


def broken_off(setting: Setting, outcome: TaskOutcome, extra: Mapping[str, Value]) -> tuple[TaskOutcome, bool]:
    """The item's outcome with what `break_when` said, and that. A condition that cannot be told fails the item, and ends the loop too."""
    over = {**extra, **registered_by(setting.step, outcome)}
    try:
        ended = setting.play.renderer(setting.step, setting.host, over).condition(setting.control.break_when)
    except EngineError as error:
        return unclear_break(setting, outcome, error), True
    return replace(outcome, registered={**outcome.registered, "break_when_result": ended}), ended


def unclear_break(setting: Setting, outcome: TaskOutcome, error: EngineError) -> TaskOutcome:
    """The item, failed since its `break_when` cannot be told."""
    said = error.problem.message
    error.prefix("A 'break_when' expression failed: ", written_at(setting.control.break_when))
    values: dict[str, Value] = {**outcome.result.values, "break_when_result": said}
    if outcome.result.failed:
        values["break_when_suppressed_exception"] = NO_TRACEBACK
    result = replace(outcome.result, failed=True, values=values, problem=error.problem.at(setting.step.span))
    shape = {**outcome.registered, **registered(result)}
    ignored = bool(flag(setting.step, "ignore_errors", setting.play.renderer(setting.step, setting.host), False))
    return replace(outcome, status=Status.FAILED, result=result, registered=shape, ignored=ignored)


async def run_item(setting: Setting, renderer: Renderer, extra: Mapping[str, Value] | None) -> TaskRun:
    """One item (or the whole task, without a loop): the straight line. Mistakes on the way are failed outcomes."""
    step, host, play = setting.step, setting.host, setting.play
    written = step.keywords.get("delegate_to")
    delegate: HostName | None = written if isinstance(written, str) else None  # as it is told until it is known
    runs = False
    try:
        delegate = delegate_of(step, renderer)
        seen = dict(extra or {})
        if delegate is not None:
            seen["ansible_delegated_vars"] = {delegate: play.scopes.delegated(host, delegate)}
            renderer = renderer.over({"ansible_delegated_vars": seen["ansible_delegated_vars"]})
        renderer = play.at_work(renderer, step, host, delegate)
        false = failing_condition(step, renderer)
        if false is not None:
            outcome = concluded(step, host, setting.name, skipped(false), Status.SKIPPED, no_log=no_log_of(step, renderer))
            return TaskRun(labelled(setting, renderer, outcome, extra))
        runs = True
        setting = replace(setting, keywords=keywords_of(setting, renderer))
        said = None if setting.keywords.check else undoing.declared(play, step, renderer)
        call, handler = prepared(setting, renderer, delegate)
        if play.run.tainted.known and not setting.keywords.async_seconds:
            handler = undoing.made_anew(play, step, said, handler, call, renderer, delegate or host)
        elsewhere = delegate if delegate != host else None
        attempt = attempts.Attempt(
            play=play, step=step, host=host, name=setting.name, keywords=setting.keywords, extra=seen, delegated_to=elsewhere
        )
        verdict = await attempts.until_satisfied(attempt, handler, call)
    except (InDoubt, NotKept):
        raise
    except EngineError as error:
        refuse_unkept(error, step, host, setting.name)
        if isinstance(error, UnknownValue) and play.foresight is not None:
            outcome = unknown.stopped_by(step, host, setting.name, error, no_log=no_log_of(step, renderer), runs=runs)
            if outcome.status is Status.UNKNOWN:
                play.foresight.uncertain.setdefault(delegate or host, error.problem.detail)
            outcome = replace(outcome, delegated_to=delegate if delegate != host else None)
            return TaskRun(labelled(setting, renderer, undoing.foretold(play, step, outcome, renderer), extra))
        outcome = replace(mistaken(setting, renderer, error), delegated_to=delegate if delegate != host else None)
        return TaskRun(labelled(setting, renderer, outcome, extra))
    outcome = TaskOutcome(
        step=step.address,
        host=host,
        status=verdict.status,
        result=verdict.result,
        action=call.invocation.action if isinstance(action_of(step), TemplateText) else action_of(step),
        task_name=setting.name,
        attempts=verdict.attempts,
        no_log=setting.keywords.no_log or bool(verdict.result.values.get("_ansible_no_log")),
        registered=verdict.shape,
        delegated_to=elsewhere,
        delegated_address=address_of(call, setting, verdict.status) if elsewhere else "",
    )
    if play.foresight is not None:
        outcome = undoing.foretold(play, step, foreseen(setting, outcome, play.foresight), renderer)
    if said is not None:
        outcome = undoing.told(play, step, said, outcome, call, renderer)
    facts_to = delegate if setting.keywords.delegate_facts else None
    acted = [moved(effect, facts_to) for effect in call.effects] if facts_to else call.effects
    return TaskRun(labelled(setting, renderer, forgiven(setting, outcome), extra), acted, facts_to)


def foreseen(setting: Setting, outcome: TaskOutcome, foresight: Foresight) -> TaskOutcome:
    """The outcome in check mode, as far as it can be known; see runtime/unknown.py."""
    written = setting.step.keywords
    may_fail = bool(setting.keywords.ignore_errors or "failed_when" in written)
    made = unknown.foreseen(outcome, written.get("changed_when"), may_fail=may_fail)
    machine = outcome.delegated_to or outcome.host
    cause = foresight.uncertain.get(machine)
    if short(outcome.action) in PACKAGES and made.status is not Status.UNKNOWN:
        if machine in foresight.packages:
            made = unknown.after(made, "an earlier task would have changed packages")
        elif made.status is Status.CHANGED:
            foresight.packages.add(machine)
            foresight.uncertain.setdefault(machine, f"the task \"{outcome.task_name}\" would change packages, and what comes with them")
    if made.status is Status.FAILED and cause and not made.result.refused:
        made = unknown.after(made, f"as things are it would fail: {made.result.values.get('msg', '')}; but before it, {cause}")
    elif made.status is Status.UNKNOWN:
        foresight.uncertain.setdefault(machine, str(made.result.values.get("reason", "")))
    return made


def address_of(call: ActionCall, setting: Setting, status: Status) -> str:
    """Where the delegate of this call was reached, if that is to be told and is not its name."""
    remote = call.remote
    if not setting.addressed or setting.keywords.no_log or status is Status.UNREACHABLE or not isinstance(remote, HostRemote):
        return ""
    return remote.target.address if remote.target.address != remote.target.host else ""


def moved(effect: Effect, owner: HostName) -> Effect:
    """Under delegate_facts what a task sets is the delegate's."""
    return replace(effect, host=owner) if isinstance(effect, SetVariables | IncludeVariables | NamedFacts) else effect


def mistaken(setting: Setting, renderer: Renderer, error: EngineError) -> TaskOutcome:
    """The outcome of a task (or item) that a mistake or a lost host stopped; ignore_errors and ignore_unreachable count, if they can."""
    step = setting.step
    result = failures.result_of(error, step)
    outcome = concluded(step, setting.host, setting.name, result, failures.status_of(result), no_log=no_log_of(step, renderer))
    if setting.keywords is UNRENDERED and setting.play.settings.run.compat == "ansible" and step.keywords.get("ignore_errors") is not True:
        return outcome  # ansible-core renders ignore_errors with the other keywords, which this mistake came before
    asked = "ignore_unreachable" if outcome.status is Status.UNREACHABLE else "ignore_errors"
    try:
        return replace(outcome, ignored=bool(flag(step, asked, renderer, False)))
    except EngineError:
        return outcome  # what cannot be rendered forgives nothing


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



def failing_condition(step: Step, renderer: Renderer) -> Value:
    """The first condition of `when` that does not hold, as written (False where it is just that); None where all hold.

    Raises:
        UnknownValue: one is not known yet, and no other is false.
    """
    unsure: UnknownValue | None = None
    for condition in step.keywords.get("when") or ():
        try:
            with failures.during("A 'when' expression failed: ", written_at(condition)):
                if not renderer.condition(condition):
                    return str(condition) if isinstance(condition, str) else condition
        except UnknownValue as error:
            unsure = unsure or error
        except EngineError:
            if unsure is None:
                raise
            break  # it may be one that the unknown condition before guards
    if unsure is not None:
        raise unsure
    return None


def concluded(step: Step, host: HostName, name: str, result: ModuleResult, status: Status, *, no_log: bool = False) -> TaskOutcome:
    """The outcome of a task whose module was never called."""
    return TaskOutcome(
        step=step.address,
        host=host,
        status=status,
        result=result,
        action=action_of(step),
        task_name=name,
        attempts=0,
        no_log=no_log,
        registered=registered(result),
    )


def forgiven(setting: Setting, outcome: TaskOutcome) -> TaskOutcome:
    keywords = setting.keywords
    ignored = (outcome.status is Status.FAILED and keywords.ignore_errors) or (
        outcome.status is Status.UNREACHABLE and keywords.ignore_unreachable
    )
    return replace(outcome, ignored=True) if ignored else outcome


def labelled(setting: Setting, renderer: Renderer, outcome: TaskOutcome, extra: Mapping[str, Value] | None) -> TaskOutcome:
    if extra is None:
        return outcome
    label: Value = extra.get(setting.control.loop_var)
    if setting.control.label is not None:
        register = setting.step.keywords.get("register")
        if register:
            over = {**extra, str(register): unknown.value_of(outcome)}
            renderer = setting.play.renderer(setting.step, setting.host, over)
        try:
            label = renderer.render(setting.control.label)
        except EngineError as error:
            # a label is only shown: it must not decide about the task, which shows its item instead
            warnings = (*outcome.result.warnings, f"Failed to template loop_control label: {error.problem.message}")
            result = replace(outcome.result, warnings=warnings)
            outcome = replace(outcome, result=result, registered={**outcome.registered, "warnings": list(warnings)})
    return replace(outcome, item_label=label, is_item=True)


def no_log_of(step: Step, renderer: Renderer) -> bool:
    """Fails closed: a `no_log` that cannot be rendered hides the result."""
    given = step.keywords.get("no_log")
    if given is None or isinstance(given, bool):
        return bool(given)
    try:
        return bool(renderer.render(given))
    except EngineError:
        return True


def action_of(step: Step) -> str:
    return step.task.action if step.task is not None else ""


def arguments_of_include(step: Step, renderer: Renderer) -> dict[str, Value]:
    """An include's arguments; `apply` stays unrendered, since its keywords belong to the tasks that are brought."""
    task = step.task
    assert task is not None
    with failures.during(f"Finalization of task args for '{qualified(task.action)}' failed: ", task.action_span):
        rendered_args = renderer.render_arguments({name: value for name, value in task.args.items() if name != "apply"})
    return {**rendered_args, **({"apply": task.args["apply"]} if "apply" in task.args else {})}
