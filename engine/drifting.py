"""What `Engine.drift` does: records and inventories read, hosts asked, the answers compared. Changes neither hosts nor state."""

from __future__ import annotations

import getpass
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from engine.connections.target import ExecutionTarget
from engine.errors import EngineError, StateError, UsageError, VaultError
from engine.inventory.patterns import select, split_patterns
from engine.model.addresses import HostName, ResourceAddress, RunId
from engine.model.frozen import frozen
from engine.model.problem import Problem
from engine.model.values import Value
from engine.runtime.constants import constants_of
from engine.runtime.ledger import RunLedger
from engine.runtime.recorded_targets import RecordedTargets
from engine.runtime.redact import Redactor
from engine.runtime.reinspect import in_words, reinspect
from engine.state.drift import Answer, Drift, Finding, Verdict, changes_in, compared, unaskable
from engine.state.drift_shown import blobs_to_show, drifts
from engine.state.marks import effective
from engine.state.record import RunRecord, StateRecord
from engine.state.snapshot import TRANSIENT
from engine.state.standing import Standing, standing
from engine.state.stores.base import StateStore

if TYPE_CHECKING:
    from engine.engine import Engine

OK, DRIFT, UNREACHED = 0, 2, 4
"""Exit codes. Drift wins over hosts that were not reached: it is certain."""
IN_FOLDERS = ("sqlite", "json")
"""Stores that are files of the project."""
GONE = "it is in the inventory no more"


@frozen(kw_only=True)
class DriftReport:
    """What was found on all hosts."""

    lineage: str
    serial: int
    at: float
    """When it was asked, seconds since the epoch."""
    drifts: tuple[Drift, ...]
    """Sorted by address."""

    def count(self, verdict: Verdict) -> int:
        return sum(each.verdict is verdict for each in self.drifts)

    @property
    def exit_code(self) -> int:
        if any(each.verdict in (Verdict.CHANGED, Verdict.MISSING) for each in self.drifts):
            return DRIFT
        return OK if all(each.reached for each in self.drifts) else UNREACHED


@frozen(kw_only=True)
class Wanted:
    """What is asked about."""

    hosts: tuple[str, ...] = ()
    """Patterns, as --limit takes them; empty: all."""
    resources: tuple[str, ...] = ()
    """Addresses, with wildcards; empty: all. Without a host they mean every host."""
    inventory: tuple[str, ...] = ()
    """Sources instead of those that the runs had."""
    extra_vars: Mapping[str, Value] = field(default_factory=dict)


async def find_drift(engine: Engine, project: str, wanted: Wanted) -> DriftReport:
    """As `look`, without the places."""
    return (await look(engine, project, wanted))[0]


async def look(engine: Engine, project: str, wanted: Wanted) -> tuple[DriftReport, Places]:
    """Ask the hosts of all recorded resources, or of those that are wanted; and where they were asked.

    Raises:
        StateError: `no-state`, or the state cannot be read.
        UsageError: a pattern, a resource or an inventory that is not there.
    """
    must_exist(engine, wanted.inventory)
    folder = os.path.join(project, engine.settings.state.directory)
    if engine.settings.state.store in IN_FOLDERS and not engine.files.is_dir(folder):
        raise nothing_remembered(f"there is no {folder}")  # a look makes no state
    store = engine.store(project)
    snapshot = await store.read()
    runs = {run.id: run async for run in store.runs()}
    records = await all_records(store, runs.values())
    if not records:
        raise nothing_remembered(f"no run of {project} has changed a resource")
    places = Places(engine, project, wanted, runs)
    unfinished = {run.id for run in runs.values() if run.serial is None}
    known = {record.address for record in records if record.address in snapshot.newest or record.run in unfinished}
    chosen = chosen_addresses(known, wanted, places)
    standing_now = (each for each in standing(records, places.login) if not taken_back(each.record))
    questions = [each for each in standing_now if each.record.address in chosen]
    answers = await asked(engine, places, questions)
    findings = [compared(each, answer) for each, answer in zip(questions, answers, strict=True)]
    contents = await kept_contents(store, findings)
    found = sorted((masked(drift, engine.redactor) for drift in drifts(findings, contents.get)), key=lambda drift: drift.address)
    return DriftReport(lineage=snapshot.lineage, serial=snapshot.serial, at=engine.clock.now(), drifts=tuple(found)), places


