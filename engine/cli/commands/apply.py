"""`engine apply`: what a saved plan shows, done; refused where something has moved since."""

from __future__ import annotations

import os
from typing import Any

import click

from engine.cli.options import CONNECTION, HELP, OUTPUT, VAULT, options, overrides
from engine.cli.terminal import Terminal

LISTED = 20
"""Things that moved which are named one by one."""


@click.command(name="apply", context_settings=HELP, epilog="Example: engine apply plan.bin --yes")
@click.argument("plan", metavar="PLAN")
@click.option("-e", "--extra-vars", multiple=True, metavar="VARS", help="Those the plan was made with: their values are not saved.")
@click.option("--refresh", is_flag=True, help="Where something has moved, show the new plan and do that.")
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
@options(CONNECTION, VAULT, OUTPUT)
def command(plan: str, extra_vars: tuple[str, ...], refresh: bool, yes: bool, **given: Any) -> int:
    """Do what PLAN, saved by `engine plan -o`, shows.

    The hosts are looked at again first. If the playbook, variables, inventory or hosts have changed since, it refuses and names
    what moved. Exit codes: as `engine run`; 1 where it refuses.
    """
    from engine.cli.commands.plan import previewed, show
    from engine.cli.confirm import confirmed
    from engine.cli.running import engine_for, interruptible, listeners_for, settled
    from engine.files import WitnessFiles, moved
    from engine.pruning import pruned
    from engine.runtime import plan_file
    from engine.runtime.variables_given import again

    terminal = Terminal(colour=given.get("color"))
    saved = plan_file.read(plan)
    given_vars = again(saved.extra_vars, saved.salt, extra_vars, "The plan")
    os.chdir(saved.cwd)
    chosen = {**{name: tuple(value) if isinstance(value, list) else value for name, value in saved.options.items()}, **said(given)}
    made = engine_for(saved.playbooks[0], overrides(chosen), terminal)
    witness = made.files = WitnessFiles(made.files)
    changed = moved(saved.seen, witness.files)
    if changed and not refresh:
        raise stale(changed)
    prepared = made.prepare(saved.playbooks, extra_vars=given_vars)

    async def go() -> int:
        async with made:
            settled()
            preview = await previewed(made, prepared, terminal)
            gone = await pruned(made, prepared, preview) if saved.options.get("prune") else None
            preview = gone.preview if gone is not None else preview
            different = plan_file.differences(saved, preview)
            if (different or preview.failures) and not refresh:
                raise stale(different or [f"{each.host}: {each.task}: {each.message}" for each in preview.failures])
            show(preview, terminal, as_json=False)
            if not preview.changes:
                return 0
            if not confirmed(terminal, "Do this?", yes=yes):
                return 1
            recap = await made.carry_out(prepared, listeners=listeners_for("default", made, terminal))
            if recap.exit_code or gone is None or not gone.plan.restores:
                return recap.exit_code  # where the run failed nothing is removed
            removal = await made.prepare_rollback(gone.plan, prepared.project, inventory=prepared.sources, extra_vars=prepared.extra_vars)
            return (await made.carry_out(removal, listeners=listeners_for("default", made, terminal))).exit_code

    return interruptible(go, made)


def said(given: dict[str, Any]) -> dict[str, Any]:
    """Options that were given to this command."""
    return {name: value for name, value in given.items() if value not in (None, ())}


def stale(changed: list[str]) -> Exception:
    from engine.errors import PlanError
    from engine.model.problem import Problem

    more = (f"and {len(changed) - LISTED} more",) if len(changed) > LISTED else ()
    return PlanError(
        Problem(
            code="plan-stale",
            summary="Something has moved since the plan was made: nothing is done",
            detail=changed[0],
            notes=(*changed[1:LISTED], *more),
            hint="engine plan makes a new one; --refresh shows what would be done now, and does that",
        )
    )
