"""Records of one run → what taking it back means: what is restored, newest first, and what cannot be, with what a human must do.

Undoing several records of one resource is one step, back to the `before` of the oldest, as far as one module can do it; where
the records tell of different parts of the thing (of one its mode, of another its content), each is undone by its own module.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from engine.errors import StateError
from engine.model.addresses import HostName, ResourceAddress, RunId
from engine.model.frozen import frozen
from engine.model.problem import Problem
from engine.model.values import Value
from engine.state.record import RunRecord, StateRecord


@frozen(kw_only=True)
class Restore:
    """One resource on its way back."""

    record: StateRecord
    """The newest record of it in the run: its module, arguments and become are used."""
    before: Value
    """What it was before the run: where it is to go. Contents are blob references."""
    after: Value
    """What the run left: it must still be so, or somebody else has changed it since."""
    records: tuple[StateRecord, ...] = ()


@frozen(kw_only=True)
class RollbackPlan:
    run: RunRecord
    restores: tuple[Restore, ...] = ()
    """In the order of doing: newest first."""
    impossible: tuple[StateRecord, ...] = ()
    """In the order in which they happened."""

    @property
    def hosts(self) -> list[HostName]:
        """Inventory hosts with something to restore, in order of first use."""
        return list(dict.fromkeys(restore.record.inventory_host for restore in self.restores))


@dataclass(slots=True)
class Pile:
    """The records of one resource, oldest first."""

    records: list[StateRecord] = field(default_factory=list)


def choose(runs: Sequence[RunRecord], wanted: RunId | None = None) -> RunRecord:
    """The run to take back: the one that is named (its id, or the beginning of it), else the newest that changed something.

    Args:
        runs: newest first.

    Raises:
        StateError: `nothing-to-roll-back`, `run-not-found`, `run-rolled-back`.
    """
    if wanted is not None:
        named = [run for run in runs if run.id.startswith(wanted)]
        if len(named) != 1:
            detail = f"`{wanted}` names {len(named)} runs"
            raise StateError(Problem(code="run-not-found", summary="There is no such run", detail=detail, hint="engine state list --runs"))
        if named[0].rolled_back_by is not None:
            detail = f"{named[0].id} was taken back by {named[0].rolled_back_by}"
            raise StateError(Problem(code="run-rolled-back", summary="This run is taken back already", detail=detail))
        return named[0]
    for run in runs:
        if run.rolls_back is None and run.rolled_back_by is None and run.changed:
            return run
    raise StateError(
        Problem(
            code="nothing-to-roll-back", summary="There is no run to take back", detail="no recorded run changed anything that still stands"
        )
    )


def plan_rollback(run: RunRecord, records: Sequence[StateRecord]) -> RollbackPlan:
    """From the run's records, oldest first."""
    piles: dict[ResourceAddress, Pile] = {}
    impossible: list[StateRecord] = []
    for record in records:
        piles.setdefault(record.address, Pile()).records.append(record)
    restores: list[Restore] = []
    for pile in piles.values():
        broken = next((each for each in pile.records if not each.reversible), None)
        if broken is not None:
            impossible.extend(each for each in pile.records if not each.reversible)
            continue
        restores.extend(restore_of(records) for records in together(pile.records))
    restores.sort(key=lambda restore: restore.record.number, reverse=True)
    impossible.sort(key=lambda record: record.number)
    return RollbackPlan(run=run, restores=tuple(restores), impossible=tuple(impossible))


def together(records: Sequence[StateRecord]) -> list[list[StateRecord]]:
    """The records of one resource in runs that one step can undo, oldest first."""
    runs: list[list[StateRecord]] = []
    for record in records:
        if runs and one_step(runs[-1][-1], record):
            runs[-1].append(record)
        else:
            runs.append([record])
    return runs


def one_step(older: StateRecord, newer: StateRecord) -> bool:
    """Can the newer one's module undo both at once? Of files only where both know the content; of other kinds the same module."""
    if newer.address.kind == "file":
        return all(known(state, "content") for state in (older.before, newer.before)) and known(newer.after, "digest")
    return older.module == newer.module


def known(state: Value, part: str) -> bool:
    """Does this state of a file hold the part, or say that there is no file?"""
    return state is None or (isinstance(state, dict) and state.get(part) is not None)


def restore_of(records: Sequence[StateRecord]) -> Restore:
    return Restore(record=records[-1], before=records[0].before, after=records[-1].after, records=tuple(records))


def limited(plan: RollbackPlan, hosts: frozenset[HostName]) -> RollbackPlan:
    """The part of it on some hosts."""
    return replace(
        plan,
        restores=tuple(each for each in plan.restores if each.record.inventory_host in hosts),
        impossible=tuple(each for each in plan.impossible if each.inventory_host in hosts),
    )
