"""`engine state workspace`: several states of one project, such as one for each stage."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING

import click

from engine.cli.commands.state_access import JSON, PROJECT, place_of
from engine.cli.options import HELP
from engine.cli.terminal import Terminal

if TYPE_CHECKING:
    from engine.cli.commands.state_access import Place


@click.group(context_settings=HELP, epilog="Example: engine state workspace new staging")
def workspace() -> None:
    """Several states of one project: each knows runs and resources of its own."""


@workspace.command(name="list", context_settings=HELP, epilog="Example: engine state workspace list --json")
@PROJECT
@JSON
def list_(project: str, as_json: bool) -> int:
    """List the workspaces; a star stands before the one that is meant where nobody says otherwise."""
    from engine.state.stores.workspaces import workspaces

    terminal, place = Terminal(), place_of(project)
    names = asyncio.run(workspaces(place.kind, place.folder, place.dsn))
    if as_json:
        terminal.write(json.dumps({"workspaces": names, "selected": place.workspace}, indent=2) + "\n")
    else:
        terminal.write("".join(f"{'*' if name == place.workspace else ' '} {name}\n" for name in names))
    return 0


@workspace.command(context_settings=HELP, epilog="Example: engine state workspace new staging")
@click.argument("name")
@PROJECT
@JSON
def new(name: str, project: str, as_json: bool) -> int:
    """Make an empty workspace, and select it."""
    from engine.state.stores.workspaces import make, select

    place = place_of(project)
    asyncio.run(make(place.kind, place.folder, place.dsn, name))
    select(place.folder, name)
    return told(place, name, as_json, f"{name} is made, and meant from now on")


@workspace.command(context_settings=HELP, epilog="Example: engine state workspace select default")
@click.argument("name")
@PROJECT
@JSON
def select(name: str, project: str, as_json: bool) -> int:
    """Say which workspace is meant where neither --workspace nor a setting does."""
    from engine.state.stores import no_workspace
    from engine.state.stores.workspaces import select as chosen
    from engine.state.stores.workspaces import workspaces

    place = place_of(project)
    if name not in asyncio.run(workspaces(place.kind, place.folder, place.dsn)):
        raise no_workspace(name)
    chosen(place.folder, name)
    return told(place, name, as_json, f"{name} is meant from now on")


@workspace.command(context_settings=HELP, epilog="Example: engine state workspace delete staging")
@click.argument("name")
@click.option("--force", is_flag=True, help="Also where it still knows resources, or somebody is at work.")
@PROJECT
@JSON
def delete(name: str, force: bool, project: str, as_json: bool) -> int:
    """Delete a workspace with all its history. What is on the hosts stays there."""
    from engine.state.stores.workspaces import delete as deleted
    from engine.state.stores.workspaces import in_use

    place = place_of(project)
    if name == place.workspace:
        raise in_use(f"{name} is selected", "engine state workspace select default")
    asyncio.run(deleted(place.kind, place.folder, place.dsn, name, force=force))
    return told(place, name, as_json, f"{name} is gone")


def told(place: Place, name: str, as_json: bool, words: str) -> int:
    Terminal().write(json.dumps({"workspace": name, "store": place.kind, "done": words}, indent=2) + "\n" if as_json else words + "\n")
    return 0
