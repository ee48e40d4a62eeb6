"""Blocks with `until` or `retries`: how often, whether that was enough, and the way back to their beginning."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from engine.errors import EngineError, PlanError
from engine.model.addresses import HostName
from engine.model.event import RetryScheduled
from engine.model.outcome import ModuleResult, Status, TaskOutcome
from engine.model.problem import Problem
from engine.plan.repeats import BEGIN
from engine.plan.step import Step
from engine.runtime import failures
from engine.runtime.attempts import DEFAULT_RETRIES
from engine.runtime.context import PlayContext
from engine.runtime.cursor import HostCursor
from engine.runtime.keywords import number
from engine.runtime.task import concluded, no_log_of
from engine.runtime.task_names import task_name


@dataclass(slots=True, kw_only=True)
class Repeats:
    """The repeated blocks of one batch."""

    play: PlayContext
    cursors: Mapping[HostName, HostCursor]

    async def reached(self, step: Step, hosts: Sequence[HostName]) -> list[TaskOutcome]:
        """Hosts have come to the beginning or the end of a repeated block: they go on, or back. The failures that this brings."""
        failed: list[TaskOutcome] = []
        back: dict[HostName, float] = {}
        for host in hosts:
            try:
                if step.task is not None and step.task.origin == BEGIN:
                    self._begin(step, host)
                elif not self._enough(step, host):
                    back[host] = self._scheduled(step, host)
            except EngineError as error:
                failed.append(self._failure(step, host, failures.result_of(error, step)))
        if back:
            await self.play.clock.sleep(max(back.values()))  # hosts in lockstep begin anew together
            for host in back:
                self.cursors[host].again()
        return failed

    def _begin(self, step: Step, host: HostName) -> None:
        retries = number(step, "retries", self.play.renderer(step, host), None)
        self.cursors[host].begin(DEFAULT_RETRIES if retries is None else max(0, int(retries)))

    def _enough(self, step: Step, host: HostName) -> bool:
        """May the host leave the block? False: it is to be done again. EngineError: it was, in vain, or `until` is wrong."""
        cursor = self.cursors[host]
        frame = cursor.frames[-1]
        if not frame.failed:
            until = step.keywords.get("until")
            try:
                satisfied = until is None or self.play.renderer(step, host).condition(until)
            except EngineError:
                frame.left = 0  # a condition that cannot be asked is not asked again
                raise
            if satisfied:
                cursor.advance()
                return True
            if frame.left == 0:
                raise PlanError(exhausted(step, frame.attempt))
        return False

    def _scheduled(self, step: Step, host: HostName) -> float:
        """Tell that another attempt follows; the seconds until then."""
        frame = self.cursors[host].frames[-1]
        renderer = self.play.renderer(step, host)
        delay = number(step, "delay", renderer, 5.0) or 0.0
        name = task_name(step, renderer)
        result = ModuleResult(values={"attempts": frame.attempt, "msg": "the block is done again"}, failed=frame.failed)
        outcome = concluded(step, host, name, result, Status.FAILED, no_log=no_log_of(step, renderer))
        self.play.events.publish(RetryScheduled(step=step.address, host=host, task_name=name, left=frame.left, outcome=outcome))
        return delay

    def _failure(self, step: Step, host: HostName, result: ModuleResult) -> TaskOutcome:
        renderer = self.play.renderer(step, host)
        return concluded(step, host, task_name(step, renderer), result, Status.FAILED, no_log=no_log_of(step, renderer))


def exhausted(step: Step, attempts: int) -> Problem:
    return Problem(
        code="block-until",
        summary="A block was repeated in vain",
        detail=f"`until` did not hold after {attempts} attempts at this block",
        span=step.task.spans.get("until", step.span) if step.task is not None else step.span,
    )