def taken_back(record: StateRecord) -> bool:
    """Was it named by a task alone, and taken back? Then there is nothing that anybody could look for."""
    return record.after is None and unaskable(record) != "" and changes_in(record.before)


def nothing_remembered(detail: str) -> StateError:
    hint = "--project names another folder"
    return StateError(Problem(code="no-state", summary="Nothing is remembered here yet", detail=detail, hint=hint))


async def all_records(store: StateStore, runs: Iterable[RunRecord]) -> list[StateRecord]:
    """Of all resources, oldest first: those of runs that were killed, or are still at work, too."""
    records = [record async for record in store.records()]
    for run in runs:
        if run.serial is None:
            records.extend([record async for record in store.records(run=run.id)])
    records.sort(key=lambda record: record.number)
    return [each for each in effective(records) if each.address.kind not in TRANSIENT]


async def asked(engine: Engine, places: Places, questions: Sequence[Standing]) -> list[Answer]:
    """An answer for each question, in their order."""
    answers: dict[int, Answer] = {}
    of_target: dict[ExecutionTarget, list[int]] = {}
    for number, each in enumerate(questions):
        target = places.target(each.record)
        if isinstance(target, Answer):
            answers[number] = target
        else:
            of_target.setdefault(target, []).append(number)
    said = await reinspect(
        engine.pool,
        {target: [questions[number] for number in numbers] for target, numbers in of_target.items()},
        engine.redactor,
        forks=engine.settings.run.forks,
    )
    for target, numbers in of_target.items():
        answers.update(zip(numbers, said[target], strict=True))
    return [answers[number] for number in range(len(questions))]


async def kept_contents(store: StateStore, findings: Sequence[Finding]) -> dict[str, bytes]:
    """The recorded contents that differences show, as far as they are still there."""
    found: dict[str, bytes] = {}
    for digest in blobs_to_show(findings):
        try:
            found[digest] = await store.blob(digest)
        except StateError as error:
            if error.problem.code != "blob-missing":
                raise
    return found


def masked(drift: Drift, redactor: Redactor) -> Drift:
    """Without secrets that are known by now, and were not when it was recorded."""
    diffs = tuple(
        replace(diff, before=redactor.text(diff.before), after=redactor.text(diff.after), prepared=redactor.text(diff.prepared))
        for diff in drift.diffs
    )
    return replace(drift, diffs=diffs, why=redactor.text(drift.why))


# ---- what is wanted


def chosen_addresses(known: set[ResourceAddress], wanted: Wanted, places: Places) -> set[ResourceAddress]:
    """UsageError where a host or resource that was named is not there: a typing error must not read as "no drift"."""
    hosts = {address.host for address in known}
    if wanted.hosts:
        hosts = places.matching(hosts, wanted.hosts)
    chosen = {address for address in known if address.host in hosts}
    if not wanted.resources:
        return chosen
    found: set[ResourceAddress] = set()
    for pattern in wanted.resources:
        meant = {address for address in chosen if is_meant(address, pattern)}
        if not meant:
            hint = "engine state list shows the addresses; wildcards are allowed"
            raise UsageError(Problem(code="resource-not-found", summary="The state holds no such resource", detail=pattern, hint=hint))
        found |= meant
    return found


def is_meant(address: ResourceAddress, pattern: str) -> bool:
    """By its address, or without the host; wildcards as in a shell."""
    text = str(address)
    return any(each == pattern or fnmatchcase(each, pattern) for each in (text, text.partition("/")[2]))


# ---- where it is


