"""A plan run in check mode: what each task would change, as values. Views show it, `engine apply` does it.

Collected where the state is recorded (runtime/recorder.py), from unmasked outcomes; what is kept of them here is masked.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

from engine.model.addresses import HostName, ResourceAddress
from engine.model.change import Change, Diff
from engine.model.effect import Effect
from engine.model.frozen import frozen
from engine.model.outcome import Status, TaskOutcome
from engine.model.source import Span
from engine.model.values import Value
from engine.plan.step import Step
from engine.runtime.foresight import Foresight
from engine.runtime.redact import Redactor
from engine.state.encode import with_blobs
from engine.state.record import Notification, RunRecord, StateRecord

CREATE, UPDATE, DELETE, REPLACE, UNKNOWN = "create", "update", "delete", "replace", "unknown"
AGAIN = frozenset(("service", "systemd", "systemd_service"))
"""Actions whose changes of no resource are restarts and reloads."""


@frozen(kw_only=True)
class Planned:
    """One line of a plan: what one task would do to one thing on one host."""

    host: HostName
    action: str
    """create, update, delete, replace (it goes and comes anew, or is restarted), or unknown."""
    resource: ResourceAddress | None
    """None where the task changes something that is no resource, or nobody knows what."""
    task: str
    """The task's name, as shown."""
    module: str
    """As the playbook says: `lineinfile`."""
    step: str
    """The step's address as text."""
    span: Span
    item: Value = None
    reason: str = ""
    """Of what is unknown, or made anew though it is as wanted: why."""
    diffs: tuple[Diff, ...] = ()
    """As --diff shows them, secrets masked."""
    digest: str = ""
    """Of before and after: another one means that something else would be done."""


@frozen(kw_only=True)
class Failure:
    """A task that would fail, or a host that cannot be reached."""

    host: HostName
    task: str
    span: Span
    message: str
    unreachable: bool = False


@frozen(kw_only=True)
class Kept:
    """Something that was made by an earlier run of the playbook, and stays though it may not be declared any more."""

    resource: ResourceAddress
    why: str
    meant: bool = False
    """Some task may well be about it: that is as it should be, and shown to programs alone."""


@frozen(kw_only=True)
class Preview:
    """What a run would do, in the order of doing."""

    planned: tuple[Planned, ...] = ()
    failures: tuple[Failure, ...] = ()
    about: frozenset[ResourceAddress] = frozenset()
    """What its tasks manage, changed or not, as far as they were come to."""
    kept: tuple[Kept, ...] = ()
    """With --prune: what is not removed, since it may be meant."""

    def count(self, *actions: str) -> int:
        return sum(each.action in actions for each in self.planned)

    @property
    def summary(self) -> dict[str, int]:
        """add, change, destroy, unknown; failed and unreachable."""
        return {
            "add": self.count(CREATE),
            "change": self.count(UPDATE, REPLACE),
            "destroy": self.count(DELETE),
            "unknown": self.count(UNKNOWN),
            "failed": sum(not each.unreachable for each in self.failures),
            "unreachable": len({each.host for each in self.failures if each.unreachable}),
        }

    @property
    def changes(self) -> bool:
        """Is there anything to do, or perhaps?"""
        return bool(self.planned)


