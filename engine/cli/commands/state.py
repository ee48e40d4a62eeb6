"""`engine state`: what the engine remembers of a project."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

import click

from engine.cli.commands import state_edit, state_history, state_import, state_locks, state_whole, state_workspace
from engine.cli.commands.state_access import JSON, PROJECT, at, record_document, resource_in, with_store
from engine.cli.options import HELP
from engine.cli.terminal import Terminal

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from engine.model.addresses import ResourceAddress
    from engine.state.record import RunRecord, StateRecord
    from engine.state.stores.base import StateStore


@click.group(name="state", context_settings=HELP, epilog="Example: engine state list --host web1")
def command() -> None:
    """Look at what the engine remembers: resources, runs, and who is at work."""


PARTS = (
    state_history.diff,
    state_history.history,
    state_edit.mv,
    state_edit.rm,
    state_edit.taint,
    state_import.import_,
    state_whole.pull,
    state_whole.push,
    state_whole.gc,
    state_workspace.workspace,
    state_locks.locks,
    state_locks.lock,
    state_locks.unlock,
)
for each in PARTS:
    command.add_command(each)


@command.command(name="list", context_settings=HELP, epilog="Example: engine state list --runs")
@PROJECT
@JSON
@click.option("--host", metavar="NAME", help="Only resources of this host.")
@click.option("--runs", is_flag=True, help="List runs instead of resources.")
def list_(project: str, as_json: bool, host: str | None, runs: bool) -> int:
    """List every resource that was ever managed here, by its address; with --runs, the runs, newest first."""
    terminal = Terminal()

    async def go(store: StateStore) -> None:
        if runs:
            found = [run async for run in store.runs()]
            terminal.write(json.dumps([run_document(run) for run in found], indent=2) + "\n" if as_json else runs_text(found, terminal))
            return
        snapshot = await store.read()
        addresses = sorted(address for address in snapshot.newest if host is None or address.host == host)
        if as_json:
            resources = [str(address) for address in addresses]
            terminal.write(json.dumps({"lineage": snapshot.lineage, "serial": snapshot.serial, "resources": resources}, indent=2) + "\n")
        else:
            terminal.write(resources_text({address: snapshot.newest[address] for address in addresses}, terminal))

    with_store(project, go)
    return 0


@command.command(context_settings=HELP, epilog="Example: engine state show web1/file//etc/motd")
@click.argument("resource")
@PROJECT
@JSON
def show(resource: str, project: str, as_json: bool) -> int:
    """Show the newest record of one RESOURCE (`web1/file//etc/motd`) and how it came about."""
    terminal = Terminal()

    async def go(store: StateStore) -> None:
        snapshot = await store.read()
        record = snapshot.newest[resource_in(snapshot.newest, resource)]
        terminal.write(json.dumps(record_document(record), indent=2) + "\n" if as_json else record_text(record))

    with_store(project, go)
    return 0


def resources_text(records: Mapping[ResourceAddress, StateRecord], terminal: Terminal) -> str:
    """A table on a terminal; else the addresses alone, one a line."""
    if not terminal.out.isatty() or not records:
        return "".join(f"{address}\n" for address in records)
    from engine.cli.view.tables import table

    rows = [(str(address), at(record.at), record.task or record.action) for address, record in records.items()]
    return table(terminal, ("RESOURCE", "CHANGED", "BY TASK"), rows)


def runs_text(runs: Sequence[RunRecord], terminal: Terminal) -> str:
    """A table on a terminal; else a line for each."""
    if not terminal.out.isatty() or not runs:
        return "".join(map(run_line, runs))
    from engine.cli.view.tables import table

    return table(terminal, RUN_HEADINGS, map(run_cells, runs), numbers=("SERIAL", "CHANGED"))


RUN_HEADINGS = ("SERIAL", "RUN", "STARTED", "CHANGED", "ENDED", "PLAYBOOKS", "ROLLBACK")


def run_cells(run: RunRecord) -> tuple[str, ...]:
    mark = f"rolls back {run.rolls_back}" if run.rolls_back else f"rolled back by {run.rolled_back_by}" if run.rolled_back_by else run.note
    ended = "unfinished" if run.finished is None else f"exit {run.exit_code}"
    serial = "-" if run.serial is None else str(run.serial)
    return serial, run.id, at(run.started), str(run.changed), ended, ", ".join(os.path.basename(path) for path in run.playbooks), mark


def run_line(run: RunRecord) -> str:
    serial, name, started, changed, ended, books, mark = run_cells(run)
    return f"{serial:>5}  {name}  {started}  {changed:>4} changed  {ended:<10}  {books}{'  ' + mark if mark else ''}\n"


def run_document(run: RunRecord) -> dict[str, Any]:
    import dataclasses

    return dataclasses.asdict(run)


def record_text(record: StateRecord) -> str:
    lines = [
        str(record.address),
        f"  task      {record.task}",
        f"  module    {record.module or record.action}",
        f"  run       {record.run}",
        f"  at        {at(record.at)}",
        *([f"  mark      {record.mark}"] if record.mark else []),
        f"  reversible {'yes' if record.reversible else 'no: ' + record.reason}",
        *([f"  rollback  {record.undo['action']}: {state_text(record.undo['args'])}"] if record.undo else []),
        f"  before    {state_text(record.before)}",
        f"  after     {state_text(record.after)}",
    ]
    return "\n".join(lines) + "\n"


def state_text(state: Any) -> str:
    if state is None:
        return "absent"
    if isinstance(state, dict) and "$sealed" not in state:
        return ", ".join(f"{name}={part_text(name, value)}" for name, value in sorted(state.items()))
    return part_text("", state)


def part_text(name: str, value: Any) -> str:
    if isinstance(value, dict) and "$sealed" in value:
        return "(encrypted)"
    return oct(value) if name == "mode" and isinstance(value, int) else json.dumps(value)
