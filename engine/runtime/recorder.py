"""Hands what happened to the state store, unmasked and before the host's next step. Not a reader of the event stream.

Contents of files are kept as blobs. What holds a known secret, or was changed under no_log, is withheld (a digest
stands for it): never a mask, since a rollback writes bytes. If the secret itself was changed, the record says that
it cannot be taken back.
"""

from __future__ import annotations

import asyncio
import functools
import importlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from types import ModuleType
from typing import Protocol

from engine.clock import Clock
from engine.model.addresses import HostName, ResourceAddress, RunId
from engine.model.change import Change
from engine.model.effect import Effect
from engine.model.outcome import Status, TaskOutcome
from engine.model.values import Value
from engine.plan.step import Step
from engine.runtime import journal
from engine.runtime.own_records import OwnRecords
from engine.runtime.redact import Redactor
from engine.state.encode import digest_of, with_blobs
from engine.state.record import HOLDS_SECRET, SECRET, JournalEntry, Notification, RunRecord, StateRecord
from engine.state.secret_once import SecretOnce
from engine.state.stores.base import StateStore
from engine.state.withhold import recoverable, without_secrets

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

    async def task(
        self, step: Step, outcome: TaskOutcome, handlers: Sequence[Notification], effects: Sequence[Effect] = ()
    ) -> None:
        """Kept when it returns. StateError where it cannot be kept: the run stops, since it could not be taken back.

        Of a loop the items have been told before, one by one.
        """

    async def item(
        self, step: Step, index: int, outcome: TaskOutcome, handlers: Sequence[Notification], effects: Sequence[Effect] = ()
    ) -> None:
        """One item of a loop is over. Kept when it returns."""

    async def begun(self, step: Step, host: HostName, index: int | None, what: str) -> None:
        """Something that cannot be repeated is about to be sent to a host. Kept when it returns."""

    async def answered(self, play: int, answers: Mapping[str, Value], private: Collection[str]) -> None:
        """Prompts of a play were answered. Those that are `private` are kept only where the state is encrypted."""

    async def finished(self, exit_code: int) -> int | None:
        """The state's new serial; None where nothing was recorded (--check)."""


class NoRecorder:
    """For check mode: nothing happened, nothing is kept."""

    async def started(self, run: RunRecord) -> None:
        pass

    async def task(
        self, step: Step, outcome: TaskOutcome, handlers: Sequence[Notification], effects: Sequence[Effect] = ()
    ) -> None:
        pass

    async def item(
        self, step: Step, index: int, outcome: TaskOutcome, handlers: Sequence[Notification], effects: Sequence[Effect] = ()
    ) -> None:
        pass

    async def begun(self, step: Step, host: HostName, index: int | None, what: str) -> None:
        pass

    async def answered(self, play: int, answers: Mapping[str, Value], private: Collection[str]) -> None:
        pass

    async def finished(self, exit_code: int) -> int | None:
        return None


