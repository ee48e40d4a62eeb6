"""Stores by name. Each is loaded when it is asked for."""

from __future__ import annotations

import os
import re

from engine.errors import UsageError
from engine.model.problem import Problem
from engine.state.stores.base import StateStore

DEFAULT = "default"
"""The workspace that is there without being made."""


def open_store(kind: str, folder: str, *, workspace: str = DEFAULT, dsn: str = "") -> StateStore:
    """The store of that kind.

    Args:
        folder: Where those that are files have them (made with mode 0700 when something is first kept).
        workspace: Each has a state of its own.
        dsn: Where the database is, of a store that is a server's.

    Raises:
        UsageError: `unknown-store`, `bad-workspace`, `postgres-missing`.
    """
    match kind:
        case "sqlite":
            from engine.state.stores.sqlite import SqliteStore

            return SqliteStore(os.path.join(folder, file_name(workspace, "db")))
        case "json":
            from engine.state.stores.json_file import JsonFileStore

            return JsonFileStore(os.path.join(folder, file_name(workspace, "json")))
        case "postgres":
            from engine.state.stores.postgres import PostgresStore

            return PostgresStore(dsn, checked(workspace))
        case "memory":
            from engine.state.stores.memory import MemoryStore

            return MemoryStore()
    hint = "sqlite, json, postgres or memory"
    raise UsageError(Problem(code="unknown-store", summary="There is no such state store", detail=kind, hint=hint))


def file_name(workspace: str, ending: str) -> str:
    return f"state.{ending}" if checked(workspace) == DEFAULT else f"state.{workspace}.{ending}"


def checked(workspace: str) -> str:
    """The name, which is to be part of a file's or a schema's."""
    if not re.fullmatch(r"[a-z0-9][a-z0-9_-]{0,39}", workspace):
        summary = "This is no name of a workspace"
        hint = "up to 40 small letters, digits, `-` and `_`"
        raise UsageError(Problem(code="bad-workspace", summary=summary, detail=workspace, hint=hint))
    return workspace
