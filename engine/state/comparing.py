"""Two moments of a state, resource by resource: what came, what went, what is another by now. With the texts of files as they differ."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterable, Mapping
from dataclasses import field
from typing import Any

from engine.errors import StateError
from engine.model.addresses import ResourceAddress
from engine.model.frozen import frozen
from engine.model.problem import Problem
from engine.model.values import Value
from engine.state.encode import BLOB
from engine.state.marks import REMOVED
from engine.state.record import StateRecord
from engine.state.snapshot import TRANSIENT
from engine.state.stores.base import StateStore
from engine.state.withhold import is_withheld
from engine.vault.sealing import is_sealed

CONTENT = "content"
OF_CONTENT = ("digest", "size")
ABSENT: Mapping[str, Any] = {}


@frozen(kw_only=True)
class Difference:
    """One resource. `sign`: `+` it came, `-` it went, `~` it is another."""

    address: ResourceAddress
    sign: str
    changed: Mapping[str, tuple[Value, Value]] = field(default_factory=dict)
    """Parts that differ, contents excepted: before and after; None where the part was not there."""
    text: tuple[str, ...] = ()
    """Lines of a unified diff of the content, or one line that says why there is none."""


async def serial_of(store: StateStore, moment: str) -> int:
    """The serial that `moment` names: itself, or that of a run (the beginning of its id is enough): the state right after it.

    Raises:
        StateError: `run-not-found`.
    """
    runs = [each async for each in store.runs()]
    highest = max((each.serial or 0 for each in runs), default=0)
    if moment.isdigit() and len(moment) < 8 and int(moment) <= highest:
        return int(moment)
    found = [each.serial for each in runs if each.id.startswith(moment)]
    if len(found) != 1 or found[0] is None:
        many = f"`{moment}` names {len(found)} runs; the newest serial is {highest}"
        detail = f"`{moment}` has not finished" if len(found) == 1 else many
        raise StateError(Problem(code="run-not-found", summary="There is no such run", detail=detail, hint="engine state list --runs"))
    return found[0]


async def compared(store: StateStore, old: int, new: int) -> list[Difference]:
    """From the state at one serial to that at another, by address."""
    serials = {run.id: run.serial async for run in store.runs()}
    records = [each async for each in store.records()]
    before, after = (standing([each for each in records if (serials[each.run] or 0) <= serial]) for serial in (old, new))
    contents = contents_by_digest(records)
    found: list[Difference] = []
    for address in sorted({*before, *after}):
        one, other = before.get(address), after.get(address)
        if one != other:
            found.append(await difference(store, address, one, other, contents))
    return found


def standing(records: Iterable[StateRecord]) -> dict[ResourceAddress, Value]:
    """What each resource is by its records, oldest first. A task that tells of a file's mode alone leaves what is known of its content."""
    found: dict[ResourceAddress, Value] = {}
    for record in records:
        if record.address.kind in TRANSIENT:
            continue
        known, told = found.pop(record.address, None), record.after
        if record.mark == REMOVED or told is None:
            continue
        parts = isinstance(known, Mapping) and isinstance(told, Mapping) and record.address.kind == "file"
        found[record.address] = {**known, **told} if parts else told
    return found


def contents_by_digest(records: Iterable[StateRecord]) -> dict[str, Value]:
    """Digest of a file → its content, where any record keeps it: a new content is often kept only by the record that replaced it."""
    found: dict[str, Value] = {}
    for record in records:
        for state in (record.before, record.after):
            if isinstance(state, Mapping) and state.get("digest") and state.get(CONTENT) is not None:
                found[str(state["digest"])] = state[CONTENT]
    return found


def content_of(state: Mapping[str, Any], contents: Mapping[str, Value]) -> Value:
    """The content, its digest where it was not kept, None where there is none."""
    digest = state.get("digest")
    if state.get(CONTENT) is not None or not digest:
        return state.get(CONTENT)
    return contents.get(str(digest), {"digest": digest})


async def difference(
    store: StateStore, address: ResourceAddress, old: Value, new: Value, contents: Mapping[str, Value]
) -> Difference:
    before, after = (each if isinstance(each, Mapping) else ABSENT if each is None else {"value": each} for each in (old, new))
    text: tuple[str, ...] = ()
    one, other = content_of(before, contents), content_of(after, contents)
    if one != other:
        text = tuple(await text_diff(store, one, other))
    names = sorted({*before, *after} - {CONTENT, *(OF_CONTENT if text else ())})
    changed = {name: (before.get(name), after.get(name)) for name in names if before.get(name) != after.get(name)}
    return Difference(address=address, sign="+" if old is None else "-" if new is None else "~", changed=changed, text=text)


async def text_diff(store: StateStore, old: Value, new: Value) -> list[str]:
    """Unified, without headers; of what is no text only its sizes."""
    if is_withheld(old) or is_withheld(new):
        return ["(secret: the content was not kept)"]
    if any(isinstance(each, Mapping) and "digest" in each for each in (old, new)):
        return ["(the content was not kept)"]
    pair = [await bytes_of(store, each) for each in (old, new)]
    if any(map(is_sealed, pair)):
        return ["(the content is encrypted)"]
    try:
        one, other = (each.decode("utf-8") for each in pair)
    except UnicodeDecodeError:
        return [f"(no text: {len(pair[0])} bytes, then {len(pair[1])})"]
    lines: list[str] = []
    for line in list(difflib.unified_diff(one.splitlines(True), other.splitlines(True), n=3))[2:]:
        lines.append(line.removesuffix("\n"))
        if not line.endswith("\n"):
            lines.append("\\ No newline at end of file")
    return lines


async def bytes_of(store: StateStore, content: Value) -> bytes:
    if content is None:
        return b""
    if isinstance(content, Mapping) and set(content) == {BLOB}:
        return await store.blob(str(content[BLOB]))
    return json.dumps(content).encode()
