"""One batch of hosts through one play: cursors move, steps run, failures decide who goes on."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import partial

from engine.agent.sdk import boolean
from engine.errors import EngineError, PlanError
from engine.model.addresses import HostName
from engine.model.effect import ClearFacts, Effect, Notify
from engine.model.event import HandlerNotified, Included, ItemFinished, ProblemFound, TaskFinished, TaskStarted
from engine.model.outcome import ModuleResult, Status, TaskOutcome
from engine.model.problem import Problem, Severity
from engine.model.values import Value
from engine.plan.build import Builder
from engine.plan.step import Step, StepKind
from engine.playbook.names import short
from engine.playbook.tree import BlockKind, Role
from engine.runtime import dispatch, failures
from engine.runtime.context import PlayContext
from engine.runtime.cursor import Fate, HostCursor
from engine.runtime.effects import effects_of, shared
from engine.runtime.handlers import answering
from engine.runtime.include import Includer, IncludeResult, groups_of
from engine.runtime.limits import throttle_of, too_many_failed
from engine.runtime.meta import Meta, meta_of
from engine.runtime.shown import shown_arguments
from engine.runtime.strategies.base import Strategy
from engine.runtime.task import TaskRun, concluded, failing_condition, run_task, task_name
from engine.runtime.together import plain_errors
from engine.state.record import Notification


@dataclass(slots=True, kw_only=True)
class Batch:
    """Runs to the end with `go`; afterwards the cursors tell what became of each host."""

    play: PlayContext
    strategy: Strategy
    builder: Builder
    handlers: list[Step]
    public: list[Role]
    max_fail: float | None = None
    cursors: dict[HostName, HostCursor] = field(default_factory=dict)
    ended_play: bool = False
    """`meta: end_play`: no later batch of this play runs."""
    dragged: set[HostName] = field(default_factory=set)
    """Hosts that any_errors_fatal (or run_once) took down with one that could not be reached: no later play has them."""
    _fatally: set[HostName] = field(default_factory=set)
    """Hosts whose failure was everybody's (any_errors_fatal, run_once): unless they were rescued, the run ends with this batch."""
    lost: set[HostName] = field(default_factory=set)
    """Hosts that such a failure of another met outside of rescue and always: whatever becomes of them here, no later play has them."""
    _includer: Includer = field(init=False)
    _notices: dict[HostName, dict[str, None]] = field(default_factory=dict)
    """Notifications since the last flush, in order: only then it is settled which handlers they mean (the last one loaded of a name)."""
    _pending: dict[HostName, dict[int, Step]] = field(default_factory=dict)
    """Handlers that a flush found due, until they have run."""
    _roles_done: dict[HostName, set[str]] = field(default_factory=dict)
    _roles_ran: dict[HostName, set[int]] = field(default_factory=dict)
    _busy: set[HostName] = field(default_factory=set)
    _flushed: set[int] = field(default_factory=set)
    """Meta steps that were announced: a flush is come back to when its handlers have run."""
    _standing: list[HostName] | None = None
    """Who was left when the present step began, where all hosts do it together: none of them sees another fail before the next step."""
    _slots: asyncio.Semaphore = field(init=False)

    def __post_init__(self) -> None:
        self._includer = Includer(play=self.play, builder=self.builder, handlers=self.handlers, public=self.public)
        self._slots = asyncio.Semaphore(max(1, self.play.settings.run.forks))
        for host in self.play.batch:
            self._roles_done[host] = set()
            self._roles_ran[host] = set()
            cursor = HostCursor.at(host, self.play.plan.bodies.get(host, self.play.plan.body))
            cursor.skips = partial(self._ran_already, host=host)
            cursor.left = partial(self._left, host=host)
            self.cursors[host] = cursor

    def alive(self) -> list[HostName]:
        """Hosts of the batch that have not failed."""
        return [host for host in self.play.batch if self.cursors[host].fate not in (Fate.FAILED, Fate.UNREACHABLE)]

    def breaks(self) -> bool:
        """Does the run end here, though hosts are left?"""
        return any(self.cursors[host].fate is Fate.FAILED for host in self._fatally)

    def standing(self) -> list[HostName]:
        """The hosts that are left, as a step's templates see them."""
        return self.alive() if self._standing is None else self._standing

    async def go(self) -> None:
        """Until no host has anything left. Steps that may start together run together."""
        if self.strategy.lockstep:
            while ready := list(self.strategy.ready(self.cursors, self._busy)):
                self._standing = [host for host in self.alive() if self.cursors[host].fate is not Fate.ENDED]
                await self._group(ready[0][1], [host for host, _ in ready])
                self._standing = None
                await self.play.events.settle()
            return
        with plain_errors():
            async with asyncio.TaskGroup() as group:
                await self._freely(group)

    async def _freely(self, group: asyncio.TaskGroup) -> None:
        finished = asyncio.Event()

        async def one(step: Step, host: HostName) -> None:
            try:
                await self._group(step, [host])
            finally:
                self._busy.discard(host)
                finished.set()

        while True:
            finished.clear()
            for host, step in list(self.strategy.ready(self.cursors, self._busy)):
                self._busy.add(host)
                group.create_task(one(step, host), name=f"{step.address} on {host}")
            if not self._busy:
                return
            await finished.wait()
            await self.play.events.settle()

    async def _group(self, step: Step, hosts: list[HostName]) -> None:
        """One step on all hosts that stand at it."""
        fell: list[TaskOutcome] = []
        hosts = [host for host in hosts if self._wanted(step, host)]
        if not hosts:
            return
        if step.kind is StepKind.META:
            await self._meta(step, hosts)
        elif step.kind is StepKind.INCLUDE:
            await self._include(step, hosts, fell)
        elif self._runs_once(step):
            await self._once(step, hosts, fell)
        else:
            self._announce(step, hosts[0])
            await self._everywhere(step, hosts, fell)
        self._decide(step, fell)

    def _wanted(self, step: Step, host: HostName) -> bool:
        """Handlers run only where they are notified (what a handler includes runs anyway); a host that need not gather facts passes on."""
        task = step.task
        assert task is not None
        if task.handler and step in self.handlers:
            if self._pending.get(host, {}).pop(id(step), None) is None:
                self.cursors[host].advance()
                return False
        elif (
            task.origin == "gather_facts"
            and self.play.settings.facts.gathering == "smart"
            and self.play.run.ledger.variables.of(host).facts
        ):
            self.cursors[host].advance()
            return False
        return True

    async def _everywhere(self, step: Step, hosts: Sequence[HostName], fell: list[TaskOutcome]) -> None:
        limit = throttle_of(self._throttle(step, hosts[0]), self.play.settings.run.forks)
        if len(hosts) == 1:
            await self._on(step, hosts[0], fell)
            return
        slots = self._slots if limit >= self.play.settings.run.forks else asyncio.Semaphore(limit)

        async def limited(host: HostName) -> None:
            async with slots:
                await self._on(step, host, fell)

        with plain_errors():
            async with asyncio.TaskGroup() as group:
                for host in hosts:
                    group.create_task(limited(host), name=f"{step.address} on {host}")

    def _throttle(self, step: Step, host: HostName) -> dict[str, Value]:
        given = step.keywords.get("throttle")
        return {"throttle": self.play.renderer(step, host).render(given)} if given is not None else {}

    async def _on(self, step: Step, host: HostName, fell: list[TaskOutcome]) -> None:
        run = await run_task(self.play, step, host)
        outcome = self._with_fate(run.outcome, host)
        effects = self._effects(step, run, outcome)
        await self._settle(step, outcome, effects)
        self._move(step, host, outcome)
        if outcome.failed:
            fell.append(outcome)

    async def _once(self, step: Step, hosts: Sequence[HostName], fell: list[TaskOutcome]) -> None:
        """`run_once`: on the first host that is left; what it registers and sets is everybody's, and so is its failure."""
        first = hosts[0]
        self._announce(step, first)
        run = await run_task(self.play, step, first)
        outcome = self._with_fate(run.outcome, first)
        effects = shared(self._effects(step, run, outcome), self.alive(), first)
        await self._settle(step, outcome, effects)
        self._move(step, first, outcome)
        if outcome.status is Status.FAILED and outcome.failed:
            self._lose([first])
        for host in hosts[1:]:
            if outcome.status is Status.FAILED and outcome.failed:
                # The others fail twice, so that a rescue around the task is the first host's alone: as ansible-core does it.
                self.cursors[host].fail()
            if outcome.failed:
                self.cursors[host].fail()
            else:
                self.cursors[host].advance()
        if outcome.failed:
            fell.append(outcome)
        if outcome.status is Status.UNREACHABLE and outcome.failed:
            self.dragged.update(hosts[1:])

    def _with_fate(self, outcome: TaskOutcome, host: HostName) -> TaskOutcome:
        rescued = outcome.status is Status.FAILED and not outcome.ignored and self.cursors[host].would_rescue()
        return replace(outcome, rescued=True) if rescued else outcome

    def _effects(self, step: Step, run: TaskRun, outcome: TaskOutcome) -> list[Effect]:
        register = step.keywords.get("register")
        renderer = self.play.renderer(step, outcome.host) if outcome.status is Status.CHANGED and step.keywords.get("notify") else None
        notify: list[str] = []
        if renderer is not None:
            for name in step.keywords["notify"]:
                shown = renderer.render(name)
                notify.extend(str(each) for each in (shown if isinstance(shown, list) else [shown]))
        return effects_of(outcome, register=str(register or ""), notify=notify, acted=run.acted, facts_to=run.facts_to)

    async def _settle(self, step: Step, outcome: TaskOutcome, effects: Sequence[Effect]) -> None:
        """Apply, keep, then tell: in this order, so that nothing is shown that could be lost."""
        if outcome.status not in (Status.SKIPPED, Status.UNREACHABLE):
            for role in step.around.roles:
                self._roles_ran[outcome.host].add(id(role))
        notified = self._notified(step, effects)
        self.play.run.ledger.apply(effects)
        await self.play.run.recorder.task(step, outcome, notified)
        self.play.events.publish(TaskFinished(outcome=outcome))
        for warning in failures.warnings(step, outcome):
            self.play.events.publish(ProblemFound(problem=warning, host=outcome.host))
        if outcome.failed:
            self.play.events.publish(ProblemFound(problem=failures.told(step, outcome), host=outcome.host))
        self._check_handlers(step, effects, notified)

    def _notified(self, step: Step, effects: Sequence[Effect]) -> list[Notification]:
        """Remember what was notified where; the handlers that it means by now."""
        found: list[Notification] = []
        for effect in effects:
            if not isinstance(effect, Notify):
                continue
            due = answering(self.handlers, effect.handler, partial(self._handler_name, host=effect.host))
            if due:
                self._notices.setdefault(effect.host, {})[effect.handler] = None
            for handler in due:
                assert handler.task is not None
                found.append(Notification(name=effect.handler, action=short(handler.task.action), args=dict(handler.task.args)))
            self.play.events.publish(HandlerNotified(host=effect.host, handler=effect.handler))
        return found

    def _due(self, host: HostName) -> list[Step]:
        """The handlers that run at a flush, in the order they are defined."""
        pending = self._pending.setdefault(host, {})
        for name in self._notices.pop(host, {}):
            pending.update((id(handler), handler) for handler in answering(self.handlers, name, partial(self._handler_name, host=host)))
        return [handler for handler in self.handlers if id(handler) in pending]

    def _check_handlers(self, step: Step, effects: Sequence[Effect], notified: Sequence[Notification]) -> None:
        """A name that no handler has is the user's mistake; told when what the task did is safely kept."""
        known = {each.name for each in notified}
        for effect in effects:
            if isinstance(effect, Notify) and effect.handler not in known:
                self._missing_handler(step, effect)

    def _missing_handler(self, step: Step, effect: Notify) -> None:
        fatal = self.play.settings.run.error_on_missing_handler
        problem = Problem(
            code="handler-not-found",
            summary="There is no such handler",
            detail=f"The requested handler '{effect.handler}' was not found in either the main handlers list nor in the listening"
            " handlers list",
            severity=Severity.ERROR if fatal else Severity.WARNING,
            span=step.task.spans.get("notify", step.span) if step.task else None,
        )
        if fatal:
            raise PlanError(problem)
        self.play.events.publish(ProblemFound(problem=problem, host=effect.host))

    def _handler_name(self, handler: Step, host: HostName) -> str:
        task = handler.task
        assert task is not None
        if task.name is None:
            return ""
        if "{{" not in task.name:
            return str(task.name)
        try:
            return str(self.play.renderer(handler, host).render(task.name))
        except EngineError:
            return ""  # it needs a variable that is not known yet: it cannot be meant

    def _move(self, step: Step, host: HostName, outcome: TaskOutcome) -> None:
        cursor = self.cursors[host]
        if not outcome.failed:
            cursor.advance()
        elif outcome.status is Status.UNREACHABLE:
            cursor.unreachable()
        else:
            if cursor.would_rescue():
                self.play.run.ledger.variables.assign(host, failed_variables(step, outcome))
            cursor.fail()

    def _decide(self, step: Step, fell: Sequence[TaskOutcome]) -> None:
        """After a step on which some hosts failed: any_errors_fatal takes the others along, max_fail_percentage ends the play."""
        if not fell:
            return
        once = self._runs_once(step)
        failed = [outcome.host for outcome in fell if outcome.status is Status.FAILED]
        if once or boolean(self._fatal(step)):
            self._fatally.update(failed)
        if boolean(self._fatal(step)) or (once and step.kind is StepKind.INCLUDE):
            if failed:
                self._lose(failed)
            others = [host for host in self.cursors if all(host != outcome.host for outcome in fell)]
            for host in others:
                if self.cursors[host].fate is Fate.RUNNING and not self.cursors[host].recovering:
                    self.cursors[host].fail()
            if any(outcome.status is Status.UNREACHABLE for outcome in fell):
                self.dragged.update(others)
        down = [host for host in self.play.batch if self.cursors[host].fate in (Fate.FAILED, Fate.UNREACHABLE)]
        if too_many_failed(len(down), len(self.play.batch), self.max_fail):
            for cursor in self.cursors.values():
                if cursor.fate is Fate.RUNNING:
                    cursor.give_up()

    def _lose(self, failed: Sequence[HostName]) -> None:
        """Some have failed for all: those of the others that no rescue or always is busy with are lost for later plays."""
        for host, cursor in self.cursors.items():
            if host not in failed and cursor.fate not in (Fate.FAILED, Fate.UNREACHABLE) and not cursor.recovering:
                self.lost.add(host)

    def _fatal(self, step: Step) -> Value:
        given = step.keywords.get("any_errors_fatal", self.play.settings.run.any_errors_fatal)
        return given if isinstance(given, bool) else self.play.renderer(step, self.play.batch[0]).render(given)

    def _announce(self, step: Step, host: HostName) -> None:
        task = step.task
        assert task is not None
        name = task_name(step, self.play.renderer(step, host))
        self.play.events.publish(
            TaskStarted(
                step=step.address,
                name=name,
                action=task.action,
                handler=task.handler,
                check=self.play.check,
                lockstep=self.strategy.lockstep,
                span=task.span,
                arguments=shown_arguments(step, self.play.settings),
            )
        )

    async def _meta(self, step: Step, hosts: Sequence[HostName]) -> None:
        assert step.task is not None
        if not step.task.origin and id(step) not in self._flushed:
            self._announce(step, hosts[0])
            self._flushed.add(id(step))
        for host in hosts:
            if self.cursors[host].next() is not step:
                continue  # what an earlier host did ended the play for this one too
            renderer = None if step.task.origin else self.play.renderer(step, host)
            if renderer is not None and failing_condition(step, renderer) is not None:
                self.cursors[host].advance()
                continue
            await self._do(meta_of(step, renderer), step, host)

    async def _do(self, meta: Meta, step: Step, host: HostName) -> None:
        cursor, ledger = self.cursors[host], self.play.run.ledger
        match meta:
            case Meta.FLUSH_HANDLERS:
                if due := self._due(host):
                    cursor.push(due, handlers=True)  # the flush itself stays next: handlers may notify others
                    return
                cursor.advance()
            case Meta.END_HOST:
                cursor.end()
            case Meta.END_PLAY | Meta.END_BATCH:
                self.ended_play = self.ended_play or meta is Meta.END_PLAY
                for other in self.cursors.values():
                    if other.fate is Fate.RUNNING:
                        other.end()
            case Meta.END_ROLE:
                cursor.end_role()
            case Meta.CLEAR_FACTS:
                ledger.apply([ClearFacts(host)])
                cursor.advance()
            case Meta.CLEAR_HOST_ERRORS:
                for other in self.cursors.values():
                    other.revive()
                self.lost.clear()
                self.play.run.failed.clear()
                self.play.run.unreachable.clear()
                cursor.advance()
            case Meta.RESET_CONNECTION:
                await self._reset(step, host)
                cursor.advance()
            case Meta.REFRESH_INVENTORY:
                self.play.run.refresh_inventory()
                cursor.advance()
            case Meta.NOOP:
                cursor.advance()

    async def _reset(self, step: Step, host: HostName) -> None:
        from engine.runtime.keywords import rendered

        renderer = self.play.renderer(step, host)
        keywords = rendered(step, renderer, check=False, diff=False, timeout=0, poll=15)
        await self.play.pool.forget(self.play.target(step, host, None, renderer, keywords))

    async def _include(self, step: Step, hosts: Sequence[HostName], fell: list[TaskOutcome]) -> None:
        assert step.task is not None
        self._announce(step, hosts[0])
        if self._runs_once(step):
            for host in hosts[1:]:
                self.cursors[host].advance()
            hosts = hosts[:1]
        asked = [(host, self._includer.asked(step, host)) for host in hosts]
        results: list[tuple[HostName, IncludeResult]] = [(host, self._includer.bring(step, host, each)) for host, each in asked]
        for host, result in results:
            await self._included(step, host, result)
            if result.outcome is not None and result.outcome.failed:
                fell.append(result.outcome)
        for inclusion, sharing in groups_of(results):
            self.play.events.publish(
                Included(
                    step=step.address, path=inclusion.path, hosts=tuple(sharing), item_label=inclusion.item_label, is_item=inclusion.is_item
                )
            )

    async def _included(self, step: Step, host: HostName, result: IncludeResult) -> None:
        for item in result.items:
            self.play.events.publish(ItemFinished(outcome=item))
        outcome = result.outcome
        if outcome is not None:
            outcome = self._with_fate(outcome, host)
            await self._settle(step, outcome, self._effects(step, TaskRun(outcome), outcome))
        elif step.keywords.get("register"):
            included = ModuleResult(values={"include": [each.path for each in result.inclusions]})
            found = concluded(step, host, "", included, Status.OK)
            self.play.run.ledger.apply(effects_of(found, register=str(step.keywords["register"])))
        cursor = self.cursors[host]
        if outcome is not None and outcome.failed:
            self._move(step, host, outcome)
        else:
            cursor.advance()
        blocks = [each.block for each in result.inclusions if each.block is not None]
        if blocks and cursor.fate is Fate.RUNNING:
            cursor.push(blocks)

    def _runs_once(self, step: Step) -> bool:
        if not self.strategy.lockstep:
            return False
        assert step.task is not None
        given = step.keywords.get("run_once")
        if given is None or given is False:
            handler = dispatch.handler_for(short(step.task.action))
            return handler is not None and handler.once
        return given is True or boolean(self.play.renderer(step, self.play.batch[0]).render(given))

    def _ran_already(self, step: Step, host: HostName) -> bool:
        """A role is run once for each set of params, unless it allows duplicates."""
        block = step.block
        if block is None or block.kind is not BlockKind.ROLE or block.role is None or block.role.allow_duplicates:
            return False
        return role_key(step) in self._roles_done[host]

    def _left(self, step: Step, host: HostName) -> None:
        block = step.block
        if block is not None and block.role is not None and id(block.role) in self._roles_ran[host]:
            self._roles_done[host].add(role_key(step))

    def warn(self, code: str, summary: str, detail: str) -> None:
        problem = Problem(code=code, summary=summary, detail=detail, severity=Severity.WARNING)
        self.play.events.publish(ProblemFound(problem=problem))


def role_key(step: Step) -> str:
    block = step.block
    assert block is not None and block.role is not None
    about = {name: value for name, value in block.keywords.items() if name in ("when", "tags", "become", "become_user", "delegate_to")}
    return repr(
        (block.role.path, sorted(block.params.items(), key=str), sorted(about.items(), key=str), sorted(block.vars.items(), key=str))
    )


def failed_variables(step: Step, outcome: TaskOutcome) -> dict[str, Value]:
    """`ansible_failed_task` and `ansible_failed_result`, for rescue and always."""
    task = step.task
    assert task is not None
    about: dict[str, Value] = {"name": str(task.name or ""), "action": task.action, "args": {}, "tags": sorted(step.tags)}
    return {"ansible_failed_task": about, "ansible_failed_result": dict(outcome.registered)}
