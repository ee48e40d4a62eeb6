"""What was marked by `engine state taint`: how the next run makes it anew, or why it does not."""

from __future__ import annotations

from collections.abc import Iterable

from engine.model.addresses import ResourceAddress
from engine.model.frozen import frozen
from engine.state.drift import changes_in
from engine.state.editing import all_records
from engine.state.marks import TAINTED, effective
from engine.state.record import StateRecord
from engine.state.rollback import Restore, piles_of, restore_of, since_made
from engine.state.stores.base import StateStore

NOT_MADE = "it is tainted, and was there before the first run: nothing removes it"
NO_WAY = "it is tainted, and does not say how it is taken back: nothing removes it"
SERVICE = "service"
WHY = "it is tainted"


@frozen(kw_only=True)
class Replacement:
    """How one resource is replaced: what takes it away, in order. A service is restarted."""

    record: StateRecord
    """The newest one."""
    made_by: str = ""
    """The native module that made it: only a task that calls that one can make it anew."""
    gone: tuple[Restore, ...] = ()
    why_not: str = ""


async def tainted_in(store: StateStore) -> dict[ResourceAddress, Replacement]:
    """Of a whole state. Most were never tainted, and are not read for it."""
    if not any([run.note.startswith("state taint") async for run in store.runs()]):
        return {}
    return replacements(await all_records(store))


def replacements(records: Iterable[StateRecord]) -> dict[ResourceAddress, Replacement]:
    """Of everything that is tainted. From all records, oldest first."""
    found: dict[ResourceAddress, Replacement] = {}
    for address, pile in piles_of(effective(records)).items():
        if pile[-1].mark == TAINTED:
            found[address] = replacement([each for each in pile if each.mark != TAINTED] or pile)
    return found


def replacement(pile: list[StateRecord]) -> Replacement:
    newest = pile[-1]
    if newest.address.kind == SERVICE:
        return Replacement(record=newest)
    life = since_made(pile)
    if not life:
        return Replacement(record=newest, why_not=NOT_MADE)
    if life[0].undo:
        return Replacement(record=newest, gone=tuple(restore_of([each]) for each in reversed(life) if each.undo))
    if changes_in(newest.before, newest.after) or not life[0].reversible:
        return Replacement(record=newest, why_not=NO_WAY)
    return Replacement(record=newest, made_by=life[0].module, gone=(restore_of(life),))