class StateRecorder:
    """Writes to a store. The run begins in it with `started`."""

    def __init__(self, store: StateStore, run: RunId, redactor: Redactor, clock: Clock, *, resumes: bool = False) -> None:
        self._resumes = resumes
        self._store = store
        self._run = run
        self._redactor = redactor.of_state
        self._clock = clock
        self._own = OwnRecords(store, redactor.of_state)
        self._once: asyncio.Future[SecretOnce] | None = None
        """Read when the first change is recorded: by one host's task, for all of them."""

    async def started(self, run: RunRecord) -> None:
        if not self._resumes:
            await self._store.begin(run)

    async def finished(self, exit_code: int) -> int | None:
        serial = await self._store.finish(self._run, exit_code, self._clock.now())
        if exit_code == 0:
            await self._store.forget(self._run)
        return serial

    async def task(
        self, step: Step, outcome: TaskOutcome, handlers: Sequence[Notification], effects: Sequence[Effect] = ()
    ) -> None:
        blobs: dict[str, bytes] = {}
        records = [] if outcome.items else await self._records(step, outcome, handlers, blobs)
        if records or outcome.status is not Status.SKIPPED:
            await self._store.append(self._run, records, blobs, [self._entry(journal.TASK, step, outcome, effects)])

    async def item(
        self, step: Step, index: int, outcome: TaskOutcome, handlers: Sequence[Notification], effects: Sequence[Effect] = ()
    ) -> None:
        blobs: dict[str, bytes] = {}
        records = await self._records(step, outcome, handlers, blobs)
        await self._store.append(self._run, records, blobs, [self._entry(journal.ITEM, step, outcome, effects, index)])

    async def begun(self, step: Step, host: HostName, index: int | None, what: str) -> None:
        data = {"index": index, "what": self._redactor.text(what)}
        await self._store.append(self._run, [], {}, [JournalEntry(host=host, step=str(step.address), kind=journal.BEGUN, data=data)])

    async def answered(self, play: int, answers: Mapping[str, Value], private: Collection[str]) -> None:
        kept = {
            name: journal.packed(value, lambda text: True)
            for name, value in answers.items()
            if self._store.seals or (name not in private and not self._redactor.knows_any(str(value)))
        }
        if kept:
            data: dict[str, Value] = {"answers": kept}
            if self._store.seals:
                data["secrets"] = sorted({str(answers[name]) for name in private if name in answers})
            await self._store.append(self._run, [], {}, [JournalEntry(host="", step=str(play), kind=journal.ANSWERED, data=data)])

    async def _records(
        self, step: Step, outcome: TaskOutcome, handlers: Sequence[Notification], blobs: dict[str, bytes]
    ) -> list[StateRecord]:
        if outcome.result.changes:
            if self._once is None:
                self._once = asyncio.ensure_future(SecretOnce.read(self._store))
            once = await asyncio.shield(self._once)
            made: list[StateRecord] = []
            for change in outcome.result.changes:
                if change.way_back is None:
                    made.append(self._record(step, outcome, change, handlers, blobs, once))
                    await self._own.seen(made[-1])
                else:
                    made.append(await self._own.record(self._unknown(step, outcome, handlers), change, no_log=outcome.no_log))
            return made
        return [self._unknown(step, outcome, handlers)] if did_something(outcome) else []

    def _entry(
        self, kind: str, step: Step, outcome: TaskOutcome, effects: Sequence[Effect], index: int | None = None
    ) -> JournalEntry:
        task = step.task
        hidden = outcome.no_log and not self._store.seals
        register = str(step.keywords.get("register") or "its result") + ("" if index is None else f".results[{index}]")
        secrets: set[str] = set()

        def may_keep(text: Value) -> bool:
            if not self._store.seals:
                return not self._redactor.knows_any(text)
            secrets.update(self._redactor.known_in(text))
            return True

        keep = may_keep if self._redactor.knows_something else journal.everything
        data: dict[str, Value] = {
            "written": {"action": task.action if task is not None else "", "name": str(task.name or "") if task is not None else ""},
            "outcome": journal.packed_outcome(outcome, keep, hidden=hidden, register=register),
            "effects": [journal.packed_effect(each, keep, hidden=hidden) for each in effects],
        }
        if secrets:
            data["secrets"] = sorted(secrets)
        if index is not None:
            data["index"] = index
        return JournalEntry(host=outcome.host, step=str(step.address), kind=kind, data=data)

    def _record(
        self, step: Step, outcome: TaskOutcome, change: Change, handlers: Sequence[Notification], blobs: dict[str, bytes],
        once: SecretOnce,
    ) -> StateRecord:
        args_kept, args = self._arguments(change, outcome.no_log)
        identity = self._redactor.text(change.identity)
        address = ResourceAddress(change.host or outcome.host, change.kind, identity)
        module = change.module if outcome.action != "restore" else ""
        kept_before, kept_after = once.kept(address, module, *self._kept(change, outcome.no_log))

        def keep(data: bytes) -> None:
            blobs[digest_of(data)] = data

        reversible = change.reversible and args_kept and identity == change.identity and recoverable(kept_before, kept_after)
        shows_secret = self._store.seals and (self._holds_secret(change.after, outcome.no_log) or once.stays_secret(address, module))
        record = StateRecord(
            address=address,
            run=self._run,
            step=str(step.address),
            task=self._redactor.text(outcome.task_name),
            action=outcome.action,
            module=change.module,
            args=args,
            before=with_blobs(kept_before, keep),
            after=with_blobs(kept_after, keep),
            reversible=reversible,
            reason=change.reason or SECRET if not reversible else HOLDS_SECRET if shows_secret else "",
            inventory_host=outcome.host,
            connection=change.connection,
            become=change.become,
            handlers=self._handlers(handlers),
            at=self._clock.now(),
        )
        once.add(record, seals=self._store.seals)
        return record

    def _unknown(self, step: Step, outcome: TaskOutcome, handlers: Sequence[Notification]) -> StateRecord:
        """A change of no resource: a command that ran. Kept so that a rollback can name it."""
        said = outcome.result.values.get("cmd", "")
        what = " ".join(map(str, said)) if isinstance(said, list) else str(said)
        identity = self._redactor.text(outcome.task_name if outcome.no_log or not what else what)
        return StateRecord(
            address=ResourceAddress(outcome.delegated_to or outcome.host, "command", identity[:500]),
            run=self._run,
            step=str(step.address),
            task=self._redactor.text(outcome.task_name),
            action=outcome.action,
            module="",
            args={},
            before=None,
            after=None,
            reversible=False,
            reason=NOT_A_RESOURCE,
            inventory_host=outcome.host,
            handlers=self._handlers(handlers),
            at=self._clock.now(),
        )

    def _kept(self, change: Change, no_log: bool) -> tuple[Value, Value]:
        """Before and after as they may be kept: secrets are withheld. Under no_log those are contents and, but for files, every text.

        Not so what a module noted for the way back (paths, numbers, names): it is on no host any more to be taken from.
        """
        module = declared(change.module)
        keys, plain = frozenset(getattr(module, "SECRETS", ())), frozenset(getattr(module, "NO_SECRETS", ()))
        if not no_log and not keys and not self._redactor.knows_something:
            return change.before, change.after
        hidden = (bytes,) if change.kind == "file" else (bytes, str)

        def known(key: str, value: str | bytes) -> bool:
            return (key in keys and value not in plain) or self._redactor.knows_any(value)

        def is_secret(key: str, value: str | bytes) -> bool:
            return known(key, value) or (no_log and isinstance(value, hidden))

        def kept(state: Value) -> Value:
            safe = without_secrets(state, is_secret, self._store.hidden)
            if isinstance(state, Mapping) and isinstance(safe, dict) and "noted" in state:
                safe["noted"] = without_secrets(state["noted"], known, self._store.hidden)
            return safe

        return kept(change.before), kept(change.after)

    def _holds_secret(self, state: Value, no_log: bool) -> bool:
        """Is there a content in it that nobody may see?"""
        if isinstance(state, Mapping):
            return any(self._holds_secret(each, no_log) for each in state.values())
        return isinstance(state, bytes) and (no_log or self._redactor.knows_any(state))

    def _arguments(self, change: Change, no_log: bool) -> tuple[bool, dict[str, Value]]:
        """What is needed to inspect and apply, without contents and secret arguments; and whether it may be kept at all."""
        module = declared(change.module)
        secret = secret_arguments(module)
        plain = {name: value for name, value in change.args.items() if not isinstance(value, bytes) and name not in secret}
        if self._store.seals:

            def is_secret(key: str, value: str | bytes) -> bool:
                return (no_log and value != change.identity) or self._redactor.knows_any(value)  # the address says what is managed

            sealed = without_secrets(plain, is_secret, self._store.hidden)
            return True, with_blobs(sealed, lambda data: None)
        if no_log and not hasattr(module, "kept"):
            names = getattr(module, "IDENTITY", None)
            if names is None or callable(names):
                return False, {}
            plain = {name: value if name in names or isinstance(value, bool | int | float) else None for name, value in plain.items()}
        encoded: dict[str, Value] = with_blobs(plain, lambda data: None)
        if self._redactor.value(encoded) != encoded:
            return False, {}
        return True, encoded

    def _handlers(self, handlers: Sequence[Notification]) -> tuple[Notification, ...]:
        """As they may be kept: one with a secret among its arguments by its name alone, which nobody can run."""
        mask = self._redactor
        return tuple(
            replace(each, name=mask.text(each.name)) if mask.value(each.args) == each.args else Notification(name=mask.text(each.name))
            for each in handlers
        )


@functools.cache
def declared(module: str) -> ModuleType | None:
    """What a native module declares; None for anything else. The name comes from a host: nothing but modules is loaded for it."""
    if not module.startswith("engine.modules."):
        return None
    try:
        return importlib.import_module(module)
    except ImportError:
        return None


def secret_arguments(module: ModuleType | None) -> frozenset[str]:
    """Arguments that are never kept: those that a module declares secret, and contents, which are in the states."""
    specs = getattr(module, "ARGUMENTS", {})
    return frozenset({"content", *(name for name, argument in specs.items() if argument.secret)})


def did_something(outcome: TaskOutcome) -> bool:
    """Did the task change a host in a way that no resource tells of?"""
    if outcome.status not in (Status.CHANGED, Status.FAILED) or not outcome.result.changed:
        return False
    return outcome.action.rpartition(".")[2] not in CONTROLLER_ONLY
