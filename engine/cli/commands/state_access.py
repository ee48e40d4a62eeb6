"""What all of `engine state` shares: the project's store, addresses and times."""

from __future__ import annotations

import asyncio
import datetime
import json
import os
from collections.abc import Callable, Container, Coroutine
from typing import TYPE_CHECKING, Any, TypeVar

import click

from engine.cli.terminal import Terminal

if TYPE_CHECKING:
    from engine.model.addresses import ResourceAddress
    from engine.state.record import StateRecord
    from engine.state.stores.base import StateStore

PROJECT = click.option("--project", default=".", metavar="FOLDER", help="Where the state is looked for, from there upwards.")
JSON = click.option("--json", "as_json", is_flag=True, help="One JSON document.")
Result = TypeVar("Result")


def folder_of(project: str) -> str:
    """Where a project's state is, where it is a file."""
    from engine.cli.running import engine_for
    from engine.library import project_of

    root = project_of(project)
    return os.path.join(root, engine_for(os.path.join(root, "any"), {}, Terminal()).settings.state.directory)


def with_store(project: str, work: Callable[[StateStore], Coroutine[Any, Any, Result]], *, empty: bool = False) -> Result:
    """What `work` makes of the project's store. StateError `no-state` where nothing was recorded yet, unless it may be empty."""
    from engine.cli.running import engine_for
    from engine.errors import StateError
    from engine.library import project_of
    from engine.model.problem import Problem

    root = project_of(project)
    made = engine_for(os.path.join(root, "any"), {}, Terminal())
    folder = os.path.join(root, made.settings.state.directory)
    if not empty and made.settings.state.store in ("sqlite", "json") and not os.path.isdir(folder):
        raise StateError(
            Problem(
                code="no-state",
                summary="Nothing is remembered here yet",
                detail=f"there is no {folder}",
                hint="engine run records what it does beside the playbook, or in the project's folder",
            )
        )

    async def go() -> Result:
        async with made:
            return await work(made.store(root).kept)  # what is sealed in it stays so: it is going to be shown

    return asyncio.run(go())


def resource_in(known: Container[ResourceAddress], text: str) -> ResourceAddress:
    """The address that `text` writes. StateError `resource-not-found` where it is none, or is not known."""
    from engine.errors import StateError
    from engine.model.addresses import ResourceAddress
    from engine.model.problem import Problem

    try:
        found = ResourceAddress.parse(text)
    except ValueError:
        found = None
    if found is None or found not in known:
        hint = "engine state list shows the addresses"
        raise StateError(Problem(code="resource-not-found", summary="The state holds no such resource", detail=text, hint=hint))
    return found


def record_document(record: StateRecord) -> dict[str, Any]:
    from engine.state.encode import record_text as encoded

    document: dict[str, Any] = json.loads(encoded(record))
    return {**document, "address": str(record.address), "number": record.number}


def at(seconds: float) -> str:
    return datetime.datetime.fromtimestamp(seconds, datetime.UTC).strftime("%Y-%m-%d %H:%M:%SZ")
