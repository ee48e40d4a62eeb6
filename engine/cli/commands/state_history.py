"""`engine state diff` and `history`: how the state came to be what it is."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from engine.cli.commands.state_access import JSON, PROJECT, at, record_document, resource_in, with_store
from engine.cli.options import HELP
from engine.cli.terminal import Terminal

if TYPE_CHECKING:
    from collections.abc import Sequence

    from engine.state.comparing import Difference
    from engine.state.record import RunRecord, StateRecord
    from engine.state.stores.base import StateStore


@click.command(context_settings=HELP, epilog="Example: engine state diff 3 20261121T101503")
@click.argument("old", metavar="A")
@click.argument("new", metavar="B", required=False)
@click.option("--host", metavar="NAME", help="Only resources of this host.")
@PROJECT
@JSON
def diff(old: str, new: str | None, host: str | None, project: str, as_json: bool) -> int:
    """Show what differs between two moments of the state: serials, or runs (the state right after them). Without B: up to now."""
    terminal = Terminal()

    async def go(store: StateStore) -> None:
        from engine.state.comparing import compared, serial_of

        one = await serial_of(store, old)
        other = await serial_of(store, new) if new is not None else (await store.read()).serial
        found = [each for each in await compared(store, one, other) if host is None or each.address.host == host]
        if as_json:
            terminal.write(json.dumps({"from": one, "to": other, "resources": [document(each) for each in found]}, indent=2) + "\n")
        else:
            terminal.write("".join(text_of(each, terminal) for each in found) + summary(found, one, other))

    with_store(project, go)
    return 0


@click.command(context_settings=HELP, epilog="Example: engine state history web1/file//etc/motd")
@click.argument("resource")
@PROJECT
@JSON
def history(resource: str, project: str, as_json: bool) -> int:
    """Show every record of one RESOURCE, newest first: when, by which run and task, and what a person did to the record itself."""
    terminal = Terminal()

    async def go(store: StateStore) -> None:
        from engine.state.editing import all_records

        records = await all_records(store)
        address = resource_in({each.address for each in records}, resource)
        found = [each for each in reversed(records) if each.address == address]
        runs = {run.id: run async for run in store.runs()}
        if as_json:
            terminal.write(json.dumps([{**record_document(each), "note": runs[each.run].note} for each in found], indent=2) + "\n")
        else:
            terminal.write(history_text(found, runs, terminal))

    with_store(project, go)
    return 0


def history_text(records: Sequence[StateRecord], runs: dict[str, RunRecord], terminal: Terminal) -> str:
    """A table on a terminal; else a line for each."""
    rows = [(at(each.at), each.run, what_happened(each), runs[each.run].note or each.task or each.action) for each in records]
    if not terminal.out.isatty():
        return "".join("  ".join(row) + "\n" for row in rows)
    from engine.cli.view.tables import table

    return table(terminal, ("AT", "RUN", "WHAT", "TASK"), rows)


def what_happened(record: StateRecord) -> str:
    if record.mark:
        return record.mark
    if record.after is None and record.before is not None and not record.module:
        return "taken back"
    return "created" if record.before is None else "removed from the host" if record.after is None else "changed"


def text_of(found: Difference, terminal: Terminal) -> str:
    colours = {"+": "green", "-": "red", "~": "yellow"}
    lines = [paint(terminal, f"{found.sign} {found.address}", colours[found.sign])]
    for name, (old, new) in found.changed.items():
        if found.sign == "~":
            lines.append(f"    {name}: {plain(name, old)} -> {plain(name, new)}")
        else:
            lines.append(f"    {name}: {plain(name, new if found.sign == '+' else old)}")
    for line in found.text:
        lines.append("    " + (paint(terminal, line, colours[line[0]]) if line[:1] in ("+", "-") else line))
    return "\n".join(lines) + "\n"


def paint(terminal: Terminal, text: str, colour: str) -> str:
    return click.style(text, fg=colour) if terminal.coloured(terminal.out) else text


def plain(name: str, value: Any) -> str:
    if value is None:
        return "(not known)"
    return oct(value) if name == "mode" and isinstance(value, int) else json.dumps(value, ensure_ascii=False)


def summary(found: Sequence[Difference], old: int, new: int) -> str:
    counts = [sum(each.sign == sign for each in found) for sign in "+~-"]
    return f"From serial {old} to {new}: {counts[0]} came, {counts[1]} changed, {counts[2]} went.\n"


def document(found: Difference) -> dict[str, Any]:
    changed = {name: {"before": old, "after": new} for name, (old, new) in found.changed.items()}
    return {"resource": str(found.address), "sign": found.sign, "changed": changed, "text": list(found.text)}
