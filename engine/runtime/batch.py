"""One batch of hosts through one play: cursors move, steps run, failures decide who goes on."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import partial

from engine.agent.sdk import boolean
from engine.errors import EngineError, InDoubt, PlanError, TemplateError
from engine.model.addresses import HostName
from engine.model.effect import Effect
from engine.model.event import Included, ItemFinished, ProblemFound, TaskFinished, TaskRedone
from engine.model.outcome import ModuleResult, Status, TaskOutcome
from engine.model.problem import Problem
from engine.model.values import written_at
from engine.plan.build import Builder
from engine.plan.repeats import is_of_repeat
from engine.plan.step import Step, StepKind
from engine.playbook.tree import BlockKind, Role
from engine.runtime import dispatch, failures, unknown
from engine.runtime.context import PlayContext
from engine.runtime.cursor import Fate, HostCursor
from engine.runtime.debugger import step_to_redo
from engine.runtime.effects import effects_of, kept, shared
from engine.runtime.failed import failed_variables
from engine.runtime.hidden import secrets_of_outcome
from engine.runtime.include import Includer, IncludeResult, groups_of
from engine.runtime.keywords import flag
from engine.runtime.limits import throttle_of, too_many_failed
from engine.runtime.metas import Metas
from engine.runtime.notices import Notices
from engine.runtime.notifying import notified_by
from engine.runtime.repeats import Repeats
from engine.runtime.shown import announcement
from engine.runtime.standing import Standing
from engine.runtime.strategies.base import Strategy
from engine.runtime.task import TaskRun, concluded, run_task
from engine.runtime.task_names import task_name
from engine.runtime.together import plain_errors
from engine.scopes.store import GATHERED


@dataclass(slots=True, kw_only=True)
class Batch:
    """Runs to the end with `go`; afterwards the cursors tell what became of each host."""

    play: PlayContext
    strategy: Strategy
    builder: Builder
    handlers: list[Step]
    public: list[Role]
    private: list[Role]
    max_fail: float | None = None
    lost_before: Sequence[HostName] = ()
    """Hosts of the batch that earlier plays lost: they take no part."""
    cursors: dict[HostName, HostCursor] = field(default_factory=dict)
    dragged: set[HostName] = field(default_factory=set)
    """Hosts that any_errors_fatal (or run_once) took down with one that could not be reached: no later play has them."""
    _fatally: set[HostName] = field(default_factory=set)
    """Hosts whose failure was everybody's (any_errors_fatal, run_once): if one of them has failed in the end, rescued or not between, the
    run ends with this batch."""
    lost: set[HostName] = field(default_factory=set)
    """Hosts that such a failure of another met outside of rescue and always: whatever becomes of them here, no later play has them."""
    metas: Metas = field(init=False)
    _includer: Includer = field(init=False)
    _repeats: Repeats = field(init=False)
    _notices: Notices = field(init=False)
    _roles_done: dict[HostName, set[str]] = field(default_factory=dict)
    _roles_ran: dict[HostName, set[int]] = field(default_factory=dict)
    _told: str = ""
    """The name under which the present step was announced."""
    _busy: set[HostName] = field(default_factory=set)
    _left_standing: Standing = field(init=False)
    _slots: asyncio.Semaphore = field(init=False)
    _throttles: dict[int, asyncio.Semaphore] = field(default_factory=dict)
    """Of steps with `throttle`, by their id."""

    def __post_init__(self) -> None:
        self._includer = Includer(play=self.play, builder=self.builder, handlers=self.handlers, public=self.public, private=self.private)
        self._repeats = Repeats(play=self.play, cursors=self.cursors)
        self._notices = Notices(play=self.play, handlers=self.handlers)
        self.metas = Metas(
            play=self.play,
            cursors=self.cursors,
            notices=self._notices,
            handlers=self.handlers,
            lockstep=self.strategy.lockstep,
            cleared=self._forget,
        )
        self.play.meant = self._notices.meant
        self._slots = asyncio.Semaphore(max(1, self.play.settings.run.forks))
        self._left_standing = Standing(hosts=self.play.batch, cursors=self.cursors)
        for host in self.play.batch:
            self._roles_done[host], self._roles_ran[host] = set(), set()
            cursor = HostCursor.at(host, self.play.plan.bodies.get(host, self.play.plan.body))
            cursor.body_of, cursor.left = partial(self._to_do, host=host), partial(self._left, host=host)
            cursor.fell = self._left_standing.changed
            self.cursors[host] = cursor

    def alive(self) -> list[HostName]:
        """Hosts of the batch that have not failed; to be read only."""
        return self._left_standing.alive()

    def _forget(self) -> None:
        """Errors were cleared: later plays have those again that this one or an earlier one lost."""
        self.lost.clear()
        self.play.run.failed.difference_update(self.lost_before)
        self.play.run.unreachable.difference_update(self.lost_before)

    def breaks(self) -> bool:
        """Does the run end here, though hosts are left?"""
        return any(self.cursors[host].fate is Fate.FAILED or host in self.lost for host in self._fatally)

    def standing(self) -> list[HostName]:
        """The hosts that are left, as a step's templates see them; to be read only."""
        return self._left_standing.seen()

    async def go(self) -> None:
        """Until no host has anything left. Steps that may start together run together."""
        if self.strategy.lockstep:
            while ready := list(self.strategy.ready(self.cursors, self._busy)):
                self._left_standing.begin()
                await self._group(ready[0][1], [host for host, _ in ready])
                self._left_standing.end()
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
        if step.kind is not StepKind.META and self.strategy.lockstep and not await self._stepped(step, hosts[0]):
            for host in hosts:
                self.cursors[host].advance()
            return
        if is_of_repeat(step):
            await self._repeated(step, hosts, fell)
        elif step.kind is StepKind.META:
            await self.metas.reached(step, hosts)
        elif step.kind is StepKind.INCLUDE:
            await self._include(step, hosts, fell)
        elif self._runs_once(step):
            await self._once(step, hosts, fell)
        else:
            self._announce(step, hosts[0])
            await self._everywhere(step, hosts, fell)
        self._decide(step, fell)

    async def _stepped(self, step: Step, host: HostName) -> bool:
        """Under --step: does the user want it?"""
        stepping = self.play.run.stepping
        if not stepping.asking:
            return True
        assert step.task is not None
        return await stepping.wanted(task_name(step, self.play.renderer(step, host)), handler=step.task.handler)

    def _wanted(self, step: Step, host: HostName) -> bool:
        """Handlers run only where they are notified (what a handler includes runs anyway); a host that need not gather facts passes on."""
        task = step.task
        assert task is not None
        start = self.play.run.start
        if start is not None and not start.wants(step, host):
            self.cursors[host].advance()
            return False
        if task.handler and self._notices.holds(step):
            if not self._notices.begin(step, host):
                self.cursors[host].advance()
                return False
        elif (
            task.origin == "gather_facts"
            and self.play.settings.facts.gathering == "smart"
            and self.play.run.ledger.variables.of(host).facts.get(GATHERED)
        ):
            self.cursors[host].advance()
            return False
        return True

    async def _everywhere(self, step: Step, hosts: Sequence[HostName], fell: list[TaskOutcome]) -> None:
        limit = self._limit(step, hosts[0])
        slots = self._slots
        if limit < self.play.settings.run.forks:  # of the step, whoever comes to it when: under `free` each host comes alone
            slots = self._throttles.setdefault(id(step), asyncio.Semaphore(limit))
        elif len(hosts) == 1:
            await self._on(step, hosts[0], fell)
            return

        doubts: list[Problem] = []

        async def limited(host: HostName) -> None:
            async with slots:
                try:
                    await self._on(step, host, fell)
                except InDoubt as error:  # the others come to an end first: what they did is recorded
                    doubts.extend(error.problems)

        with plain_errors():
            async with asyncio.TaskGroup() as group:
                for host in hosts:
                    group.create_task(limited(host), name=f"{step.address} on {host}")
        if doubts:
            raise InDoubt(*doubts)

    def _limit(self, step: Step, host: HostName) -> int:
        """How many hosts may run the step at once. A `throttle` that is no number ends the run, as in ansible-core."""
        given = step.keywords.get("throttle")
        if given is None:
            return self.play.settings.run.forks
        try:
            return throttle_of(self.play.renderer(step, host).render(given), self.play.settings.run.forks)
        except (TemplateError, ValueError) as error:
            said = error.problem.message if isinstance(error, TemplateError) else str(error)
            span = written_at(given) or (step.task.spans.get("throttle", step.span) if step.task is not None else step.span)
            summary, words = "throttle needs a number", f"Failed to convert the throttle value to an integer: {said}"
            raise PlanError(Problem(code="wrong-type", summary=summary, detail=said, span=span, words=words)) from error

    async def _on(self, step: Step, host: HostName, fell: list[TaskOutcome]) -> None:
        outcome = await self._performed(step, host)
        if self._falls(outcome):
            fell.append(outcome)
        self._move(step, host, outcome)

    async def _performed(self, step: Step, host: HostName, *, for_all: bool = False) -> TaskOutcome:
        """Run and settle; again, where the debugger asks for it. `for_all`: what it registers and sets is everybody's."""
        outcome = await self._ended(step, host, for_all=for_all)
        self.play.run.passages[host, ".".join(map(str, step.key))] += 1
        return outcome

    async def _ended(self, step: Step, host: HostName, *, for_all: bool) -> TaskOutcome:
        replayed = self.play.run.replay.task(step, host) if self.play.run.replay is not None else None
        if replayed is not None:
            outcome, effects = replayed
            await self._settle(step, outcome, effects)
            return outcome
        current = step
        while True:
            if self._notices.perhaps(step, host):
                name = task_name(step, self.play.renderer(step, host))
                run = TaskRun(unknown.outcome_of(step, host, name, "whether it is notified is not known"))
            else:
                run = await run_task(self.play, current, host)
            outcome = self._with_fate(run.outcome, host)
            effects = self._effects(step, run, outcome)
            if for_all:
                effects = shared(effects, self.alive(), host, facts=run.facts_to is None)
            await self._settle(step, outcome, effects)
            again = await step_to_redo(self.play, current, outcome, by_default=self.strategy.debugs)
            if again is None:
                return outcome
            self.play.events.publish(TaskRedone(outcome=outcome))
            current = again

    async def _once(self, step: Step, hosts: Sequence[HostName], fell: list[TaskOutcome]) -> None:
        """`run_once`: on the first host that is left; what it registers and sets is everybody's, and so is its failure."""
        first = hosts[0]
        self._announce(step, first)
        outcome = await self._performed(step, first, for_all=True)
        if self._falls(outcome):
            fell.append(outcome)
        self._move(step, first, outcome)
        if fell and outcome.status is Status.FAILED:
            self._lose([first])
        for host in hosts[1:]:
            if outcome.status is Status.FAILED and outcome.failed and self.cursors[host].caught_here:
                # The others fail twice: a rescue or always of the task's own block is the first host's alone, as in ansible-core.
                self.cursors[host].fail()
            if outcome.failed:
                self.cursors[host].removed |= outcome.status is Status.FAILED  # also where a rescue further out takes over
                self.cursors[host].fail()
            else:
                self.cursors[host].advance()
        if outcome.failed and self._falls(outcome):
            for host, cursor in self.cursors.items():  # those that are elsewhere: an include brought the task to some hosts only
                if host not in hosts and cursor.fate is Fate.RUNNING and not cursor.turned:
                    cursor.fail(final=True)
        if outcome.status is Status.UNREACHABLE and outcome.failed:
            self.dragged.update(hosts[1:])

    async def _repeated(self, step: Step, hosts: Sequence[HostName], fell: list[TaskOutcome]) -> None:
        """The beginning or the end of a block with `until`."""
        failed = await self._repeats.reached(step, hosts)
        if failed:
            self._announce(step, failed[0].host)
        for found in failed:
            outcome = self._with_fate(found, found.host)
            await self._settle(step, outcome, [])
            if self._falls(outcome):
                fell.append(outcome)
            self._move(step, outcome.host, outcome)

    def _falls(self, outcome: TaskOutcome) -> bool:
        """Does it count for the other hosts? Not where it only ends an attempt at a block."""
        return outcome.failed and (outcome.status is Status.UNREACHABLE or not self.cursors[outcome.host].would_retry)

    def _with_fate(self, outcome: TaskOutcome, host: HostName) -> TaskOutcome:
        cursor = self.cursors[host]
        rescued = outcome.status is Status.FAILED and not outcome.ignored and (cursor.would_rescue() or cursor.would_retry)
        return replace(outcome, rescued=True) if rescued else outcome

    def _effects(self, step: Step, run: TaskRun, outcome: TaskOutcome) -> list[Effect]:
        register = step.keywords.get("register")
        notify = notified_by(self.play, step, outcome)
        effects = effects_of(outcome, register=str(register or ""), notify=notify, acted=run.acted, facts_to=run.facts_to)
        return kept(effects, step.around.blocks)

    async def _settle(self, step: Step, outcome: TaskOutcome, effects: Sequence[Effect]) -> None:
        """Apply, keep, then tell: in this order, so that nothing is shown that could be lost."""
        if outcome.status not in (Status.SKIPPED, Status.UNREACHABLE):
            roles = [id(block) for block in step.around.blocks if block.kind is BlockKind.ROLE]
            self._roles_ran[outcome.host].update(roles[-1:])
        if outcome.no_log:
            self.play.run.redactor.learn_hidden(secrets_of_outcome(outcome, effects))
        notified = self._notices.take(effects)
        self.play.run.ledger.apply(effects)
        if not outcome.replayed:
            await self.play.run.recorder.task(step, outcome, notified, effects)
        self._notices.check(step, effects, notified, shown=False)
        self._tell(step, outcome)
        self._notices.check(step, effects, notified, shown=True)

    def _tell(self, step: Step, outcome: TaskOutcome) -> None:
        self.play.events.publish(TaskFinished(outcome=outcome))
        for problem in (*failures.warnings(step, outcome), *([failures.told(step, outcome)] if outcome.failed else [])):
            self.play.events.publish(ProblemFound(problem=problem, host=outcome.host))

    def _move(self, step: Step, host: HostName, outcome: TaskOutcome) -> None:
        cursor = self.cursors[host]
        if not outcome.failed:
            cursor.advance()
        elif outcome.status is Status.UNREACHABLE:
            cursor.unreachable()
        else:
            if cursor.would_rescue() or cursor.would_retry:
                name = self._told if self.strategy.lockstep else outcome.task_name  # `ansible_failed_task.name` is what was shown
                found = failed_variables(step, replace(outcome, task_name=name), self.play.renderer(step, host))
                self.play.run.ledger.variables.assign(host, found)
            cursor.fail()

    def _decide(self, step: Step, fell: Sequence[TaskOutcome]) -> None:
        """After a step on which some hosts failed: any_errors_fatal takes the others along, max_fail_percentage ends the play."""
        if not fell:
            return
        once = self._runs_once(step)
        failed = [outcome.host for outcome in fell if outcome.status is Status.FAILED]
        fatal = self._fatal(step)
        if once or fatal:
            self._fatally.update(failed)
        if fatal or (once and step.kind is StepKind.INCLUDE):
            if failed:
                self._lose(failed)
            others = [host for host in self.cursors if all(host != outcome.host for outcome in fell)]
            for host in others:
                if self.cursors[host].fate is Fate.RUNNING and not self.cursors[host].recovering:
                    self.cursors[host].fail(final=True)
            if any(outcome.status is Status.UNREACHABLE for outcome in fell):
                self.dragged.update(others)
        down = [host for host in self.play.batch if self.cursors[host].fate in (Fate.FAILED, Fate.UNREACHABLE)]
        if too_many_failed(len(down), len(self.play.batch), self.max_fail):
            for cursor in self.cursors.values():
                if cursor.fate is Fate.RUNNING:
                    cursor.give_up()

    def _lose(self, failed: Sequence[HostName]) -> None:
        """Some have failed for all: those of the others that no rescue or always is busy with are lost for later plays, and so are those
        that earlier plays had lost, though clear_host_errors had brought them back."""
        self.lost.update(self.lost_before)
        for host, cursor in self.cursors.items():
            if host not in failed and cursor.fate not in (Fate.FAILED, Fate.UNREACHABLE) and not cursor.recovering:
                self.lost.add(host)

    def _fatal(self, step: Step) -> bool:
        given = step.keywords.get("any_errors_fatal", self.play.settings.run.any_errors_fatal)
        if isinstance(given, bool):
            return given
        try:
            return boolean(self.play.renderer(step, self.play.batch[0]).render(given))
        except (EngineError, ValueError):  # the task itself fails of it: see runtime/keywords.py
            return False

    def _announce(self, step: Step, host: HostName) -> None:
        self._told = task_name(step, self.play.renderer(step, host))
        self.play.events.publish(announcement(self.play, step, self._told, lockstep=self.strategy.lockstep))

    async def _include(self, step: Step, hosts: Sequence[HostName], fell: list[TaskOutcome]) -> None:
        self._announce(step, hosts[0])
        if self._runs_once(step):
            for host in hosts[1:]:
                self.cursors[host].advance()
            hosts = hosts[:1]
        self._includer.begin()
        asked = [(host, self._includer.asked(step, host)) for host in hosts]
        results: list[tuple[HostName, IncludeResult]] = [(host, self._includer.bring(step, host, each)) for host, each in asked]
        for host, result in results:
            if result.outcome is not None and self._falls(result.outcome):
                fell.append(result.outcome)
            await self._included(step, host, result)
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
            if result.missing and self.play.settings.run.compat == "ansible":
                self.lost.add(host)  # rescued or not, no later play has it
            else:
                outcome = self._with_fate(outcome, host)
            await self._settle(step, outcome, self._effects(step, TaskRun(outcome), outcome))
            for further in result.missing[1:]:
                self._tell(step, further)
        elif step.keywords.get("register"):
            looped = {"msg": "All items completed", "results": result.shapes} if result.shapes else {}
            found = concluded(step, host, "", ModuleResult(values=looped), Status.OK)
            self.play.run.ledger.apply(kept(effects_of(found, register=str(step.keywords["register"])), step.around.blocks))
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
        if step.keywords.get("run_once") in (None, False):
            assert step.task is not None
            handler = dispatch.handler_of(step.task, self.play.run.modules, self.play.settings)
            return handler is not None and handler.once
        try:
            return bool(flag(step, "run_once", self.play.renderer(step, self.play.batch[0]), False))
        except EngineError:  # the task itself fails of it: see runtime/keywords.py
            return False

    def _to_do(self, step: Step, host: HostName) -> Sequence[Step]:
        """A role is run once for each set of params, unless it allows duplicates; what it depends on is asked for itself."""
        block = step.block
        if block is None or block.kind is not BlockKind.ROLE or block.role is None or block.role.allow_duplicates:
            return step.body
        if role_key(step) not in self._roles_done[host]:
            return step.body
        return [each for each in step.body if any(each.block is needed for needed in block.role.dependencies)]

    def _left(self, step: Step, host: HostName) -> None:
        block = step.block
        if block is not None and block.role is not None and id(block) in self._roles_ran[host]:
            self._roles_done[host].add(role_key(step))


def role_key(step: Step) -> str:
    block = step.block
    assert block is not None and block.role is not None
    role = block.role
    about = {name: value for name, value in block.keywords.items() if name in ("when", "tags", "become", "become_user", "delegate_to")}
    given = (sorted(each.items(), key=str) for each in (block.params, about, block.vars))
    return repr((role.path, role.entries, role.by_task, *given))
