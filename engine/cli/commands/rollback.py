"""`engine rollback`: what runs changed, taken back. Looks, shows the plan, asks, and runs it like any other."""

from __future__ import annotations

import os
from typing import Any

import click

from engine.cli.options import HELP, options, overrides
from engine.cli.restoring import ALL, Asked, go_back
from engine.cli.terminal import Terminal


@click.command(name="rollback", context_settings=HELP, epilog="Example: engine rollback --to 17 --host web1 --dry-run")
@click.argument("run", required=False)
@click.option("--to", metavar="SERIAL|RUN|TIME", help="Take back all that came after: the state right after a serial, a run or a time.")
@click.option("--no-handlers", is_flag=True, help="Do not notify the handlers of the original tasks again.")
@options(*ALL)
def command(
    run: str | None,
    to: str | None,
    no_handlers: bool,
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
    """Take back what a run changed.

    Without RUN: the newest run that changed something, is not itself a rollback and is not yet rolled back; again: one further back.
    What cannot be restored, and what somebody else has changed since, is listed first. A host on which a step fails is as before.

    Exit codes: 0 all is back, 1 a mistake, a refusal or a no: nothing was done, 2 something failed or cannot be restored,
    4 a host was unreachable.
    """
    from engine.cli.running import engine_for, interruptible
    from engine.errors import UsageError
    from engine.library import project_of
    from engine.model.problem import Problem
    from engine.state.rollback import without_handlers

    if run is not None and to is not None:
        detail, hint = f"{run} and --to {to}", "RUN alone takes back that run; --to all that came after"
        raise UsageError(Problem(code="run-and-moment", summary="A run and --to exclude each other", detail=detail, hint=hint))
    terminal = Terminal(colour=given.get("color"))
    root = project_of(project)
    made = engine_for(os.path.join(root, "any"), overrides(given), terminal)
    asked = Asked(
        root=root, inventory=inventory, limit=limit, resources=resources, extra_vars=given["extra_vars"], dry_run=dry_run, force=force,
        yes=yes, as_json=as_json, question="Take this back?",
    )

    async def go() -> int:
        async with made:
            plan = await made.plan_rollback(root, run, to)
            return await go_back(made, terminal, without_handlers(plan) if no_handlers else plan, asked)

    return interruptible(go, made)
