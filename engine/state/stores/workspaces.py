"""Several states of one project, by name: which there are, which one is meant where nobody says so, and getting rid of one."""

from __future__ import annotations

import os
import re

from engine.errors import StateError, UsageError
from engine.model.problem import Problem
from engine.state.stores import DEFAULT, checked, file_name, no_workspace, open_store

ENDINGS = {"sqlite": "db", "json": "json"}
BESIDE = ("", "-wal", "-shm", ".lock", ".backup")
"""What may stand beside a state's file, and belongs to it."""


def select(folder: str, name: str) -> None:
    """It is meant from now on where nobody says otherwise. StateError `state-unwritable`."""
    path = os.path.join(folder, "workspace")
    try:
        os.makedirs(folder, mode=0o700, exist_ok=True)
        with open(path, "w", encoding="utf-8") as file:
            file.write(checked(name) + "\n")
    except OSError as error:
        raise StateError(Problem(code="state-unwritable", summary="The state cannot be written", detail=f"{path}: {error}")) from error


async def workspaces(kind: str, folder: str, dsn: str) -> list[str]:
    """By name; `default` is always there."""
    found: set[str] = {DEFAULT}
    if kind == "postgres":
        from engine.state.stores.postgres import PostgresStore

        store = PostgresStore(dsn, DEFAULT)
        try:
            found.update(await store.workspaces())
        finally:
            await store.close()
    elif kind in ENDINGS:
        found.update(files_in(folder, ENDINGS[kind]))
    return sorted(found)


def files_in(folder: str, ending: str) -> list[str]:
    if not os.path.isdir(folder):
        return []
    names = (re.fullmatch(rf"state\.([a-z0-9_-]+)\.{ending}", each) for each in os.listdir(folder))
    return [match[1] for match in names if match]


async def make(kind: str, folder: str, dsn: str, name: str) -> None:
    """An empty state of that name. UsageError `workspace-exists`."""
    if checked(name) in await workspaces(kind, folder, dsn):
        raise UsageError(Problem(code="workspace-exists", summary="There is such a workspace already", detail=name))
    store = open_store(kind, folder, workspace=name, dsn=dsn)
    try:
        await store.rewrite(lambda document: document)
    finally:
        await store.close()


async def delete(kind: str, folder: str, dsn: str, name: str, *, force: bool = False) -> None:
    """The state with all its history.

    Raises:
        UsageError: `no-workspace`, `workspace-in-use`: it is the default one, it still knows resources, or somebody is at work.
    """
    if name not in await workspaces(kind, folder, dsn):
        raise no_workspace(name)
    if name == DEFAULT:
        raise in_use(f"{DEFAULT} is always there")
    store = open_store(kind, folder, workspace=name, dsn=dsn)
    try:
        known, held = len((await store.read()).newest), await store.locks()
        if (known or held) and not force:
            what = f"it knows {known} resources" if known else f"{len(held)} of its hosts are held"
            raise in_use(f"{name}: {what}", "--force deletes it all the same; what is on the hosts stays there")
        if kind == "postgres":
            from engine.state.stores.postgres import PostgresStore

            assert isinstance(store, PostgresStore)
            await store.drop()
    finally:
        await store.close()
    if kind in ENDINGS:
        unlink(os.path.join(folder, file_name(name, ENDINGS[kind])))


def unlink(path: str) -> None:
    """A state's file and what belongs to it."""
    for beside in BESIDE:
        if os.path.exists(path + beside):
            os.unlink(path + beside)


def in_use(detail: str, hint: str = "") -> UsageError:
    return UsageError(Problem(code="workspace-in-use", summary="The workspace cannot be deleted", detail=detail, hint=hint))
