"""A whole state as one JSON document, format v1: what `state.json` is, and what `engine state pull` and `push` carry."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from engine.model.addresses import RunId
from engine.model.frozen import frozen
from engine.state.encode import FORMAT, damaged, digest_of, entry_of, entry_text, parsed, record_of, record_text, run_of, run_text
from engine.state.record import JournalEntry, RunRecord, StateRecord


@frozen(kw_only=True)
class StateDocument:
    lineage: str
    runs: tuple[RunRecord, ...] = ()
    """In the order of beginning, as far as that is known."""
    records: tuple[StateRecord, ...] = ()
    journal: tuple[tuple[RunId, JournalEntry], ...] = ()
    blobs: Mapping[str, bytes] = field(default_factory=dict)

    @property
    def serial(self) -> int:
        return max((each.serial or 0 for each in self.runs), default=0)


def document_text(document: StateDocument) -> str:
    data: dict[str, Any] = {
        "format": FORMAT,
        "lineage": document.lineage,
        "runs": [json.loads(run_text(each)) for each in document.runs],
        "records": [json.loads(record_text(each)) for each in document.records],
        "blobs": {digest: base64.b64encode(each).decode() for digest, each in sorted(document.blobs.items())},
    }
    if document.journal:
        data["journal"] = [{"run": run, **json.loads(entry_text(each))} for run, each in document.journal]
    return json.dumps(data, indent=1)


def document_of(text: str) -> StateDocument:
    """Records and entries are numbered from 1. StateError `state-damaged`, `state-format`."""
    data = parsed(text)
    try:
        return StateDocument(
            lineage=str(data["lineage"]),
            runs=tuple(run_of(json.dumps(each)) for each in data["runs"]),
            records=tuple(record_of(json.dumps(each), number) for number, each in enumerate(data["records"], 1)),
            journal=tuple((each.pop("run"), entry_of(json.dumps(each), number)) for number, each in enumerate(data.get("journal", ()), 1)),
            blobs={digest: base64.b64decode(text, validate=True) for digest, text in data["blobs"].items()},
        )
    except (KeyError, ValueError, TypeError, AttributeError) as error:
        raise damaged(str(error)) from error


def check_whole(document: StateDocument) -> None:
    """StateError `state-damaged` where it speaks of runs that it does not hold, or a content is not what its name says."""
    known = {each.id for each in document.runs}
    homeless = {each.run for each in document.records} | {run for run, _ in document.journal}
    if homeless - known:
        raise damaged(f"it holds no run {sorted(homeless - known)[0]}")
    for digest, data in document.blobs.items():
        if digest_of(data) != digest:
            raise damaged(f"the content {digest} is another one")


@dataclass(slots=True)
class Rewriting:
    """What leads from one document to another, as rows of a database: those to write (whether there or not), those to remove."""

    lineage: str
    runs: list[tuple[str, float, int | None, str]]
    """Id, start, serial, text."""
    gone_runs: list[RunId]
    records: list[tuple[int, RunId, str]]
    gone_records: list[int]
    journal: list[tuple[int, RunId, str]]
    gone_journal: list[int]
    blobs: list[tuple[str, bytes]]
    gone_blobs: list[str]


def rewriting(old: StateDocument, new: StateDocument) -> Rewriting:
    old_runs, new_runs = ({each.id: (each.id, each.started, each.serial, run_text(each)) for each in one.runs} for one in (old, new))
    old_records, new_records = ({each.number: (each.number, each.run, record_text(each)) for each in one.records} for one in (old, new))
    old_notes, new_notes = ({each.number: (each.number, run, entry_text(each)) for run, each in one.journal} for one in (old, new))
    return Rewriting(
        lineage=new.lineage,
        runs=[row for key, row in new_runs.items() if old_runs.get(key) != row],
        gone_runs=[key for key in old_runs if key not in new_runs],
        records=[row for key, row in new_records.items() if old_records.get(key) != row],
        gone_records=[key for key in old_records if key not in new_records],
        journal=[row for key, row in new_notes.items() if old_notes.get(key) != row],
        gone_journal=[key for key in old_notes if key not in new_notes],
        blobs=[(digest, data) for digest, data in new.blobs.items() if digest not in old.blobs],
        gone_blobs=[digest for digest in old.blobs if digest not in new.blobs],
    )
