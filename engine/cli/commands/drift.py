"""`engine drift`: are the hosts still as the runs left them? Parse, ask, show."""

from __future__ import annotations

import os
from typing import Any

import click

from engine.cli.options import CONNECTION, HELP, OUTPUT, VAULT, options, overrides
from engine.cli.terminal import Terminal


@click.command(name="drift", context_settings=HELP, epilog="Example: engine drift --host web --resource 'file//etc/*' --json")
@click.option("--host", "hosts", multiple=True, metavar="PATTERN", help="Only these hosts: names, groups, patterns. May be given again.")
@click.option(
    "--resource", "resources", multiple=True, metavar="ADDRESS",
    help="Only these: `web1/file//etc/motd`, or `file//etc/*` on every host. May be given again.",
)  # fmt: skip
@click.option("-i", "--inventory", multiple=True, metavar="SOURCE", help="Instead of the inventories that the runs had.")
@click.option("-e", "--extra-vars", multiple=True, metavar="VARS", help="Variables: k=v, JSON or YAML text, or @file.")
@click.option("-f", "--forks", type=int, help="Most hosts asked at the same time.")
@click.option("--project", default=".", metavar="FOLDER", help="Where the state is looked for, from there upwards.")
@click.option("--json", "as_json", is_flag=True, help="One JSON document.")
@options(CONNECTION, VAULT, OUTPUT)
def command(
    hosts: tuple[str, ...], resources: tuple[str, ...], inventory: tuple[str, ...], project: str, as_json: bool, **given: Any
) -> int:
    """Look whether the recorded resources are still as the runs left them. Runs no playbook, changes nothing.

    Each is in sync, changed, missing or unknown (with the reason). Exit codes: 0 no drift, 2 drift, 1 a mistake,
    4 no drift where one could look, but not all could be looked at.
    """
    from engine.cli.running import colours_of, engine_for, interruptible
    from engine.cli.view.drift import Paint, as_document, as_text
    from engine.drifting import Wanted
    from engine.library import project_of

    terminal = Terminal(colour=given.get("color"))
    root = project_of(project)
    made = engine_for(os.path.join(root, "any"), overrides(given), terminal)
    wanted = Wanted(hosts=hosts, resources=resources, inventory=inventory, extra_vars=made.extra_vars(given["extra_vars"]))

    async def go() -> int:
        async with made:
            report = await made.drift(root, wanted)
        if as_json:
            terminal.write(as_document(report))
        else:
            shown = made.settings.output
            terminal.write(as_text(report, Paint(colours_of(shown), on=terminal.coloured(terminal.out)), verbose=shown.verbosity > 0))
        return report.exit_code

    return interruptible(go, made)
