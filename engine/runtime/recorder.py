"""Hands what happened to the state store, unmasked and before the host's next step. Not a reader of the event stream."""
from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from engine.model.effect import Effect
from engine.model.outcome import TaskOutcome
from engine.plan.step import Step
from engine.state.record import Notification, RunRecord


class Recorder(Protocol):
    """What the runner tells. One per run."""

    async def started(self, run: RunRecord) -> None: ...

    async def task(self, step: Step, outcome: TaskOutcome, effects: Sequence[Effect], handlers: Sequence[Notification]) -> None:
        """Durable when it returns. StateError where it cannot be kept: the run stops, since it could not be taken back."""

    async def finished(self, exit_code: int) -> int | None:
        """The state's new serial; None where nothing was recorded (--check)."""


class NoRecorder:
    """For check mode: nothing happened, nothing is kept."""

    async def started(self, run: RunRecord) -> None:
        pass

    async def task(self, step: Step, outcome: TaskOutcome, effects: Sequence[Effect], handlers: Sequence[Notification]) -> None:
        pass

    async def finished(self, exit_code: int) -> int | None:
        return None
