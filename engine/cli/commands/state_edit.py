"""`engine state mv`, `rm`, `taint`: changes to the state itself. No host is touched, and nothing is erased."""

from __future__ import annotations

import json
import time
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

import click

from engine.cli.commands.state_access import JSON, PROJECT, resource_in, with_store
from engine.cli.options import HELP
from engine.cli.terminal import Terminal

if TYPE_CHECKING:
    from engine.model.addresses import ResourceAddress, RunId
    from engine.state.stores.base import StateStore

    Edit = Callable[[StateStore, ResourceAddress, float], Awaitable[RunId]]


@click.command(context_settings=HELP, epilog="Example: engine state mv web1/file//etc/motd web01/file//etc/motd")
@click.argument("old")
@click.argument("new")
@PROJECT
@JSON
def mv(old: str, new: str, project: str, as_json: bool) -> int:
    """Give a recorded resource another address: its host has another name by now, or it was renamed on the host by hand."""

    async def edit(store: StateStore, address: ResourceAddress, now: float) -> RunId:
        from engine.model.addresses import ResourceAddress
        from engine.state.editing import cannot_move, move

        try:
            target = ResourceAddress.parse(new)
        except ValueError:
            raise cannot_move(f"{new} is no address: HOST/KIND/NAME") from None
        return await move(store, address, target, now)

    return edited(project, as_json, old, edit, f"{old} is now {new}")


@click.command(context_settings=HELP, epilog="Example: engine state rm web1/file//etc/motd")
@click.argument("resource")
@PROJECT
@JSON
def rm(resource: str, project: str, as_json: bool) -> int:
    """Take a resource out of the state: it stays on its host, and the engine looks after it no more. Its history stays."""

    async def edit(store: StateStore, address: ResourceAddress, now: float) -> RunId:
        from engine.state.editing import remove

        return await remove(store, address, now)

    return edited(project, as_json, resource, edit, f"{resource} is no part of the state any more; on its host it stays")


@click.command(context_settings=HELP, epilog="Example: engine state taint web1/file//etc/motd")
@click.argument("resource")
@PROJECT
@JSON
def taint(resource: str, project: str, as_json: bool) -> int:
    """Mark a resource as one to be replaced, though it is as recorded: the next run that names it makes it anew."""

    async def edit(store: StateStore, address: ResourceAddress, now: float) -> RunId:
        from engine.model.problem import Problem, Severity
        from engine.state.editing import taint
        from engine.state.tainted import tainted_in

        run = await taint(store, address, now)
        why = (await tainted_in(store))[address].why_not
        if why:
            summary, detail = "No run will replace this", f"{address}: {why}"
            Terminal().problem(Problem(code="not-replaced", summary=summary, detail=detail, severity=Severity.WARNING))
        return run

    return edited(project, as_json, resource, edit, f"{resource} is to be replaced")


def edited(project: str, as_json: bool, resource: str, edit: Edit, done: str) -> int:
    terminal = Terminal()

    async def go(store: StateStore) -> None:
        address = resource_in((await store.read()).newest, resource)
        run = await edit(store, address, time.time())
        terminal.write(json.dumps({"run": run, "resource": resource, "done": done}, indent=2) + "\n" if as_json else f"{done} ({run})\n")

    with_store(project, go)
    return 0
