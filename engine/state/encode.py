"""Records and runs as JSON, format v1. Bytes stand outside, as blobs: `{"$blob": "<sha256 hex>"}`.

A dict of the user's that happens to have one key beginning with `$` is wrapped, so that it is never taken for a blob.
"""

from __future__ import annotations

import dataclasses
import datetime
import hashlib
import json
from collections.abc import Callable, Mapping
from typing import Any

from engine.errors import StateError
from engine.model.addresses import ResourceAddress, RunId
from engine.model.problem import Problem
from engine.model.values import Value
from engine.state.record import JournalEntry, Notification, RunRecord, StateRecord

FORMAT = 1
BLOB, WRAPPED, WITHHELD = "$blob", "$dict", "$withheld"
SORTED = json.JSONEncoder(separators=(",", ":"), sort_keys=True).encode
AS_GIVEN = json.JSONEncoder(separators=(",", ":")).encode
AS_THEY_ARE = frozenset((str, int, bool, float, type(None)))


def digest_of(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def with_blobs(value: Value, keep: Callable[[bytes], None]) -> Value:
    """`value` as JSON knows it; its bytes are handed to `keep` and stand as references. The commonest types come first."""
    if type(value) in AS_THEY_ARE:
        return value
    if isinstance(value, str):
        return str(value)
    if isinstance(value, dict | Mapping):
        made = {str(key): with_blobs(each, keep) for key, each in value.items()}
        if len(made) == 1 and next(iter(made)).startswith("$") and not isinstance(value, Withheld):
            return {WRAPPED: made}
        return made
    if isinstance(value, list | tuple):
        return [with_blobs(each, keep) for each in value]
    if isinstance(value, bytes | bytearray):
        data = bytes(value)
        keep(data)
        return {BLOB: digest_of(data)}
    if isinstance(value, bool | int | float):
        return value
    if isinstance(value, datetime.date | datetime.datetime):
        return value.isoformat()
    return str(value)


class Withheld(dict[str, str]):
    """Made by state/withhold.py alone: a user's dict of the same look is wrapped when it is written."""


def blobs_in(value: Value) -> set[str]:
    """The digests that an encoded value refers to."""
    if isinstance(value, Mapping):
        if set(value) == {BLOB}:
            return {str(value[BLOB])}
        if set(value) == {WRAPPED}:
            return set().union(*(blobs_in(each) for each in value[WRAPPED].values()))
        return set().union(*(blobs_in(each) for each in value.values())) if value else set()
    if isinstance(value, list):
        return set().union(*(blobs_in(each) for each in value)) if value else set()
    return set()


def with_bytes(value: Value, blobs: Mapping[str, bytes]) -> Value:
    """The way back. StateError `blob-missing` where a reference leads nowhere."""
    if isinstance(value, Mapping):
        if set(value) == {BLOB}:
            found = blobs.get(str(value[BLOB]))
            if found is None:
                raise missing(str(value[BLOB]))
            return found
        if set(value) == {WRAPPED}:
            return {key: with_bytes(each, blobs) for key, each in value[WRAPPED].items()}
        return {key: with_bytes(each, blobs) for key, each in value.items()}
    if isinstance(value, list):
        return [with_bytes(each, blobs) for each in value]
    return value


def missing(digest: str) -> StateError:
    return StateError(Problem(code="blob-missing", summary="The state refers to content that it does not hold", detail=digest))


OF_RECORD = tuple(each.name for each in dataclasses.fields(StateRecord) if each.name not in ("number", "address", "handlers"))


def record_text(record: StateRecord) -> str:
    """One line of JSON. `number` belongs to the store and is left out."""
    data = {name: getattr(record, name) for name in OF_RECORD}
    for name in ("mark", "undo"):
        if not data[name]:
            del data[name]
    data["address"] = [record.address.host, record.address.kind, record.address.identity]
    data["handlers"] = [handler_text(each) for each in record.handlers]
    return SORTED({"format": FORMAT, **data})


def handler_text(handler: Notification) -> dict[str, Any]:
    found = {"name": handler.name, "action": handler.action, "args": with_blobs(handler.args, ignore)}
    further = {"become": dict(handler.become), "quiet": handler.quiet}
    return {**found, **{name: value for name, value in further.items() if value}}


def record_of(text: str, number: int = 0) -> StateRecord:
    """StateError `state-damaged` where it is no record of a known format."""
    data = parsed(text)
    try:
        data["address"] = ResourceAddress(*data["address"])
        data["handlers"] = tuple(Notification(**each) for each in data["handlers"])
        return StateRecord(**data, number=number)
    except (KeyError, TypeError) as error:
        raise damaged(f"a record without its fields: {error}") from error


def entry_text(entry: JournalEntry) -> str:
    """One line of JSON. `number` belongs to the store and is left out."""
    data = {"host": entry.host, "step": entry.step, "kind": entry.kind, "data": entry.data}
    return AS_GIVEN({"format": FORMAT, **data})


def entry_of(text: str, number: int = 0) -> JournalEntry:
    """StateError `state-damaged` where it is no entry of a known format."""
    try:
        return JournalEntry(**parsed(text), number=number)
    except TypeError as error:
        raise damaged(f"a journal entry without its fields: {error}") from error


def run_text(run: RunRecord) -> str:
    data = dataclasses.asdict(run)
    if not run.note:
        del data["note"]
    return json.dumps({"format": FORMAT, **data}, separators=(",", ":"), sort_keys=True, default=str)


def run_of(text: str) -> RunRecord:
    """StateError `state-damaged` where it is no run of a known format."""
    data = parsed(text)
    try:
        for name in ("playbooks", "inventory"):
            data[name] = tuple(data[name])
        return RunRecord(**data)
    except (KeyError, TypeError) as error:
        raise damaged(f"a run without its fields: {error}") from error


def parsed(text: str) -> dict[str, Any]:
    try:
        data = json.loads(text)
    except ValueError as error:
        raise damaged(str(error)) from error
    if not isinstance(data, dict) or "format" not in data:
        raise damaged("this is no part of a state")
    check_format(data.pop("format"))
    return data


def check_format(found: Value) -> None:
    """StateError `state-format` where it is not ours."""
    if found != FORMAT:
        detail = f"format {found}; this engine knows {FORMAT}"
        raise StateError(Problem(code="state-format", summary="The state was written by a newer engine", detail=detail))


def damaged(detail: str) -> StateError:
    return StateError(Problem(code="state-damaged", summary="The state cannot be read", detail=detail))


def run_missing(run: RunId) -> StateError:
    return StateError(Problem(code="run-missing", summary="The state holds no such run", detail=run))


def ignore(data: bytes) -> None:
    """A handler's arguments hold no contents worth keeping."""
