"""What `engine rollback` and `engine destroy` share: the part that is asked for, the look, the question, the run, the exit code."""

from __future__ import annotations

import fnmatch
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from engine.cli.confirm import confirmed
from engine.cli.options import CONNECTION, LOCKS, OUTPUT, VAULT
from engine.cli.terminal import Terminal

if TYPE_CHECKING:
    from engine.engine import Engine
    from engine.model.recap import Recap
    from engine.restoring import Looked
    from engine.state.rollback import RollbackPlan

OK, MISTAKE, FAILED, UNREACHABLE = 0, 1, 2, 4

RESTORING = (
    click.option("-i", "--inventory", multiple=True, metavar="SOURCE", help="Instead of the inventory that was recorded."),
    click.option("-l", "--limit", "--host", "limit", multiple=True, metavar="PATTERN", help="Only on these hosts."),
    click.option("--resource", "resources", multiple=True, metavar="NAME", help="Only these: `file//etc/motd`, `web1/user/ada`, `cron/*`."),
    click.option("-e", "--extra-vars", multiple=True, metavar="VARS", help="Variables: k=v, JSON or YAML text, or @file."),
    click.option("--project", default=".", metavar="FOLDER", help="Where the state is looked for, from there upwards."),
    click.option("--dry-run", is_flag=True, help="Look at the hosts and show what would be done; change nothing."),
    click.option("--force", is_flag=True, help="Also what somebody else has changed since."),
    click.option("-y", "--yes", is_flag=True, help="Do not ask."),
    click.option("--json", "as_json", is_flag=True, help="One JSON document: the plan and, if it was carried out, what came of it."),
)
ALL = (RESTORING, CONNECTION, VAULT, LOCKS, OUTPUT)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What the command line says."""

    root: str
    """The project."""
    inventory: tuple[str, ...]
    limit: tuple[str, ...]
    resources: tuple[str, ...]
    extra_vars: tuple[str, ...]
    dry_run: bool
    force: bool
    yes: bool
    as_json: bool
    question: str


async def go_back(made: Engine, terminal: Terminal, plan: RollbackPlan, asked: Asked) -> int:
    """Look, show, ask, carry out; the exit code.

    Raises:
        EngineError: mistakes; hosts are as they were.
    """
    plan = part_of(made, plan, asked)
    looked = await made.look_before(plan, asked.root, inventory=asked.inventory, extra_vars=asked.extra_vars)
    if not asked.as_json:
        from engine.cli.view.restored import shown

        terminal.write(shown(looked, coloured=terminal.coloured(terminal.out)))
    recap: Recap | None = None
    try:
        check_conflicts(looked, asked)
        recap = await carried_out(made, terminal, looked, asked)
    finally:
        if asked.as_json:
            tell(terminal, looked, recap)
    return code_of(looked, recap, asked)


async def carried_out(made: Engine, terminal: Terminal, looked: Looked, asked: Asked) -> Recap | None:
    """None where nothing was to be done, or the answer was no."""
    from engine.cli.running import listeners_for

    if asked.dry_run or not looked.plan.restores or not confirmed(terminal, asked.question, yes=asked.yes):
        return None
    prepared = await made.prepare_rollback(
        looked.plan, asked.root, inventory=asked.inventory, extra_vars=asked.extra_vars, force=asked.force
    )
    return await made.carry_out(prepared, listeners=[] if asked.as_json else listeners_for("default", made, terminal))


def code_of(looked: Looked, recap: Recap | None, asked: Asked) -> int:
    if recap is not None:
        return recap.exit_code or (FAILED if looked.plan.impossible else OK)
    if looked.unreachable and asked.dry_run:
        return UNREACHABLE
    if asked.dry_run:
        return OK
    if looked.plan.restores:
        return MISTAKE  # the answer was no
    return FAILED if looked.plan.impossible else OK


def check_conflicts(looked: Looked, asked: Asked) -> None:
    """Raises StateError `changed-since`, unless it is forced."""
    from engine.errors import StateError
    from engine.model.problem import Problem

    if not looked.conflicts or asked.force:
        return
    names = [str(each.restore.address) for each in looked.conflicts]
    detail = ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
    raise StateError(
        Problem(
            code="changed-since", summary="Somebody else has changed what is to be restored", detail=detail,
            hint="--force overrules it; --host and --resource leave it out",
        )
    )


def tell(terminal: Terminal, looked: Looked, recap: Recap | None) -> None:
    from engine.cli.view.restored import document

    found: dict[str, Any] = document(looked)
    if recap is not None:
        found["exit_code"] = recap.exit_code
        found["hosts"] = {host: counts.as_dict for host, counts in recap.hosts.items()}
    terminal.write(json.dumps(found, indent=2) + "\n")


def part_of(made: Engine, plan: RollbackPlan, asked: Asked) -> RollbackPlan:
    """The part of the plan on the hosts and of the resources that are named.

    Raises:
        StateError: `resource-not-found`, none is of that name.
        UsageError: `no-hosts-left`, none is on such a host.
    """
    from engine.errors import StateError
    from engine.model.problem import Problem
    from engine.state.rollback import limited
    from engine.state.rollback import part_of as part

    if asked.limit:
        plan = limited(plan, hosts_named(made, plan, asked))
    if asked.resources:
        whole = plan
        plan = part(plan, lambda record: any(matches(str(record.address), pattern) for pattern in asked.resources))
        for pattern in asked.resources:
            if not any(matches(str(record.address), pattern) for record in (*(each.record for each in whole.restores), *whole.impossible)):
                hint = "engine state list shows the addresses"
                raise StateError(Problem(code="resource-not-found", summary="The state holds no such resource", detail=pattern, hint=hint))
    return plan


def hosts_named(made: Engine, plan: RollbackPlan, asked: Asked) -> frozenset[str]:
    """Names of recorded hosts as they are, also of those that are gone from the inventory; anything else is a pattern."""
    from engine.inventory.patterns import limited

    records = (*(each.record for each in plan.restores), *plan.impossible)
    known = {record.inventory_host for record in records} | {record.address.host for record in records}
    words = [word.strip() for each in asked.limit for word in each.split(",") if word.strip()]
    if words and all(word in known for word in words):
        return frozenset(words)
    hosts, _ = made.inventory(asked.inventory or plan.sources)
    return frozenset(limited(hosts, ",".join(words), made.files).hosts)


def matches(address: str, pattern: str) -> bool:
    """Is `web1/file//etc/motd` what is meant, with its host or without?"""
    bare = address.partition("/")[2]
    return fnmatch.fnmatchcase(address, pattern) or fnmatch.fnmatchcase(bare, pattern)
