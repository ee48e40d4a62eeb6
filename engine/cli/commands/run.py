"""`engine run`: playbooks on hosts, told as they happen."""

from __future__ import annotations

import os
from typing import Any

import click

from engine.cli.options import CONNECTION, HELP, LOCKS, OUTPUT, RUN, VAULT, options, overrides
from engine.cli.terminal import Terminal


@click.command(name="run", context_settings=HELP, epilog="Example: engine run site.yml -i hosts.ini --limit web --check --diff")
@click.argument("playbooks", nargs=-1, required=True, metavar="PLAYBOOK...")
@options(RUN, CONNECTION, VAULT, LOCKS, OUTPUT)
@click.option("--output", type=click.Choice(["default", "json"]), default="default", help="json: every event as one line of JSON.")
@click.option("--syntax-check", is_flag=True, help="Read everything, run nothing.")
@click.option("--list-hosts", is_flag=True, help="Show the hosts of each play, run nothing.")
@click.option("--list-tasks", is_flag=True, help="Show the tasks of each play, run nothing.")
@click.option("--list-tags", is_flag=True, help="Show the tags of each play, run nothing.")
def command(playbooks: tuple[str, ...], output: str, **given: Any) -> int:
    """Run playbooks on the hosts of an inventory.

    Changes are recorded; `engine rollback` takes the newest run back. Exit codes: 0 fine, 1 a mistake before the run,
    2 a host failed, 4 a host was unreachable, 99 interrupted.
    """
    from dataclasses import replace

    from engine.cli.running import engine_for, interruptible, listeners_for, settled
    from engine.cli.view.listing import listing

    terminal = Terminal(colour=given.get("color"))
    made = engine_for(playbooks[0], overrides(given), terminal)
    prepared = made.prepare(playbooks, extra_vars=given["extra_vars"])
    wanted = [name for name in ("list_hosts", "list_tasks", "list_tags") if given[name]]
    if wanted or given["syntax_check"]:
        terminal.write(listing(made, prepared, playbooks, wanted))
        return 0

    prepared = replace(prepared, options=remembered(given))

    async def go() -> int:
        async with made:
            settled()
            recap = await made.carry_out(prepared, listeners=listeners_for(output, made, terminal))
        return recap.exit_code

    code = interruptible(go, made)
    quick_end(code)
    return code


def remembered(given: dict[str, Any]) -> dict[str, Any]:
    """What `engine resume` needs of the command line."""
    import secrets

    from engine.runtime.variables_given import SALT, VARIABLES, hidden

    salt = secrets.token_hex(8)
    said = {key: value for key, value in overrides(given).items() if not key.startswith("output.")}
    asked = {key: list(value) if isinstance(value, tuple) else value for key, value in said.items()}
    return {"asked": asked, VARIABLES: list(hidden(given["extra_vars"], salt)), SALT: salt}


def quick_end(code: int) -> None:
    """Leave without tearing down the interpreter: with many connections that takes longer than a task."""
    if not os.environ.get("ENGINE_FULL_EXIT"):
        import sys

        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
