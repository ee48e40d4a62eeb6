"""What an old state can do without: `engine state gc`. Drops records that nothing of today is known from, and contents nobody refers to.

Of each resource stay the newest record of every module that has a say in it, and the one that tells where it came from. In place of
what is dropped each run keeps one record that says so and cannot be taken back: a rollback of that run lists it first.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from engine.model.addresses import ResourceAddress
from engine.model.frozen import frozen
from engine.state.document import StateDocument
from engine.state.encode import blobs_in, entry_text, record_text
from engine.state.marks import DROPPED, REMOVED, effective
from engine.state.record import RunRecord, StateRecord
from engine.state.snapshot import TRANSIENT


@frozen(kw_only=True)
class Swept:
    """What went."""

    records: int = 0
    runs: int = 0
    """Of how many runs the records were."""
    entries: int = 0
    contents: int = 0
    size: int = 0
    """Bytes, as they are and not as a store packs them."""


def swept(state: StateDocument, keep: int) -> tuple[StateDocument, Swept]:
    """The state without what its newest `keep` finished runs, and the present, can do without; and what that was."""
    finished = sorted((each for each in state.runs if each.serial is not None), key=lambda run: run.serial or 0)
    old = {each.id: each for each in finished[: max(0, len(finished) - keep)]}
    needed = needed_now(state.records)
    gone = [each for each in state.records if each.run in old and each.number not in needed]
    numbers = {each.number for each in gone}
    kept = [each for each in state.records if each.number not in numbers]
    records = tuple(sorted([*kept, *instead(gone, old)], key=lambda record: record.number))
    journal = tuple((run, entry) for run, entry in state.journal if run not in old)
    used = blobs_in([[each.before, each.after, each.args] for each in records]) | blobs_in([entry.data for _, entry in journal])
    blobs = {digest: data for digest, data in state.blobs.items() if digest in used}
    told = [entry for run, entry in state.journal if run in old]
    contents = [data for digest, data in state.blobs.items() if digest not in used]
    size = sum(len(record_text(each)) for each in gone) + sum(len(entry_text(each)) for each in told) + sum(map(len, contents))
    count = Swept(
        records=len(gone), runs=len({each.run for each in gone}), entries=len(told), contents=len(contents), size=size
    )
    return replace(state, records=records, journal=journal, blobs=blobs), count


def needed_now(records: Sequence[StateRecord]) -> set[int]:
    """The numbers of records that the present is known from."""
    found = {each.number for each in records if each.mark in (REMOVED, DROPPED)}
    first: set[ResourceAddress] = set()
    newest: dict[tuple[ResourceAddress, str], int] = {}
    for record in effective(records):
        if record.address.kind in TRANSIENT:
            continue
        if record.address not in first:
            first.add(record.address)
            found.add(record.number)
        newest[record.address, record.module] = record.number
    return found | set(newest.values())


def instead(gone: Sequence[StateRecord], runs: dict[str, RunRecord]) -> list[StateRecord]:
    """One record for each run and host, under the number of the first one dropped. What a person did to the state needs none."""
    piles: dict[tuple[str, str], list[StateRecord]] = {}
    for record in gone:
        if not runs[record.run].note:
            piles.setdefault((record.run, record.address.host), []).append(record)
    return [
        replace(
            pile[0],
            address=ResourceAddress(host, "command", f"{len(pile)} records that were dropped"),
            task="state gc", action="state", module="", args={}, before=None, after=None, handlers=(),
            reversible=False, reason="`engine state gc` dropped what it was", mark=DROPPED,
        )
        for (_, host), pile in piles.items()
    ]  # fmt: skip
