"""The state as a whole: taken out, put in place of another, freed of what it can do without."""

from __future__ import annotations

import os

from engine.errors import StateError
from engine.model.problem import Problem
from engine.state.document import StateDocument, check_whole, document_of, document_text
from engine.state.lock import state_locked
from engine.state.process import is_dead
from engine.state.stores.base import StateStore
from engine.state.sweeping import Swept, swept


async def whole(store: StateStore) -> StateDocument:
    """As it is at one moment."""
    found: list[StateDocument] = []
    await store.rewrite(lambda document: found.append(document))
    return found[0]


async def pushed(store: StateStore, text: str, backup: str, now: float, *, force: bool = False) -> StateDocument:
    """Put a document's text in place of the state.

    Args:
        backup: File for what was there before; written, readable by its owner alone, where there was anything.

    Raises:
        StateError: `state-damaged`, `state-format`, `state-locked`, `lineage-differs`, `state-older`.
    """
    new = document_of(text)
    check_whole(new)
    held = await store.locks()
    if held and not force:
        raise state_locked(held, [each.owner for each in held if is_dead(each.owner.process)], now)

    def change(old: StateDocument) -> StateDocument:
        if old.runs and not force:
            check_fits(old, new)
        if old.runs:
            back_up(old, backup)
        return new

    await store.rewrite(change)
    return new


def check_fits(old: StateDocument, new: StateDocument) -> None:
    hint = "--force puts it there all the same"
    if old.lineage != new.lineage:
        detail = f"it has the lineage {new.lineage}, the one that is there {old.lineage}"
        raise StateError(Problem(code="lineage-differs", summary="This is the state of another project", detail=detail, hint=hint))
    if new.serial < old.serial:
        detail = f"it is at serial {new.serial}, the one that is there at {old.serial}"
        raise StateError(Problem(code="state-older", summary="The state that is there is newer", detail=detail, hint=hint))


def back_up(document: StateDocument, path: str) -> None:
    """StateError `state-unwritable`."""
    try:
        os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
        handle = os.open(path, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600)
        with open(handle, "w", encoding="utf-8") as file:
            file.write(document_text(document))
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise StateError(Problem(code="state-unwritable", summary="The state cannot be written", detail=f"{path}: {error}")) from error


async def collected(store: StateStore, keep: int, *, dry_run: bool) -> Swept:
    """What the state can do without, dropped. See state/sweeping.py."""
    found: list[Swept] = []

    def change(old: StateDocument) -> StateDocument | None:
        new, count = swept(old, keep)
        found.append(count)
        return None if dry_run or new == old else new

    await store.rewrite(change)
    return found[0]
