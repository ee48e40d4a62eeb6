"""Stores by name. Each is loaded when it is asked for."""

from __future__ import annotations

import os
import re

from engine.errors import UsageError
from engine.model.problem import Problem
from engine.state.stores.base import StateStore

DEFAULT = "default"
"""The workspace that is there without being made."""


def open_store(kind: str, folder: str, *, workspace: str = "", dsn: str = "", new: bool = True) -> StateStore:
    """The store of that kind.

    Args:
        folder: Where those that are files have them (made with mode 0700 when something is first kept).
        workspace: Each has a state of its own. Empty: the one that is selected in `folder`.
        dsn: Where the database is, of a store that is a server's.
        new: Make the workspace where there is none. The default one is always made when something is first kept.

    Raises:
        UsageError: `unknown-store`, `bad-workspace`, `no-workspace` (of a server's not before it is used), `postgres-missing`.
    """
    workspace = workspace or selected(folder)
    match kind:
        case "sqlite":
            from engine.state.stores.sqlite import SqliteStore

            return SqliteStore(path_of(folder, workspace, "db", new))
        case "json":
            from engine.state.stores.json_file import JsonFileStore

            return JsonFileStore(path_of(folder, workspace, "json", new))
        case "postgres":
            from engine.state.stores.postgres import PostgresStore

            return PostgresStore(dsn, checked(workspace), new=new or workspace == DEFAULT)
        case "memory":
            from engine.state.stores.memory import MemoryStore

            return MemoryStore()
    hint = "sqlite, json, postgres or memory"
    raise UsageError(Problem(code="unknown-store", summary="There is no such state store", detail=kind, hint=hint))


def selected(folder: str) -> str:
    """The workspace that `engine state workspace select` chose."""
    try:
        with open(os.path.join(folder, "workspace"), encoding="utf-8") as file:
            return file.read().strip() or DEFAULT
    except (OSError, UnicodeDecodeError):
        return DEFAULT


def path_of(folder: str, workspace: str, ending: str, new: bool) -> str:
    path = os.path.join(folder, file_name(workspace, ending))
    if not new and workspace != DEFAULT and not os.path.exists(path):
        raise no_workspace(workspace)
    return path


def no_workspace(name: str) -> UsageError:
    hint = "engine state workspace list shows them, engine state workspace new makes one"
    return UsageError(Problem(code="no-workspace", summary="There is no such workspace", detail=name, hint=hint))


def file_name(workspace: str, ending: str) -> str:
    return f"state.{ending}" if checked(workspace) == DEFAULT else f"state.{workspace}.{ending}"


def checked(workspace: str) -> str:
    """The name, which is to be part of a file's or a schema's."""
    if not re.fullmatch(r"[a-z0-9][a-z0-9_-]{0,39}", workspace):
        summary = "This is no name of a workspace"
        hint = "up to 40 small letters, digits, `-` and `_`"
        raise UsageError(Problem(code="bad-workspace", summary=summary, detail=workspace, hint=hint))
    return workspace