@dataclass(slots=True)
class Places:
    """The inventories of the runs, each read once."""

    engine: Engine
    project: str
    wanted: Wanted
    runs: Mapping[RunId, RunRecord]
    _read: dict[tuple[tuple[str, ...], str], RecordedTargets] = field(default_factory=dict)

    def target(self, record: StateRecord) -> ExecutionTarget | Answer:
        """Where to ask; or why nobody can be asked."""
        place = self.of(record.run)
        try:
            found = place.target(record)
        except VaultError:
            raise
        except EngineError as error:
            return Answer(error=self.engine.redactor.text(in_words(error)), asked=False)
        return found or Answer(error=f"{record.address.host}: {GONE}", asked=False)

    def login(self, record: StateRecord) -> str:
        """Who the record's task was, if it became nobody."""
        target = self.target(record)
        return "" if isinstance(target, Answer) else target.user or getpass.getuser()

    def of(self, run: RunId) -> RecordedTargets:
        """The inventory that a run had, as it is now. A rollback has that of the run it took back."""
        sources, folder = key = self.named(run)
        if key not in self._read:
            self._read[key] = self.read(sources, folder)
        return self._read[key]

    def named(self, run: RunId) -> tuple[tuple[str, ...], str]:
        """The sources of its inventory, and the folder of its playbook."""
        record = self.runs.get(run)
        if record is None or not (record.inventory or record.playbooks):  # no run of a playbook: the state itself was edited
            record = next((each for each in self.runs.values() if each.playbooks and each.rolls_back is None), record)
        return tuple(self.wanted.inventory or (record.inventory if record is not None else ())), self.folder(record)

    def folder(self, run: RunRecord | None) -> str:
        while run is not None and run.rolls_back is not None and run.rolls_back in self.runs:
            run = self.runs[run.rolls_back]
        return os.path.dirname(run.playbooks[0]) if run is not None and run.playbooks else self.project

    def read(self, sources: Sequence[str], folder: str) -> RecordedTargets:
        engine = self.engine
        inventory, problems = engine.inventory(sources, folder)
        for problem in problems:
            engine.tell(problem)
        ledger = RunLedger.begun(inventory, engine.settings.facts, engine.clock, engine.tell, merging=engine.merging)
        return RecordedTargets(
            inventory=inventory,
            folder=folder,
            extra_vars=self.wanted.extra_vars,
            variables=ledger.variables,
            settings=engine.settings,
            templates=engine.templates,
            redactor=engine.redactor,
            constant=constants_of(engine.settings, [source if "," in source else os.path.join(engine.cwd, source) for source in sources]),
        )

    def matching(self, recorded: set[HostName], patterns: Sequence[str]) -> set[HostName]:
        """The recorded hosts that the patterns mean. One that no inventory knows any more is meant by its name.

        Raises:
            UsageError: `no-hosts-left`: they mean no host, neither of an inventory nor a recorded one.
        """
        parts = [part for pattern in patterns for part in split_patterns(pattern)]
        inventories = [self.of(run).inventory for run in self.runs]
        every: set[HostName] = set()
        for inventory in inventories:
            every |= set(select(inventory, parts, mismatch="ignore").hosts)
        known: set[HostName] = {host for inventory in inventories for host in inventory.hosts}
        names = [part for part in parts if part[0] not in "!&"]
        gone = {host for host in recorded - known if any(host == name or fnmatchcase(host, name) for name in names)}
        gone -= {host for host in gone for part in parts if part[0] == "!" and fnmatchcase(host, part[1:])}
        if not every | gone:
            summary = "The hosts that are asked about are neither in the inventory nor in the state"
            raise UsageError(Problem(code="no-hosts-left", summary=summary, detail=f"--host {' '.join(patterns)}"))
        return recorded & (every | gone)


def must_exist(engine: Engine, sources: Sequence[str]) -> None:
    """UsageError for an inventory named on the command line that is not there: all its hosts would read as gone."""
    for source in sources:
        path = os.path.join(engine.cwd, source)
        if "," not in source and not engine.files.exists(path):
            raise UsageError(Problem(code="inventory-missing", summary="The inventory is not there", detail=source))
