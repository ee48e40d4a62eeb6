"""`engine state pull`, `push`, `gc`: the state as a whole."""

from __future__ import annotations

import json
import os
import sys
import time
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from engine.cli.commands.state_access import JSON, PROJECT, place_of, with_store
from engine.cli.options import HELP
from engine.cli.terminal import Terminal

if TYPE_CHECKING:
    from engine.state.document import StateDocument
    from engine.state.stores.base import StateStore
    from engine.state.sweeping import Swept


@click.command(context_settings=HELP, epilog="Example: engine state pull > state.json")
@PROJECT
def pull(project: str) -> int:
    """Write the whole state to stdout as one JSON document. Contents of managed files are in it."""
    terminal = Terminal()

    async def go(store: StateStore) -> None:
        from engine.state.document import document_text
        from engine.state.moving import whole

        terminal.write(document_text(await whole(store)) + "\n")

    with_store(project, go)
    return 0


@click.command(context_settings=HELP, epilog="Example: engine state push state.json")
@click.argument("file", metavar="FILE")
@click.option("--force", is_flag=True, help="Also where it is another state, an older one, or somebody is at work.")
@PROJECT
@JSON
def push(file: str, force: bool, project: str, as_json: bool) -> int:
    """Put a state that was pulled in place of the one that is there, which is backed up first. FILE may be `-`: stdin.

    Refused where it is the state of another project (its lineage differs), or older than the one that is there.
    """
    terminal = Terminal()
    backup = os.path.join(place_of(project).folder, f"state.before-push-{time.strftime('%Y%m%dT%H%M%S', time.gmtime())}.json")

    async def go(store: StateStore) -> StateDocument:
        from engine.state.moving import pushed

        return await pushed(store, text_of(file), backup, time.time(), force=force)

    done = with_store(project, go, empty=True)
    kept = backup if os.path.exists(backup) else None
    told = {"serial": done.serial, "lineage": done.lineage, "runs": len(done.runs), "records": len(done.records), "backup": kept}
    words = f"The state is at serial {done.serial} now, with {len(done.records)} records of {len(done.runs)} runs.\n"
    terminal.write(json.dumps(told, indent=2) + "\n" if as_json else words + (f"What was there before is in {kept}\n" if kept else ""))
    return 0


@click.command(context_settings=HELP, epilog="Example: engine state gc --keep 50 --dry-run")
@click.option("--keep", type=click.IntRange(min=0), default=20, show_default=True, metavar="N", help="The newest runs stay as they are.")
@click.option("--dry-run", is_flag=True, help="Say what would go, drop nothing.")
@PROJECT
@JSON
def gc(keep: int, dry_run: bool, project: str, as_json: bool) -> int:
    """Drop what nothing needs any more: records of old runs that tell nothing of the present, journals, contents.

    What the state knows of each resource stays, and every run is still listed; an old run can then not be taken back as a whole.
    """
    terminal = Terminal()

    async def go(store: StateStore) -> Swept:
        from engine.state.moving import collected

        return await collected(store, keep, dry_run=dry_run)

    found = with_store(project, go)
    if as_json:
        terminal.write(json.dumps({**asdict(found), "dry_run": dry_run}, indent=2) + "\n")
    else:
        verb = "Would drop" if dry_run else "Dropped"
        what = f"{found.records} records of {found.runs} runs, {found.entries} journal entries, {found.contents} contents"
        terminal.write(f"{verb} {what}: {found.size} bytes.\n")
    return 0


def text_of(file: str) -> str:
    """StateError `state-damaged` where it is no text; UsageError `file-unreadable`."""
    from engine.errors import UsageError
    from engine.model.problem import Problem
    from engine.state.encode import damaged

    try:
        if file == "-":
            return sys.stdin.read()
        with open(file, encoding="utf-8") as found:
            return found.read()
    except OSError as error:
        detail = f"{file}: {error.strerror}"
        raise UsageError(Problem(code="file-unreadable", summary="The file cannot be read", detail=detail)) from None
    except UnicodeDecodeError as error:
        raise damaged(f"{file}: {error}") from error
