"""A store in one JSON file: readable, diffable, for small projects. Written whole, atomically, after every append."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import replace

from engine.errors import StateError
from engine.model.addresses import RunId
from engine.model.problem import Problem
from engine.state.encode import FORMAT, damaged, entry_of, entry_text, parsed, record_of, record_text, run_of, run_text
from engine.state.record import JournalEntry, RunRecord, StateRecord
from engine.state.stores.memory import MemoryStore


class JsonFileStore(MemoryStore):
    def __init__(self, path: str) -> None:
        super().__init__()
        self.path = path
        if os.path.exists(path):
            self._load()

    async def begin(self, run: RunRecord) -> None:
        await super().begin(run)
        self._save()

    async def append(
        self, run: RunId, records: Sequence[StateRecord], blobs: Mapping[str, bytes], entries: Sequence[JournalEntry] = ()
    ) -> None:
        await super().append(run, records, blobs, entries)
        self._save()

    async def finish(self, run: RunId, exit_code: int, at: float) -> int:
        serial = await super().finish(run, exit_code, at)
        self._save()
        return serial

    def _load(self) -> None:
        try:
            with open(self.path, encoding="utf-8") as file:
                data = parsed(file.read())
            self.lineage = data["lineage"]
            self._runs = {run.id: run for run in (run_of(json.dumps(each)) for each in data["runs"])}
            self._records = [record_of(json.dumps(each), number) for number, each in enumerate(data["records"], 1)]
            self._journal = [(each.pop("run"), entry_of(json.dumps(each), at)) for at, each in enumerate(data.get("journal", ()), 1)]
            self._blobs = {digest: base64.b64decode(text, validate=True) for digest, text in data["blobs"].items()}
        except StateError as error:
            raise StateError(replace(error.problem, detail=f"{self.path}: {error.problem.detail}")) from error
        except (OSError, KeyError, ValueError, TypeError, AttributeError) as error:
            raise damaged(f"{self.path}: {error}") from error

    def _save(self) -> None:
        data = {
            "format": FORMAT,
            "lineage": self.lineage,
            "runs": [json.loads(run_text(each)) for each in self._runs.values()],
            "records": [json.loads(record_text(each)) for each in self._records],
            "blobs": {digest: base64.b64encode(each).decode() for digest, each in sorted(self._blobs.items())},
        }
        if self._journal:
            data["journal"] = [{"run": run, **json.loads(entry_text(each))} for run, each in self._journal]
        folder = os.path.dirname(os.path.abspath(self.path))
        temporary = ""
        try:
            os.makedirs(folder, mode=0o700, exist_ok=True)
            handle, temporary = tempfile.mkstemp(prefix=".state", dir=folder)
            with open(handle, "w", encoding="utf-8") as file:
                json.dump(data, file, indent=1)
                file.flush()
                os.fsync(file.fileno())
            os.replace(temporary, self.path)
        except OSError as error:
            with contextlib.suppress(OSError):
                os.unlink(temporary)
            raise StateError(
                Problem(code="state-unwritable", summary="The state cannot be written", detail=f"{self.path}: {error}")
            ) from error
