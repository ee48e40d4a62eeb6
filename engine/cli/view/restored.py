"""What a rollback or a destroy is about to do: for people, and as a document for programs."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from engine.callbacks.colours import DEFAULTS, code_of
from engine.state.rollback import absent

if TYPE_CHECKING:
    from engine.model.addresses import ResourceAddress
    from engine.restoring import Conflict, Looked
    from engine.state.record import StateRecord
    from engine.state.rollback import Restore, RollbackPlan

SIGNS = {"-": "diff_remove", "+": "diff_add", "~": "changed", "!": "error", "*": "ok", "?": "unreachable"}
"""Sign of a line → the meaning that colours it."""
COMMANDS = "command"


def shown(looked: Looked, *, coloured: bool = False) -> str:
    """The plan, what a human must see to first."""
    plan = looked.plan
    lines = [heading(plan), ""]
    if not plan.destroys and any(run.finished is None for run in plan.runs):
        lines += ["This run has not finished: it was killed, or is still at work.", ""]
    lines += section(
        f"Cannot be restored ({len(plan.impossible)}), see to it by hand:",
        counted(
            f"  ! {each.address.host}: {what(each.address, action_of(each))} — {each.reason}{advice(each)}" for each in plan.impossible
        ),
    )
    lines += section("Changed by someone else since:", map(marked, looked.conflicts))
    lines += section("Cannot be looked at:", map(marked, looked.unclear))
    lines += section("Cannot be reached:", (f"  ? {host}: {why}" for host, why in looked.unreachable.items()))
    steps = by_resource(plan)
    already = {each.address for each in looked.already}
    for address, each in steps.items():
        lines.append(f"  {sign_of(each)} {address.host}: {what(address)}{' (as before already)' if address in already else ''}")
        lines += [f"      by {way_of(step)}" for step in each if step.record.undo]
    lines += section("", (f"  * {each.host}: notify {each.name}" for each in plan.handlers))
    lines += section("Handlers that cannot be notified again:", (f"  ! {each.host}: {each.name}" for each in plan.silent))
    lines += ["", summary(plan, len(steps)), ""]
    spaced = [line for number, line in enumerate(lines) if line or number == 0 or lines[number - 1]]
    return "\n".join(painted(line) if coloured else line for line in spaced)


def marked(conflict: Conflict) -> str:
    address = conflict.restore.address
    return f"  ! {address.host}: {what(address)} — {conflict.why}"


def heading(plan: RollbackPlan) -> str:
    if plan.destroys:
        return "Destroy: what this state made, newest first"
    books = ", ".join(dict.fromkeys(os.path.basename(path) for run in plan.runs for path in run.playbooks))
    names = plan.run.id if len(plan.runs) == 1 else f"{len(plan.runs)} runs, {plan.runs[-1].id} to {plan.run.id}"
    return f"Rollback of {names} ({books})"


def section(title: str, lines: Iterable[str]) -> list[str]:
    found = list(lines)
    return [*([title] if title else []), *found, *([""] if title else [])] if found else []


def counted(lines: Iterable[str]) -> list[str]:
    """Equal lines once: the attempts of one command, the items of a loop that say the same."""
    return [line if count == 1 else f"{line} ({count} times)" for line, count in Counter(lines).items()]


def what(address: ResourceAddress, action: str = "") -> str:
    return f"{action or address.kind} {address.identity}"


def action_of(record: StateRecord) -> str:
    """What it is called by: of what a task named by itself, the name says it."""
    return record.action if record.module or record.address.kind in (COMMANDS, "module") else ""


def way_of(restore: Restore) -> str:
    """What a task gave for its way back, for people who are to agree to it."""
    undo = restore.record.undo
    args = undo["args"]
    if undo.get("no_log"):
        return f"{undo['action']} (its arguments are hidden by no_log)"
    line = next((str(args[name]) for name in ("cmd", "_raw_params") if args.get(name)), "")
    rest = [f"{name}={value}" for name, value in args.items() if name not in ("cmd", "_raw_params") and value is not None]
    return " ".join((f"{undo['action']}:", *([line] if line else []), *rest))


def advice(record: StateRecord) -> str:
    """What a human must do."""
    if record.address.kind == COMMANDS or not record.module:
        return "; undo by hand what it did"
    return f"; `engine state show '{record.address}'` tells what it was"


def by_resource(plan: RollbackPlan) -> dict[ResourceAddress, list[Restore]]:
    found: dict[ResourceAddress, list[Restore]] = {}
    for each in plan.restores:
        found.setdefault(each.address, []).append(each)
    return found


def sign_of(steps: list[Restore]) -> str:
    return "-" if absent(steps[-1].before) else "+" if absent(steps[0].after) else "~"


def summary(plan: RollbackPlan, count: int) -> str:
    if plan.destroys:
        return f"Destroy: {count} to remove, {len(plan.impossible)} cannot be removed."
    return f"Rollback: {count} to restore, {len(plan.impossible)} cannot be restored."


def painted(line: str) -> str:
    sign = line[2:3] if line.startswith("  ") else ""
    return f"\033[{code_of('', DEFAULTS[SIGNS[sign]])}m{line}\033[0m" if sign in SIGNS else line


def document(looked: Looked) -> dict[str, Any]:
    """The same for programs."""
    plan = looked.plan
    return {
        "run": plan.run.id if plan.runs and not plan.destroys else None,
        "runs": [run.id for run in plan.runs] if not plan.destroys else [],
        "partial": plan.partial,
        "restore": [
            {
                "resource": str(each.address), "becomes": "absent" if absent(each.before) else "as before", "task": each.record.task,
                **({"by": way_of(each)} if each.record.undo else {}),
            }
            for each in plan.restores
        ],
        "impossible": [{"resource": str(each.address), "task": each.task, "reason": each.reason} for each in plan.impossible],
        "conflicts": [{"resource": str(each.restore.address), "changed": each.why} for each in looked.conflicts],
        "unclear": [{"resource": str(each.restore.address), "reason": each.why} for each in looked.unclear],
        "already": [str(each.address) for each in looked.already],
        "unreachable": dict(looked.unreachable),
        "handlers": [{"host": each.host, "name": each.name, "action": each.action} for each in plan.handlers],
        "silent_handlers": [{"host": each.host, "name": each.name} for each in plan.silent],
    }
