"""What a person did to the state itself: a record of a thing that was taken out of it, goes by another name, or is to be made anew.

Nothing is erased by it: the records of before stay, and `engine state history` shows them.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from engine.state.record import StateRecord

REMOVED = "removed"
"""The engine looks after it no more. What is on the host stays."""
MOVED = "moved"
"""It was recorded under another address; this is a copy of what was recorded there."""
TAINTED = "tainted"
"""It is to be replaced, though it is as recorded: until a task changes it again."""

IMPORTED = "imported"
"""It was on the host already, and is recorded as it was found (`engine state import`)."""
DROPPED = "dropped"
"""It stands for records that `engine state gc` dropped."""


def effective(records: Iterable[StateRecord]) -> list[StateRecord]:
    """Of all records, oldest first, those that still count: without what was recorded of a thing before it was taken out of the state."""
    kept: list[StateRecord] = []
    listed = list(records)
    removed = {record.address: at for at, record in enumerate(listed) if record.mark == REMOVED}
    for at, record in enumerate(listed):
        if at > removed.get(record.address, -1):
            kept.append(record)
    return kept
