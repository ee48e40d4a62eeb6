"""`engine rollback`: what a run changed, taken back. Shows the plan, asks, and runs it like any other."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

import click

from engine.cli.options import CONNECTION, HELP, LOCKS, OUTPUT, VAULT, options, overrides
from engine.cli.terminal import Terminal

if TYPE_CHECKING:
    from engine.model.addresses import ResourceAddress
    from engine.state.rollback import Restore, RollbackPlan

FAILED = 2


@click.command(name="rollback", context_settings=HELP, epilog="Example: engine rollback --dry-run")
@click.argument("run", required=False)
@click.option("-i", "--inventory", multiple=True, metavar="SOURCE", help="Instead of the inventory that the run had.")
@click.option("-l", "--limit", metavar="PATTERN", help="Only on these hosts.")
@click.option("-e", "--extra-vars", multiple=True, metavar="VARS")
@click.option("--project", default=".", metavar="FOLDER", help="Where the state is looked for, from there upwards.")
@click.option("--dry-run", is_flag=True, help="Show what would be taken back; touch no host.")
@click.option("--force", is_flag=True, help="Also take back what somebody else has changed since.")
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
@click.option("--json", "as_json", is_flag=True, help="Show the plan as one JSON document.")
@options(CONNECTION, VAULT, LOCKS, OUTPUT)
def command(
    run: str | None,
    inventory: tuple[str, ...],
    limit: str | None,
    project: str,
    dry_run: bool,
    force: bool,
    yes: bool,
    as_json: bool,
    **given: Any,
) -> int:
    """Take back what a run changed.

    Without RUN: the newest run that changed something, is not itself a rollback and is not yet rolled back. What cannot be
    restored is listed first. Files, users and groups are restored; commands are not known to the engine.
    """
    from engine.cli.running import confirmed, engine_for, interruptible, listeners_for
    from engine.library import project_of
    from engine.state.rollback import limited

    terminal = Terminal(colour=given.get("color"))
    root = project_of(project)
    made = engine_for(os.path.join(root, "any"), {**overrides(given), **({"inventory.limit": limit} if limit else {})}, terminal)

    async def go() -> int:
        async with made:
            plan = await made.plan_rollback(root, run)
            if limit:
                from engine.inventory.patterns import limited as hosts_of

                hosts, _ = made.inventory(inventory or plan.run.inventory)
                plan = limited(plan, frozenset(hosts_of(hosts, limit, made.files).hosts))
            terminal.write(json.dumps(document(plan), indent=2) + "\n" if as_json else shown(plan))
            if dry_run or not plan.restores:
                return 0 if not plan.impossible or dry_run else FAILED
            if not yes and not confirmed(terminal, "Take this back? [y/N] "):
                return 1
            prepared = await made.prepare_rollback(plan, root, inventory=inventory, extra_vars=given["extra_vars"], force=force)
            recap = await made.carry_out(prepared, listeners=listeners_for("default", made, terminal))
            return recap.exit_code

    return interruptible(go, made)


def shown(plan: RollbackPlan) -> str:
    lines = [f"Rollback of {plan.run.id} ({', '.join(os.path.basename(path) for path in plan.run.playbooks)})", ""]
    if plan.run.finished is None:
        lines += ["This run has not finished: it was killed, or is still at work.", ""]
    if plan.impossible:
        lines.append(f"Cannot be restored ({len(plan.impossible)}), see to it by hand:")
        lines += [f"  ! {each.address.host}: {each.action} {each.address.identity} — {each.reason}" for each in plan.impossible]
        lines.append("")
    resources: dict[ResourceAddress, list[Restore]] = {}
    for each in plan.restores:
        resources.setdefault(each.record.address, []).append(each)
    for address, steps in resources.items():
        sign = "-" if steps[-1].before is None else "+" if steps[0].after is None else "~"
        lines.append(f"  {sign} {address.host}: {address.kind} {address.identity}")
    lines += ["", f"Rollback: {len(resources)} to restore, {len(plan.impossible)} cannot be restored.", ""]
    return "\n".join(lines)


def document(plan: RollbackPlan) -> dict[str, Any]:
    return {
        "run": plan.run.id,
        "restore": [
            {"resource": str(each.record.address), "becomes": "absent" if each.before is None else "as before", "task": each.record.task}
            for each in plan.restores
        ],
        "impossible": [{"resource": str(each.address), "task": each.task, "reason": each.reason} for each in plan.impossible],
    }
