"""One task on one host: `run_task` makes the items, `run_item` is the straight line that each of them goes.

scope → items → delegate → when → arguments → target → dispatch → attempt → judge → effects. New behaviour must
choose one of these steps; its logic stands in the file named for it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from engine.actions.base import ActionCall
from engine.errors import EngineError, InDoubt, NotKept, UnknownValue
from engine.model.addresses import HostName
from engine.model.effect import AddHost, Effect, IncludeVariables, JoinGroup, NamedFacts, SetVariables
from engine.model.event import ItemFinished
from engine.model.outcome import ModuleResult, Status, TaskOutcome
from engine.model.values import TemplateText, Value, written_at
from engine.plan.step import Step
from engine.playbook.names import qualified, short
from engine.runtime import attempts, failures, undoing, unknown
from engine.runtime.context import PlayContext
from engine.runtime.delegate_name import delegate_of, known_delegate, told_delegate
from engine.runtime.foresight import Foresight
from engine.runtime.judge import NO_TRACEBACK, of_items, registered, skipped
from engine.runtime.keywords import flag
from engine.runtime.loop import LoopControl, control_of, items_of, variables_of
from engine.runtime.notifying import notified_by
from engine.runtime.preparing import UNRENDERED, Setting, keywords_of, prepared
from engine.runtime.remote import HostRemote
from engine.runtime.task_names import task_name
from engine.runtime.unkept import refuse_unkept
from engine.scopes.store import injected_name
from engine.templating.renderer import Renderer

PACKAGES = frozenset(("apt", "package", "dnf", "yum", "pip"))
"""Actions of which one changes what the next one finds, and whose effects on files and services nobody foresees."""


@dataclass(slots=True)
class TaskRun:
    """A task's outcome and what its action decided, in order."""

    outcome: TaskOutcome
    acted: list[Effect] = field(default_factory=list)
    facts_to: HostName | None = None


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
