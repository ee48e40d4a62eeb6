"""What all of `engine state` shares: the project's store, addresses and times."""

from __future__ import annotations

import asyncio
import datetime
import json
import os
from collections.abc import Callable, Container, Coroutine
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

import click

from engine.cli.terminal import Terminal

if TYPE_CHECKING:
    from engine.engine import Engine
    from engine.model.addresses import ResourceAddress
    from engine.state.record import StateRecord
    from engine.state.stores.base import StateStore

ASKED = "engine.state.workspace"
"""Where click keeps what --workspace said, beside the commands' own arguments."""
Command = TypeVar("Command", bound=Callable[..., Any])


def PROJECT(command: Command) -> Command:
    """Which state is meant: the options that every command of the state has."""

    def remember(context: click.Context, parameter: click.Parameter, value: str | None) -> None:
        context.meta[ASKED] = value

    about, where = "Instead of the one that is selected.", "Where the state is looked for, from there upwards."
    named = click.option("--workspace", metavar="NAME", callback=remember, expose_value=False, help=about)
    return click.option("--project", default=".", metavar="FOLDER", help=where)(named(command))


JSON = click.option("--json", "as_json", is_flag=True, help="One JSON document.")
Result = TypeVar("Result")


@dataclass(frozen=True)
class Place:
    """Where a project's state is."""

    kind: str
    folder: str
    dsn: str = field(repr=False)
    workspace: str
    """As it was asked for, or selected."""


def place_of(project: str) -> Place:
    from engine.state.stores import selected

    root, made = engine_of(project)
    state = made.settings.state
    folder = os.path.join(root, state.directory)
    return Place(kind=state.store, folder=folder, dsn=state.dsn, workspace=state.workspace or selected(folder))


def engine_of(project: str) -> tuple[str, Engine]:
    """The project's folder, and an engine with its settings."""
    from engine.cli.running import engine_for
    from engine.library import project_of

    root = project_of(project)
    context = click.get_current_context(silent=True)
    asked = context.meta.get(ASKED) if context is not None else None
    return root, engine_for(os.path.join(root, "any"), {"state.workspace": asked} if asked else {}, Terminal())


def with_store(project: str, work: Callable[[StateStore], Coroutine[Any, Any, Result]], *, empty: bool = False) -> Result:
    """What `work` makes of the project's store. StateError `no-state` where nothing was recorded yet, unless it may be empty."""
    from engine.errors import StateError
    from engine.model.problem import Problem

    root, made = engine_of(project)
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
