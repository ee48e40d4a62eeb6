"""`engine state import`: something that is on a host already becomes known to the state."""

from __future__ import annotations

import json
import os
from typing import Any

import click

from engine.cli.options import CONNECTION, HELP, OUTPUT, VAULT, options, overrides
from engine.cli.terminal import Terminal

LOOKING = (
    click.option("-i", "--inventory", multiple=True, metavar="SOURCE", help="Instead of the inventory that the newest run had."),
    click.option("-e", "--extra-vars", multiple=True, metavar="VARS", help="Variables: k=v, JSON or YAML text, or @file."),
    click.option("--force", is_flag=True, help="Also one that is recorded already: from now on as it is now."),
    click.option("--project", default=".", metavar="FOLDER", help="Where the state is looked for, from there upwards."),
    click.option("--workspace", metavar="NAME", help="Instead of the one that is selected."),
    click.option("--json", "as_json", is_flag=True, help="One JSON document."),
)


@click.command(name="import", context_settings=HELP, epilog="Example: engine state import web1 file//etc/motd -i hosts.ini")
@click.argument("host")
@click.argument("resource", required=False)
@options(LOOKING, CONNECTION, VAULT, OUTPUT)
def import_(host: str, resource: str | None, inventory: tuple[str, ...], force: bool, project: str, as_json: bool, **given: Any) -> int:
    """Record RESOURCE (`file//etc/motd`) of HOST as it is now: `engine drift` watches it from then on. Nothing is changed on the host.

    Also as one address: web1/file//etc/motd. Exit codes: 0 recorded, 1 a mistake, 4 the host was unreachable.
    """
    from engine.adopting import address_of, adopt, as_document
    from engine.cli.running import engine_for, interruptible
    from engine.drifting import Wanted
    from engine.library import project_of

    terminal = Terminal(colour=given.get("color"))
    root = project_of(project)
    made = engine_for(os.path.join(root, "any"), overrides(given), terminal)
    address = address_of(host, resource)
    wanted = Wanted(inventory=inventory, extra_vars=made.extra_vars(given["extra_vars"]))

    async def go() -> int:
        async with made:
            run = await adopt(made, root, wanted, address, force=force)
        said = json.dumps(as_document(run, address), indent=2) if as_json else f"{address} is recorded as it is now ({run})"
        terminal.write(said + "\n")
        return 0

    return interruptible(go, made)