@dataclass(slots=True)
class PreviewRecorder:
    """A Recorder of a run in check mode: nothing is kept but what would change."""

    redactor: Redactor
    recorded: Mapping[ResourceAddress, StateRecord] = field(default_factory=dict)
    """What the state knows before the run."""
    foresight: Foresight | None = None
    """The run's own."""
    _planned: list[Planned] = field(default_factory=list)
    _failures: list[Failure] = field(default_factory=list)

    @property
    def preview(self) -> Preview:
        about = frozenset(self.foresight.about) if self.foresight is not None else frozenset[ResourceAddress]()
        return Preview(planned=tuple(self._planned), failures=tuple(self._failures), about=about)

    async def started(self, run: RunRecord) -> None:
        """Nothing begins."""

    async def finished(self, exit_code: int) -> int | None:
        return None

    async def item(
        self, step: Step, index: int, outcome: TaskOutcome, handlers: Sequence[Notification], effects: Sequence[Effect] = ()
    ) -> None:
        """It is told with its task."""

    async def begun(self, step: Step, host: HostName, index: int | None, what: str) -> None:
        """Nothing is."""

    async def answered(self, play: int, answers: Mapping[str, Value], private: Collection[str]) -> None:
        """Nothing is kept."""

    async def task(
        self, step: Step, outcome: TaskOutcome, handlers: Sequence[Notification], effects: Sequence[Effect] = ()
    ) -> None:
        for one in outcome.items or (outcome,):
            if one.status in (Status.FAILED, Status.UNREACHABLE) and not one.ignored and not outcome.rescued:
                self._failures.append(self._failure(step, one))
            elif one.status is Status.UNKNOWN:
                named = next((change for change in one.result.changes if change.way_back is not None), None)
                self._planned.append(self._line(step, one, UNKNOWN, named))
            elif one.status is Status.CHANGED:
                self._planned.extend(self._changed(step, one))

    def _changed(self, step: Step, outcome: TaskOutcome) -> list[Planned]:
        changes = outcome.result.changes
        diffs = () if outcome.no_log else self.redactor.result(outcome.result).diffs
        if not changes:
            again = outcome.action.rpartition(".")[2] in AGAIN
            return [self._line(step, outcome, REPLACE if again else UPDATE, None, diffs=diffs)]
        actions = [self._action(outcome, change) for change in changes]
        lines = [self._line(step, outcome, action, change) for action, change in zip(actions, changes, strict=True)]
        return [*lines[:-1], replace(lines[-1], diffs=diffs)]

    def _action(self, outcome: TaskOutcome, change: Change) -> str:
        """Of what tasks alone tell of, the state says whether it is there."""
        if change.replaced:
            return REPLACE
        if change.way_back is None:
            return action_of(change)
        known = self.recorded.get(self._address(outcome, change))
        return UPDATE if known is not None and known.after is not None else CREATE

    def _address(self, outcome: TaskOutcome, change: Change) -> ResourceAddress:
        return ResourceAddress(change.host or outcome.delegated_to or outcome.host, change.kind, self.redactor.text(change.identity))

    def _line(self, step: Step, outcome: TaskOutcome, action: str, change: Change | None, diffs: tuple[Diff, ...] = ()) -> Planned:
        resource = None if change is None else self._address(outcome, change)
        return Planned(
            host=outcome.host,
            action=action,
            resource=resource,
            task=self.redactor.text(outcome.task_name),
            module=outcome.action,
            step=str(step.address),
            span=step.span,
            item=None if outcome.no_log or not outcome.is_item else self.redactor.value(outcome.item_label),
            reason=reason_of(outcome, change, self.redactor),
            diffs=diffs,
            digest=digest_of(action, change),
        )

    def _failure(self, step: Step, outcome: TaskOutcome) -> Failure:
        said = "its result is hidden by no_log" if outcome.no_log else str(outcome.result.values.get("msg", ""))
        return Failure(
            host=outcome.host, task=self.redactor.text(outcome.task_name), span=step.span, message=self.redactor.text(said),
            unreachable=outcome.status is Status.UNREACHABLE,
        )


def reason_of(outcome: TaskOutcome, change: Change | None, redactor: Redactor) -> str:
    if change is not None and change.replaced:
        return change.replaced
    return "" if outcome.no_log else redactor.text(str(outcome.result.values.get("reason", "")))


def action_of(change: Change) -> str:
    if change.before is None:
        return CREATE
    if change.after is None:
        return DELETE
    kinds = [state.get("type") if isinstance(state, Mapping) else None for state in (change.before, change.after)]
    return REPLACE if kinds[0] != kinds[1] else UPDATE


def digest_of(action: str, change: Change | None) -> str:
    """SHA-256 hex over what is and what shall be."""
    states = [action] if change is None else [action, change.kind, change.identity, known(change.before), known(change.after)]
    return hashlib.sha256(json.dumps(states, sort_keys=True, default=str).encode()).hexdigest()


def known(state: Value) -> Value:
    """A state without what differs from one look to the next."""
    encoded = with_blobs(state, lambda data: None)
    if not isinstance(encoded, dict):
        return encoded
    return {name: value for name, value in encoded.items() if name not in ("mtime", "atime", "ctime", "inode", "noted")}
