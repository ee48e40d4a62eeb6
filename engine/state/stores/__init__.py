"""Stores by name. Each is loaded when it is asked for."""

from __future__ import annotations

import os

from engine.errors import UsageError
from engine.model.problem import Problem
from engine.state.stores.base import StateStore


def open_store(kind: str, folder: str) -> StateStore:
    """The store of that kind in `folder` (made with mode 0700 when something is first kept)."""
    match kind:
        case "sqlite":
            from engine.state.stores.sqlite import SqliteStore

            return SqliteStore(os.path.join(folder, "state.db"))
        case "json":
            from engine.state.stores.json_file import JsonFileStore

            return JsonFileStore(os.path.join(folder, "state.json"))
        case "memory":
            from engine.state.stores.memory import MemoryStore

            return MemoryStore()
    raise UsageError(Problem(code="unknown-store", summary="There is no such state store", detail=kind, hint="sqlite, json or memory"))
