"""Records of runs → what taking them back means: what is restored, newest first, and what cannot be, with what a human must do.

Undoing several records of one resource is one step, back to the `before` of the oldest, as far as one module can do it; where
the records tell of different parts of the thing (of one its mode, of another its content), each is undone by its own module.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from engine.agent.sdk import same
from engine.model.addresses import HostName, ResourceAddress
from engine.model.frozen import frozen
from engine.model.values import Value
from engine.state.overlap import between
from engine.state.record import NOT_KEPT, TOO_LARGE, RunRecord, StateRecord
from engine.state.withhold import recoverable

RESTORE = "restore"
"""The action of steps that a rollback is made of."""


@frozen(kw_only=True)
class Restore:
    """One resource on its way back."""

    record: StateRecord
    """The newest record of it: its module, arguments and become are used."""
    before: Value
    """What it was before: where it is to go. Contents are blob references."""
    after: Value
    """What the runs left: it must still be so, or somebody else has changed it since."""
    records: tuple[StateRecord, ...] = ()
    left: Value = None
    """Of what came and went between: its last state, where it noted that something was made with it which may have outlived it."""

    @property
    def address(self) -> ResourceAddress:
        return self.record.address


@frozen(kw_only=True)
class Again:
    """A handler that is notified again, once, when the resources of its host are restored."""

    host: HostName
    """Whose handler it is."""
    machine: HostName
    """Where the change was that notified it."""
    name: str
    action: str
    args: Mapping[str, Value]
    become: Mapping[str, Value]
    connection: str = ""
    quiet: bool = False


@frozen(kw_only=True)
class RollbackPlan:
    runs: tuple[RunRecord, ...]
    """Newest first."""
    restores: tuple[Restore, ...] = ()
    """In the order of doing: newest first."""
    impossible: tuple[StateRecord, ...] = ()
    """In the order in which they happened."""
    handlers: tuple[Again, ...] = ()
    """In the order in which they were notified first."""
    silent: tuple[Again, ...] = ()
    """Handlers that the engine cannot run again: an action of theirs, or an argument, is not known."""
    partial: bool = False
    """Something of the runs stays: they are not taken back as a whole."""
    title: str = ""
    destroys: bool = False
    """It takes back no run: what they made is removed."""

    @property
    def run(self) -> RunRecord:
        """The newest of them."""
        return self.runs[0]

    @property
    def sources(self) -> tuple[str, ...]:
        """The inventory sources of all runs, those of the newest first."""
        return tuple(dict.fromkeys(source for run in self.runs for source in run.inventory))

    @property
    def hosts(self) -> list[HostName]:
        """Inventory hosts with something to restore, in order of first use."""
        return list(dict.fromkeys(restore.record.inventory_host for restore in self.restores))


def plan_rollback(runs: RunRecord | Sequence[RunRecord], records: Sequence[StateRecord]) -> RollbackPlan:
    """From the records of a run, or of several (newest first), oldest record first."""
    chosen = (runs,) if isinstance(runs, RunRecord) else tuple(runs)
    restores: list[Restore] = []
    impossible: list[StateRecord] = []
    for pile in piles_of(records).values():
        parts = together(reduced(pile), records)
        if not all(map(possible, parts)):
            parts = together(reduced(pile))  # better all of it at once than not at all: what lies between need not be known then
        if not all(map(possible, parts)):
            impossible.extend(each for each in pile if not each.reversible)
            continue
        steps = [restore_of(part) for part in parts]
        restores.extend(step for step in steps if step.left or not same(step.before, step.after))
    restores.sort(key=lambda restore: restore.record.number, reverse=True)
    impossible.sort(key=lambda record: record.number)
    title = f"ROLLBACK OF {chosen[0].id if len(chosen) == 1 else f'{len(chosen)} RUNS'}"
    return with_handlers(RollbackPlan(runs=chosen, restores=tuple(restores), impossible=tuple(impossible), title=title))


def plan_destroy(runs: Sequence[RunRecord], records: Sequence[StateRecord]) -> RollbackPlan:
    """Everything that came to be with a record, and is there since the newest one, removed; newest first.

    Args:
        runs: Those that the records are of, newest first.
        records: All of them, oldest first.
    """
    restores: list[Restore] = []
    impossible: list[StateRecord] = []
    for pile in piles_of(records).values():
        life = since_made(pile)
        if not life:
            continue
        if life[0].undo:
            restores.extend(restore_of([each]) for each in life if each.undo)
        elif life[0].reversible:
            restores.append(restore_of(life))
        else:
            impossible.append(life[0])
    restores.sort(key=lambda restore: restore.records[0].number, reverse=True)
    return RollbackPlan(runs=tuple(runs), restores=tuple(restores), impossible=tuple(impossible), title="DESTROY", destroys=True)


def since_made(pile: Sequence[StateRecord]) -> list[StateRecord]:
    """The records of a resource since it was made last; none where it was there before the first, or is gone."""
    if any(record.undo for record in pile):
        pile = [record for record in reduced(pile) if record.before is not None or record.after is not None]
    if not pile or not absent(pile[0].before) or absent(pile[-1].after):
        return []
    last = max(number for number, record in enumerate(pile) if absent(record.before))
    return list(pile[last:])


def absent(state: Value) -> bool:
    """Is there nothing? Of several things in one (packages), none of them."""
    if isinstance(state, Mapping) and state:
        return all(value is None for name, value in state.items() if name != "noted")
    return state is None


def piles_of(records: Sequence[StateRecord]) -> dict[ResourceAddress, list[StateRecord]]:
    """The records of each resource, oldest first."""
    piles: dict[ResourceAddress, list[StateRecord]] = {}
    for record in records:
        piles.setdefault(record.address, []).append(record)
    return piles


def moved(pile: Sequence[StateRecord]) -> bool:
    """Is the resource another one after these records than before?"""
    parts = together(reduced(pile))
    return any(not same(part[0].before, part[-1].after) or outlived(part) for part in parts)


def reduced(pile: Sequence[StateRecord]) -> list[StateRecord]:
    """Without the pairs of which one took the other back: a rollback that failed has undone what it did."""
    left: list[StateRecord] = []
    for record in pile:
        if left and takes_back(record, left[-1]):
            left.pop()
        else:
            left.append(record)
    return left


def possible(part: Sequence[StateRecord]) -> bool:
    """Can one step undo these? What lies between them need not be known: only where it goes, and that its secrets are still there."""
    first, last = part[0], part[-1]
    if all(record.reversible for record in part):
        return True
    if any(not record.reversible and record.reason not in NOT_KEPT for record in part) or not last.args:
        return False
    return first.reason != TOO_LARGE and recoverable(first.before, last.after)


def takes_back(newer: StateRecord, older: StateRecord) -> bool:
    """A rollback made it what it was. Tasks that do so may have lost what belongs to it (members of a group)."""
    return newer.action == RESTORE and newer.module == older.module and same(newer.after, older.before) and same(newer.before, older.after)


def together(records: Sequence[StateRecord], every: Sequence[StateRecord] = ()) -> list[list[StateRecord]]:
    """The records of one resource in runs that one step can undo, oldest first.

    Args:
        every: Those of all resources: what changed between two of them, and shows in the resource, keeps them apart.
    """
    runs: list[list[StateRecord]] = []
    for record in records:
        if runs and one_step(runs[-1][-1], record) and not between(runs[-1][-1], record, every):
            runs[-1].append(record)
        else:
            runs.append([record])
    return runs


def one_step(older: StateRecord, newer: StateRecord) -> bool:
    """Can the newer one's module undo both at once?

    Of files only where both know the content; of other kinds the same module, unless the thing was gone in between:
    what went with it (a home, members) is put back by what removed it. Changes of packages each moved other ones.
    """
    if newer.address.kind == "package" or newer.undo or older.undo:
        return False
    if newer.address.kind == "file":
        return all(known(state, "content") for state in (older.before, newer.before)) and known(newer.after, "digest")
    return older.module == newer.module and newer.before is not None


def known(state: Value, part: str) -> bool:
    """Does this state of a file hold the part, or say that there is no file?"""
    return state is None or (isinstance(state, dict) and state.get(part) is not None)


def restore_of(records: Sequence[StateRecord]) -> Restore:
    return Restore(
        record=records[-1], before=records[0].before, after=with_notes(records), records=tuple(records), left=outlived(records)
    )


def outlived(records: Sequence[StateRecord]) -> Value:
    """An account that came and went may have left the home that was made for it."""
    if records[0].before is not None or records[-1].after is not None or len(records) < 2:
        return None
    last = with_notes(records[:-1])
    return last if isinstance(last, Mapping) and "home_made" in (last.get("noted") or {}) else None


def with_notes(records: Sequence[StateRecord]) -> Value:
    """The state that the newest record left, with all that was noted for the way back since the oldest."""
    after = records[-1].after
    notes = [state["noted"] for state in (each.after for each in records) if isinstance(state, Mapping) and "noted" in state]
    if not isinstance(after, Mapping) or len(notes) < 2:
        return after
    merged: dict[str, Value] = {}
    for note in notes:
        merged.update(note)
    return {**after, "noted": merged}


# -- handlers


def with_handlers(plan: RollbackPlan) -> RollbackPlan:
    """The plan with what its restores notify, each handler once for each host."""
    found: dict[tuple[HostName, str, str], Again] = {}
    records = sorted((record for restore in plan.restores for record in restore.records), key=lambda record: record.number)
    for record in records:
        for each in record.handlers:
            one = Again(
                host=record.inventory_host, machine=record.address.host, name=each.name, action=each.action, args=each.args,
                become=each.become, connection=record.connection, quiet=each.quiet,
            )
            found.setdefault((one.host, one.action or one.name, repr(sorted(one.args.items()))), one)
    every = tuple(found.values())
    return replace(plan, handlers=tuple(each for each in every if each.action), silent=tuple(each for each in every if not each.action))


def without_handlers(plan: RollbackPlan) -> RollbackPlan:
    return replace(plan, handlers=(), silent=())


# -- parts of a plan


def part_of(plan: RollbackPlan, wanted: Callable[[StateRecord], bool]) -> RollbackPlan:
    """The part of it that is about some records; partial, if something is left out."""
    restores = tuple(each for each in plan.restores if wanted(each.record))
    impossible = tuple(each for each in plan.impossible if wanted(each))
    less = len(restores) < len(plan.restores) or len(impossible) < len(plan.impossible)
    left = replace(plan, restores=restores, impossible=impossible, partial=plan.partial or less)
    return with_handlers(left) if plan.handlers or plan.silent else left


def limited(plan: RollbackPlan, hosts: frozenset[HostName]) -> RollbackPlan:
    """The part of it on some hosts of the inventory."""
    return part_of(plan, lambda record: record.inventory_host in hosts or record.address.host in hosts)
