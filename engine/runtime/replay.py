"""A run that broke off, gone through again from its journal: what was over is not done again, its effects are.

The plan is walked from its beginning; where the journal knows how a step ended on a host, that is taken instead of running it.
What failed, or never began, runs. What was begun and has no end is in doubt, unless doing it twice is doing it once.
"""

from __future__ import annotations

import importlib
from collections import Counter, deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from engine.errors import PlanError
from engine.model.addresses import HostName
from engine.model.effect import Effect
from engine.model.frozen import frozen
from engine.model.outcome import Status, TaskOutcome
from engine.model.problem import Problem
from engine.model.values import Value
from engine.plan.step import Step
from engine.playbook.names import short
from engine.runtime import journal
from engine.runtime.dispatch import Handler
from engine.runtime.recorder import CONTROLLER_ONLY
from engine.state.record import JournalEntry, RunRecord

Place = tuple[HostName, str]
"""A host, and the order key of a step as text."""
READS = frozenset(("stat", "slurp", "find", "ping", "wait_for", "wait_for_connection", "setup", "gather_facts", "async_status", "fetch"))
"""Actions that change nothing on a host: to do them again does no harm."""


@frozen(kw_only=True)
class Doubt:
    """Something that was begun, and nobody knows whether it was done."""

    host: HostName
    step: str
    """The step's address as text."""
    what: str
    item: int | None = None


@dataclass(slots=True, kw_only=True)
class Replay:
    """The journal of one run, by host and step."""

    run: RunRecord
    rerun: bool = False
    """What is in doubt is done again."""
    skip: bool = False
    """What is in doubt counts as done."""
    done: int = 0
    """Tasks, each on one host, that were over."""
    answers: dict[str, dict[str, Value]] = field(default_factory=dict)
    """Of `vars_prompt`, as far as they were kept, by the number of the play."""
    secrets: set[str] = field(default_factory=set)
    """What is secret in it; where the journal is kept encrypted, it holds some."""
    _tasks: dict[Place, deque[JournalEntry]] = field(default_factory=dict)
    _items: dict[Place, dict[int, JournalEntry]] = field(default_factory=dict)
    _failures: Counter[tuple[Place, int | None]] = field(default_factory=Counter)
    _begun: dict[tuple[Place, int | None], JournalEntry] = field(default_factory=dict)

    @classmethod
    def of(cls, run: RunRecord, entries: Iterable[JournalEntry], *, rerun: bool = False, skip: bool = False) -> Replay:
        """Entries oldest first."""
        made = cls(run=run, rerun=rerun, skip=skip)
        for entry in entries:
            made._add(entry)
        made.done = sum(map(len, made._tasks.values()))
        return made

    def _add(self, entry: JournalEntry) -> None:
        self.secrets.update(entry.data.get("secrets", ()))
        if entry.kind == journal.ANSWERED:
            self.answers.setdefault(entry.step, {}).update(journal.unpacked(entry.data["answers"]))
            return
        place = (entry.host, key_of(entry.step))
        index: int | None = entry.data.get("index")
        if entry.kind == journal.BEGUN:
            self._begun[place, index] = entry
            return
        outcome = entry.data["outcome"]
        failed = outcome["status"] in (Status.FAILED.value, Status.UNREACHABLE.value)
        over = not failed or outcome.get("ignored") or outcome.get("rescued")
        if not outcome["lost"]:
            self._begun.pop((place, index), None)
            self._failures[place, index] += not over
        if entry.kind == journal.ITEM:
            if over and index is not None:
                self._items.setdefault(place, {})[index] = entry
        elif over:
            self._tasks.setdefault(place, deque()).append(entry)
            self._items.pop(place, None)

    def task(self, step: Step, host: HostName) -> tuple[TaskOutcome, list[Effect]] | None:
        """How the step ended on the host, and what followed; None where it has to run. Each end is told once."""
        place = (host, key_of(str(step.address)))
        waiting = self._tasks.get(place)
        if not waiting:
            return None
        data = same(step, waiting.popleft()).data
        effects = [journal.unpacked_effect(each) for each in data["effects"]]
        return journal.unpacked_outcome(data["outcome"], step.address, host), effects

    def item(self, step: Step, host: HostName, index: int) -> tuple[TaskOutcome, list[Effect]] | None:
        """The same for one item of a loop that is not over as a whole."""
        entry = self._items.get((host, key_of(str(step.address))), {}).pop(index, None)
        if entry is None:
            return None
        data = same(step, entry).data
        return journal.unpacked_outcome(data["outcome"], step.address, host), [journal.unpacked_effect(each) for each in data["effects"]]

    def failures(self, step: Step, host: HostName, index: int | None) -> int:
        """How often this task (or item) has failed: what is done now is another one than what its agent may remember."""
        return self._failures[(host, key_of(str(step.address))), index]

    def doubt(self, step: Step, host: HostName, index: int | None) -> Doubt | None:
        """Was this task (or item) begun, and has no end?"""
        entry = self._begun.pop(((host, key_of(str(step.address))), index), None)
        if entry is None:
            return None
        return Doubt(host=host, step=entry.step, what=str(entry.data.get("what", "")), item=index)


def key_of(step: str) -> str:
    return step.partition("@")[0]


def written(step: Step) -> dict[str, Any]:
    """By what a step is known again: lines may move, what it does may not."""
    task = step.task
    return {"action": task.action if task is not None else "", "name": str(task.name or "") if task is not None else ""}


def same(step: Step, entry: JournalEntry) -> JournalEntry:
    """PlanError `resume-mismatch` where the playbook has another step here by now."""
    if entry.data["written"] == written(step):
        return entry
    was = entry.data["written"]
    raise PlanError(
        Problem(
            code="resume-mismatch",
            summary="The playbook has another step here than when the run broke off",
            detail=f"it was `{was['action']}`" + (f' "{was["name"]}"' if was["name"] else ""),
            span=step.span,
            hint="steps behind the place where it broke off may change, those before it may not: run the playbook anew",
        )
    )


def repeatable(handler: Handler, args: Mapping[str, Any]) -> bool:
    """Is doing it twice the same as doing it once? So it is of all that has an identity, and of what changes nothing."""
    name = short(handler.name)
    if name in READS or name in CONTROLLER_ONLY or not handler.connects:
        return True
    if name == "uri":
        return str(args.get("method") or "GET").upper() in ("GET", "HEAD", "OPTIONS")
    if args.get("creates") or args.get("removes"):
        return True
    return bool(handler.module) and bool(getattr(importlib.import_module(handler.module), "RESOURCE", ""))
