"""`engine destroy`: everything that recorded runs made, removed. Looks, shows the plan, asks, and runs it like a rollback."""

from __future__ import annotations

import os
from typing import Any

import click

from engine.cli.options import HELP, options, overrides
from engine.cli.restoring import ALL, Asked, go_back
from engine.cli.terminal import Terminal


@click.command(name="destroy", context_settings=HELP, epilog="Example: engine destroy --host web1 --dry-run")
@options(*ALL)
def command(
    project: str,
    inventory: tuple[str, ...],
    limit: tuple[str, ...],
    resources: tuple[str, ...],
    dry_run: bool,
    force: bool,
    yes: bool,
    as_json: bool,
    **given: Any,
) -> int:
    """Remove everything that recorded runs made and that is still there, newest first.

    What was there before the first run stays, however it was changed. It is recorded, and `engine rollback` brings it back.

    Exit codes: 0 all is removed, 1 a mistake, a refusal or a no: nothing was done, 2 something failed or cannot be removed,
    4 a host was unreachable.
    """
    from engine.cli.running import engine_for, interruptible
    from engine.errors import StateError
    from engine.library import project_of
    from engine.model.problem import Problem

    terminal = Terminal(colour=given.get("color"))
    root = project_of(project)
    made = engine_for(os.path.join(root, "any"), overrides(given), terminal)
    asked = Asked(
        root=root, inventory=inventory, limit=limit, resources=resources, extra_vars=given["extra_vars"], dry_run=dry_run, force=force,
        yes=yes, as_json=as_json, question="Remove all this?",
    )

    async def go() -> int:
        async with made:
            plan = await made.plan_destroy(root)
            if not plan.restores and not plan.impossible:
                detail = "no recorded run made anything that is still there"
                raise StateError(Problem(code="nothing-to-destroy", summary="There is nothing to remove", detail=detail))
            return await go_back(made, terminal, plan, asked)

    return interruptible(go, made)
