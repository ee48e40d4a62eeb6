"""`engine resume`: a run that was killed, lost its hosts or failed, gone on with where it broke off."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import click

from engine.cli.options import CONNECTION, HELP, LOCKS, OUTPUT, VAULT, options, overrides
from engine.cli.terminal import Terminal

if TYPE_CHECKING:
    from engine.state.record import RunRecord


@click.command(name="resume", context_settings=HELP, epilog="Example: engine resume --rerun")
@click.argument("run", required=False)
@click.option("-i", "--inventory", multiple=True, metavar="SOURCE", help="Instead of the inventory that the run had.")
@click.option("-e", "--extra-vars", multiple=True, metavar="VARS", help="Those of the run: their values are not kept.")
@click.option("--rerun", is_flag=True, help="Do again what is in doubt.")
@click.option("--skip", is_flag=True, help="Take what is in doubt as done.")
@click.option("--project", default=".", metavar="FOLDER", help="Where the state is looked for, from there upwards.")
@options(CONNECTION, VAULT, LOCKS, OUTPUT)
def command(
    run: str | None, inventory: tuple[str, ...], extra_vars: tuple[str, ...], rerun: bool, skip: bool, project: str, **given: Any
) -> int:
    """Go on with RUN (the newest, if it broke off or failed) at the exact task, host and item of a loop.

    What was over is not done again; variables, facts and notified handlers are as they were. Of a command that was under way the host is
    asked what came of it: agents keep such answers for five minutes. If nobody knows, it is named, and the run stops there unless
    --rerun or --skip say what to do. Exit codes: as `engine run`; 1 where it stops.
    """
    from engine import resuming
    from engine.cli.running import engine_for, interruptible, listeners_for, settled
    from engine.errors import UsageError
    from engine.library import project_of
    from engine.model.problem import Problem
    from engine.runtime.variables_given import given_again

    if rerun and skip:
        raise UsageError(Problem(code="rerun-and-skip", summary="--rerun and --skip exclude each other", hint="give one of them"))
    terminal = Terminal(colour=given.get("color"))
    root = project_of(project)
    looking = engine_for(os.path.join(root, "any"), overrides(given), terminal)

    async def go() -> int:
        async with looking:
            replay = await resuming.begun(looking, root, run, rerun=rerun, skip=skip)
        made = engine_for(replay.run.playbooks[0], {**asked(replay.run), **overrides(given)}, terminal)
        async with made:
            prepared = resuming.prepared(made, replay, inventory=inventory, extra_vars=given_again(replay.run, extra_vars))
            terminal.write(f"Going on with {replay.run.id}: {replay.done} tasks on hosts were over.\n")
            settled()
            recap = await made.carry_out(prepared, listeners=listeners_for("default", made, terminal))
            return recap.exit_code

    return interruptible(go, looking)


def asked(run: RunRecord) -> dict[str, Any]:
    """The settings that the run's own command line asked for."""
    found = {name: tuple(value) if isinstance(value, list) else value for name, value in dict(run.options.get("asked") or {}).items()}
    for name, key in (("limit", "inventory.limit"), ("tags", "run.tags"), ("skip_tags", "run.skip_tags")):
        value = run.options.get(name)
        if value:
            found.setdefault(key, tuple(value) if isinstance(value, list) else value)
    return found
