"""`engine drift`: are the hosts still as the runs left them? Parse, ask, show."""

from __future__ import annotations

import os
import re
from typing import Any

import click

from engine.cli.options import CONNECTION, HELP, OUTPUT, VAULT, options, overrides
from engine.cli.terminal import Terminal

UNITS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400}


def duration(context: click.Context, parameter: click.Parameter, value: str | None) -> float | None:
    """Seconds, from `90`, `30s`, `15m`, `1h` or `1d`."""
    if value is None:
        return None
    found = re.fullmatch(r"(\d+(?:\.\d+)?)([smhd]?)", value.strip())
    seconds = float(found[1]) * UNITS[found[2]] if found else 0.0
    if seconds < 1:
        raise click.BadParameter(f"{value!r} is no time of at least a second, such as 30s, 15m, 1h or 1d", context, parameter)
    return seconds


LOOKING = (
    click.option("--host", "hosts", multiple=True, metavar="PATTERN", help="Only these hosts: names, groups, patterns. May be repeated."),
    click.option(
        "--resource", "resources", multiple=True, metavar="ADDRESS",
        help="Only these: `web1/file//etc/motd`, or `file//etc/*` on every host. May be repeated.",
    ),
    click.option("-i", "--inventory", multiple=True, metavar="SOURCE", help="Instead of the inventories that the runs had."),
    click.option("-e", "--extra-vars", multiple=True, metavar="VARS", help="Variables: k=v, JSON or YAML text, or @file."),
    click.option("-f", "--forks", type=int, help="Most hosts asked at the same time."),
    click.option("--project", default=".", metavar="FOLDER", help="Where the state is looked for, from there upwards."),
)  # fmt: skip
TELLING = (
    click.option("--json", "as_json", is_flag=True, help="One JSON document; with --every one a line."),
    click.option("--prometheus", default="", metavar="FILE", help="Write counts for node_exporter's textfile collector, too."),
    click.option("--junit", default="", metavar="FILE", help="Write a JUnit report, too."),
    click.option("--every", callback=duration, metavar="TIME", help="Look again every 15m, 1h, 1d…, until stopped; a line for each round."),
)
MENDING = (
    click.option("--fix", is_flag=True, help="Put back what has drifted: shows how, asks, and is a run that can be rolled back."),
    click.option("--dry-run", is_flag=True, help="With --fix: show how, change nothing."),
    click.option("-y", "--yes", is_flag=True, help="With --fix: do not ask."),
)


@click.command(name="drift", context_settings=HELP, epilog="Example: engine drift --host web --resource 'file//etc/*' --json")
@options(LOOKING, TELLING, MENDING, CONNECTION, VAULT, OUTPUT)
def command(
    hosts: tuple[str, ...], resources: tuple[str, ...], inventory: tuple[str, ...], project: str, every: float | None,
    fix: bool, dry_run: bool, yes: bool, **given: Any,
) -> int:  # fmt: skip
    """Look whether the recorded resources are still as the runs left them. Runs no playbook and changes nothing, unless --fix is given.

    Each is in sync, changed, missing or unknown (with the reason). Exit codes: 0 no drift, 2 drift, 1 a mistake,
    4 no drift where one could look, but not all could be looked at.
    """
    from engine.cli.drifting import Look
    from engine.cli.running import colours_of, engine_for, interruptible
    from engine.cli.view.drift import Paint
    from engine.drifting import Wanted
    from engine.library import project_of

    if (dry_run or yes) and not fix:
        raise click.UsageError("--dry-run and --yes belong to --fix")
    if fix and every is not None:
        raise click.UsageError("--fix cannot be combined with --every")
    terminal = Terminal(colour=given.get("color"))
    root = project_of(project)
    made = engine_for(os.path.join(root, "any"), overrides(given), terminal)
    wanted = Wanted(hosts=hosts, resources=resources, inventory=inventory, extra_vars=made.extra_vars(given["extra_vars"]))
    shade = Paint(colours_of(made.settings.output), on=terminal.coloured(terminal.out))
    files = {name: given[name] for name in ("as_json", "prometheus", "junit")}
    look = Look(made=made, project=root, wanted=wanted, terminal=terminal, shade=shade, **files)

    async def go() -> int:
        async with made:
            if fix:
                return await look.fix(yes=yes, dry_run=dry_run)
            return await (look.once() if every is None else look.every(every))

    return interruptible(go, made)
