"""`meta` tasks of one batch: who is asked whether they are to be done, what they do, and what is told of them.

Some are each host's own; others are everybody's, and where all hosts go together the first of them alone is asked.
Found out from ansible-core 2.21; tests/conformance/metas_asked.md.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from engine.errors import PlanError
from engine.model.addresses import HostName
from engine.model.effect import ClearFacts
from engine.model.event import MetaDone, MetaSkipped, ProblemFound
from engine.model.problem import Problem, Severity
from engine.plan.step import Step
from engine.playbook.tree import Task
from engine.runtime.context import PlayContext
from engine.runtime.cursor import Fate, HostCursor
from engine.runtime.keywords import rendered
from engine.runtime.meta import EVERYBODYS, SAID, UNCONDITIONAL, Meta, meta_of, why_skipped
from engine.runtime.notices import Notices
from engine.runtime.shown import announcement
from engine.runtime.task import failing_condition
from engine.runtime.task_names import task_name, written_name


@dataclass(slots=True, kw_only=True)
class Metas:
    """The meta tasks of one batch of a play."""

    play: PlayContext
    cursors: Mapping[HostName, HostCursor]
    notices: Notices
    handlers: list[Step]
    """The play's, as the batch has them: those of included roles are added."""
    lockstep: bool
    cleared: Callable[[], None]
    """Called by clear_host_errors: the batch forgets who was lost."""
    ended_play: bool = False
    """`meta: end_play` was done: no later batch of this play runs."""
    _announced: set[int] = field(default_factory=set)
    """Steps, by their id."""
    _flushing: dict[HostName, Step] = field(default_factory=dict)
    """Hosts that are on their way through the handlers, by the flush that sent them: one whose handler failed does not come back to it."""

    async def reached(self, step: Step, hosts: Sequence[HostName]) -> None:
        """Hosts have come to a meta task; those whose turn it is do it, and all of them go on from it."""
        assert step.task is not None
        try:
            meta = meta_of(step)
            if meta is Meta.FLUSH_HANDLERS and step.task.handler:
                raise PlanError(flushed_by_handler(step.task))
        except PlanError:
            self._announce(step, hosts[0])
            raise
        if self.lockstep and meta in EVERYBODYS:
            await self._for_all(meta, step, hosts)
            return
        for host in hosts:
            if self.cursors[host].next() is step:  # else what an earlier host did ended the play for this one too
                await self._one(meta, step, host)

    async def _for_all(self, meta: Meta, step: Step, hosts: Sequence[HostName]) -> None:
        """The first host is asked, for everybody."""
        self._announce(step, hosts[0])
        done = self._wanted(meta, step, hosts[0])
        if done:
            await self._do(meta, step, hosts[0])
            self._tell(meta, step, hosts[0])
        for host in hosts if not done else hosts[1:]:
            if self.cursors[host].next() is step:
                self.cursors[host].advance()

    async def _one(self, meta: Meta, step: Step, host: HostName) -> None:
        assert step.task is not None
        if meta is Meta.FLUSH_HANDLERS and self._flushing.get(host) is step:  # it comes back from the handlers
            del self._flushing[host]
            self.cursors[host].advance()
            return
        implicit = bool(step.task.origin)
        if not implicit:
            self._announce(step, host)
        if not implicit and not self._wanted(meta, step, host):
            self.cursors[host].advance()
            return
        await self._do(meta, step, host)
        if not implicit or self._flushing.get(host) is step:
            self._tell(meta, step, host, implicit=implicit)

    def _announce(self, step: Step, host: HostName) -> None:
        """For each host anew, as ansible-core does; readers that want one banner for a task see that it is not the first."""
        assert step.task is not None
        again = id(step) in self._announced
        self._announced.add(id(step))
        as_written = self.play.settings.run.compat == "ansible"
        name = written_name(step) if as_written else task_name(step, self.play.renderer(step, host))
        self.play.events.publish(announcement(self.play, step, name, lockstep=self.lockstep, again=again))

    def _wanted(self, meta: Meta, step: Step, host: HostName) -> bool:
        """Does its condition hold? Some have none, whatever is written."""
        if meta in UNCONDITIONAL:
            if step.keywords.get("when"):
                self.play.events.publish(ProblemFound(problem=without_condition(meta, step)))
            return True
        if failing_condition(step, self.play.renderer(step, host)) is None:
            return True
        role = step.around.role
        msg, reason = why_skipped(meta, host, role.name if role is not None else "")
        self.play.events.publish(MetaSkipped(step=step.address, host=host, msg=msg, reason=reason))
        return False

    def _tell(self, meta: Meta, step: Step, host: HostName, *, implicit: bool = False) -> None:
        self.play.events.publish(MetaDone(said=SAID[meta].format(host), implicit=implicit))

    async def _do(self, meta: Meta, step: Step, host: HostName) -> None:
        cursor, ledger = self.cursors[host], self.play.run.ledger
        match meta:
            case Meta.FLUSH_HANDLERS:
                if self.notices.due(host):
                    # Once through all of them: one that is notified on the way runs if it is yet to come, else at the next flush.
                    self._flushing[host] = step
                    cursor.push(list(self.handlers), handlers=True)
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
                ledger.apply([ClearFacts(each) for each in self.play.batch])
                cursor.advance()
            case Meta.CLEAR_HOST_ERRORS:
                self._clear_errors()
                cursor.advance()
            case Meta.RESET_CONNECTION:
                await self._reset(step, host)
                cursor.advance()
            case Meta.REFRESH_INVENTORY:
                self.play.run.refresh_inventory()
                cursor.advance()
            case Meta.NOOP:
                cursor.advance()

    def _clear_errors(self) -> None:
        """Of this batch's hosts; those that an earlier play lost take part again from the next play on."""
        for other in self.cursors.values():
            other.revive()
        self.cleared()
        self.play.run.failed.difference_update(self.cursors)
        self.play.run.unreachable.difference_update(self.cursors)

    async def _reset(self, step: Step, host: HostName) -> None:
        renderer = self.play.renderer(step, host)
        keywords = rendered(step, renderer, check=False, diff=False, timeout=0, poll=15)
        await self.play.pool.forget(self.play.target(step, host, None, renderer, keywords))


def flushed_by_handler(task: Task) -> Problem:
    """Told when the handler's turn comes, as ansible-core does: playbooks that never notify it run."""
    return Problem(
        code="flush-as-handler",
        summary="A handler cannot flush handlers",
        detail="flush_handlers cannot be used as a handler",
        span=task.action_span,
        hint="handlers that handlers notify run without it",
    )


def without_condition(meta: Meta, step: Step) -> Problem:
    return Problem(
        code="condition-without-effect",
        summary="This meta task asks no condition",
        detail=f"`meta: {meta.value}` is done whatever its `when` says, as it is by Ansible",
        severity=Severity.WARNING,
        span=step.task.spans.get("when", step.span) if step.task is not None else step.span,
        words=f"{meta.value} task does not support when conditional",
    )
