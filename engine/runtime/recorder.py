"""Hands what happened to the state store, unmasked and before the host's next step. Not a reader of the event stream.

Contents of files are kept as blobs. What holds a known secret, or was changed under no_log, is left out and the
record says that it cannot be taken back: never a mask, since a rollback writes bytes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from engine.clock import Clock
from engine.model.addresses import ResourceAddress, RunId
from engine.model.change import Change
from engine.model.outcome import Status, TaskOutcome
from engine.model.values import Value
from engine.plan.step import Step
from engine.runtime.redact import Redactor
from engine.state.encode import digest_of, with_blobs, withheld
from engine.state.record import Notification, RunRecord, StateRecord
from engine.state.stores.base import StateStore

SECRET = "secret: it was not kept"
NOT_A_RESOURCE = "what it did is not known"
CONTROLLER_ONLY = frozenset(
    (
        "set_fact",
        "debug",
        "assert",
        "fail",
        "add_host",
        "group_by",
        "set_stats",
        "include_vars",
        "meta",
        "pause",
        "gather_facts",
        "setup",
        "include_tasks",
        "include_role",
    )
)
"""Actions that change nothing on a host."""


class Recorder(Protocol):
    """What the runner tells. One per run."""

    async def started(self, run: RunRecord) -> None: ...

    async def task(self, step: Step, outcome: TaskOutcome, handlers: Sequence[Notification]) -> None:
        """Kept when it returns. StateError where it cannot be kept: the run stops, since it could not be taken back."""

    async def finished(self, exit_code: int) -> int | None:
        """The state's new serial; None where nothing was recorded (--check)."""


class NoRecorder:
    """For check mode: nothing happened, nothing is kept."""

    async def started(self, run: RunRecord) -> None:
        pass

    async def task(self, step: Step, outcome: TaskOutcome, handlers: Sequence[Notification]) -> None:
        pass

    async def finished(self, exit_code: int) -> int | None:
        return None


class StateRecorder:
    """Writes to a store. The run begins in it with `started`."""

    def __init__(self, store: StateStore, run: RunId, redactor: Redactor, clock: Clock) -> None:
        self._store = store
        self._run = run
        self._redactor = redactor
        self._clock = clock

    async def started(self, run: RunRecord) -> None:
        await self._store.begin(run)

    async def finished(self, exit_code: int) -> int | None:
        return await self._store.finish(self._run, exit_code, self._clock.now())

    async def task(self, step: Step, outcome: TaskOutcome, handlers: Sequence[Notification]) -> None:
        records: list[StateRecord] = []
        blobs: dict[str, bytes] = {}
        for one in outcome.items or (outcome,):
            if one.result.changes:
                records.extend(self._record(step, one, change, handlers, blobs) for change in one.result.changes)
            elif did_something(one, outcome):
                records.append(self._unknown(step, one, handlers))
        if records:
            await self._store.append(self._run, records, blobs)

    def _record(
        self, step: Step, outcome: TaskOutcome, change: Change, handlers: Sequence[Notification], blobs: dict[str, bytes]
    ) -> StateRecord:
        before_kept, before = self._kept(change.before, outcome.no_log, blobs)
        _, after = self._kept(change.after, outcome.no_log, blobs)
        reversible = change.reversible and before_kept
        return StateRecord(
            address=ResourceAddress(change.host or outcome.host, change.kind, change.identity),
            run=self._run,
            step=str(step.address),
            task=outcome.task_name,
            action=outcome.action,
            module=change.module,
            args=self._arguments(change.args),
            before=before,
            after=after,
            reversible=reversible,
            reason="" if reversible else change.reason or SECRET,
            inventory_host=outcome.host,
            become=change.become,
            handlers=tuple(handlers),
            at=self._clock.now(),
        )

    def _unknown(self, step: Step, outcome: TaskOutcome, handlers: Sequence[Notification]) -> StateRecord:
        """A change of no resource: a command that ran. Kept so that a rollback can name it."""
        said = outcome.result.values.get("cmd", "")
        what = " ".join(map(str, said)) if isinstance(said, list) else str(said)
        identity = outcome.task_name if outcome.no_log or not what else self._redactor.text(what)
        return StateRecord(
            address=ResourceAddress(outcome.delegated_to or outcome.host, "command", identity[:500]),
            run=self._run,
            step=str(step.address),
            task=outcome.task_name,
            action=outcome.action,
            module="",
            args={},
            before=None,
            after=None,
            reversible=False,
            reason=NOT_A_RESOURCE,
            inventory_host=outcome.host,
            handlers=tuple(handlers),
            at=self._clock.now(),
        )

    def _kept(self, state: Value, no_log: bool, blobs: dict[str, bytes]) -> tuple[bool, Value]:
        """The state as it may be kept, and whether all of it is: secrets are withheld."""
        whole = True

        def visit(value: Value) -> Value:
            nonlocal whole
            if isinstance(value, str | bytes) and ((no_log and isinstance(value, bytes)) or self._redactor.knows_any(value)):
                whole = False
                return withheld(value)
            if isinstance(value, Mapping):
                return {key: visit(each) for key, each in value.items()}
            if isinstance(value, list | tuple):
                return [visit(each) for each in value]
            return value

        def keep(data: bytes) -> None:
            blobs[digest_of(data)] = data

        return whole, with_blobs(visit(state), keep)

    def _arguments(self, args: Mapping[str, Value]) -> dict[str, Value]:
        """What is needed to inspect and apply: no contents, no secrets."""
        plain = {name: value for name, value in args.items() if not isinstance(value, bytes) and name not in ("content", "password")}
        kept: dict[str, Value] = with_blobs(self._redactor.value(plain), lambda data: None)
        return kept


def did_something(outcome: TaskOutcome, whole: TaskOutcome) -> bool:
    """Did the task change a host in a way that no resource tells of?"""
    if outcome.status not in (Status.CHANGED, Status.FAILED) or not outcome.result.changed:
        return False
    return whole.action.rpartition(".")[2] not in CONTROLLER_ONLY
