"""`engine state locks`, `lock`, `unlock`: who holds which host, and taking it or giving it back by hand."""

from __future__ import annotations

import json
import time
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from engine.cli.commands.state_access import JSON, PROJECT, at, with_store
from engine.cli.options import HELP
from engine.cli.terminal import Terminal

if TYPE_CHECKING:
    from collections.abc import Sequence

    from engine.state.lock import HeldLock
    from engine.state.stores.base import StateStore


@click.command(context_settings=HELP, epilog="Example: engine state locks --json")
@PROJECT
@JSON
def locks(project: str, as_json: bool) -> int:
    """List the hosts that are held: by whom, since when, and whether the owner is still there."""
    terminal = Terminal()

    async def go(store: StateStore) -> None:
        show(await store.locks(), terminal, as_json)

    with_store(project, go)
    return 0


@click.command(context_settings=HELP, epilog="Example: engine state lock web1 web2")
@click.argument("hosts", nargs=-1, required=True, metavar="HOST...")
@PROJECT
@JSON
def lock(hosts: tuple[str, ...], project: str, as_json: bool) -> int:
    """Hold hosts until `engine state unlock`: no run of this project changes them meanwhile."""
    terminal = Terminal()

    async def go(store: StateStore) -> None:
        from engine.state.lock import state_locked
        from engine.state.process import is_dead, this_owner

        owner = this_owner("", time.time(), lasting=True)
        held = await store.try_lock(hosts, owner)
        if held:
            raise state_locked(held, [each.owner for each in held if is_dead(each.owner.process)], owner.since)
        show([each for each in await store.locks() if each.owner.token == owner.token], terminal, as_json)

    with_store(project, go)
    return 0


@click.command(context_settings=HELP, epilog="Example: engine state unlock web1")
@click.argument("hosts", nargs=-1, metavar="HOST...")
@click.option("--all", "everything", is_flag=True, help="All hosts.")
@PROJECT
@JSON
def unlock(hosts: tuple[str, ...], everything: bool, project: str, as_json: bool) -> int:
    """Take locks away from whoever holds them. A run that is still at work is not stopped by it."""
    from engine.errors import StateError, UsageError
    from engine.model.problem import Problem

    terminal = Terminal()
    if bool(hosts) == everything:
        raise UsageError(Problem(code="hosts-or-all", summary="Name the hosts, or say --all", hint="engine state locks lists them"))

    async def go(store: StateStore) -> None:
        removed = await store.unlock(None if everything else hosts)
        missing = sorted(set(hosts) - {each.host for each in removed})
        show(removed, terminal, as_json)
        if missing:
            hint = "engine state locks lists those that are"
            raise StateError(Problem(code="not-locked", summary="Nobody holds this host", detail=", ".join(missing), hint=hint))

    with_store(project, go)
    return 0


def show(held: Sequence[HeldLock], terminal: Terminal, as_json: bool) -> None:
    """A table on a terminal; else a line for each."""
    from engine.state.lock import who
    from engine.state.process import is_dead

    if as_json:
        terminal.write(json.dumps([document(each) for each in held], indent=2) + "\n")
        return
    rows = [(each.host, at(each.owner.since), who(each.owner), "dead" if is_dead(each.owner.process) else "") for each in held]
    if not terminal.out.isatty() or not rows:
        terminal.write("".join("  ".join(filter(None, row)) + "\n" for row in rows))
        return
    from engine.cli.view.tables import table

    terminal.write(table(terminal, ("HOST", "SINCE", "OWNER", "OWNER IS"), rows))


def document(held: HeldLock) -> dict[str, Any]:
    from engine.state.process import is_dead

    owner = {name: value for name, value in asdict(held.owner).items() if name != "token"}
    return {"host": held.host, "owner": owner, "dead": is_dead(held.owner.process)}
