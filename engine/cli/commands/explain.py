"""`engine explain`: where a variable or a setting has its value from. Reads files, touches no host."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

import click

from engine.cli.options import HELP, VAULT, options, overrides
from engine.cli.terminal import Terminal

if TYPE_CHECKING:
    from engine.engine import Engine
    from engine.prepared import Prepared

JSON = click.option("--json", "as_json", is_flag=True, help="One JSON document.")


@click.group(name="explain", context_settings=HELP, epilog="Example: engine explain var http_port -i hosts.ini --playbook site.yml")
def command() -> None:
    """Say where a variable or a setting has its value from, and what else would have given it one."""


@command.command(context_settings=HELP, epilog="Example: engine explain var http_port -i hosts.ini --host web1 --playbook site.yml")
@click.argument("name")
@click.option("-i", "--inventory", multiple=True, metavar="SOURCE", help="Inventory file, folder, script, or `host,host`.")
@click.option("--host", metavar="NAME", help="Only as this host sees it.")
@click.option("--playbook", metavar="FILE", help="As the plays of this playbook see it, behind their roles.")
@click.option("--task", metavar="NAME", help="As the tasks of this name see it: a name, `role : name`, a wildcard, or file:line.")
@click.option("-e", "--extra-vars", multiple=True, metavar="VARS", help="Variables: k=v, JSON or YAML text, or @file.")
@JSON
@options(VAULT)
def var(name: str, host: str | None, playbook: str | None, task: str | None, as_json: bool, **given: Any) -> int:
    """Show every definition of the variable NAME, the one that wins first: its layer, its place, its value as written.

    Encrypted values and those under no_log are not shown. What tasks set while they run (set_fact, register) is listed
    apart. Exit code 1 where nothing defines NAME.
    """
    from engine.cli.running import engine_for
    from engine.cli.view.explained import as_document, as_text
    from engine.runtime.explaining import Explaining

    if task is not None and playbook is None:
        raise click.UsageError("--task needs --playbook")
    terminal = Terminal()
    made = engine_for(playbook, overrides(given), terminal)
    prepared = made.prepare(playbook, extra_vars=given["extra_vars"]) if playbook else inventory_alone(made, given["extra_vars"])
    explaining = Explaining(
        inventory=prepared.inventory, plays=prepared.graph.plays, extra_vars=prepared.extra_vars, constant=made.constants(prepared),
        files=made.reading, disk=made.files, templates=made.templates,
        merging=made.merging, duplicates=made.settings.variables.duplicate_key,
    )  # fmt: skip
    found = explaining.explain(name, host=host, task=task)
    document = made.redactor.value(as_document(found)) if as_json else None
    terminal.write(json.dumps(document, indent=2) + "\n" if as_json else made.redactor.text(as_text(found, os.getcwd())))
    return 0


def inventory_alone(made: Engine, extra_vars: tuple[str, ...]) -> Prepared:
    """What there is without a playbook."""
    from engine.plan.graph import PlanGraph
    from engine.prepared import Prepared

    sources = made.settings.inventory.sources
    hosts, problems = made.inventory(sources)
    for problem in problems:
        made.tell(problem)
    graph, given = PlanGraph(plays=()), made.extra_vars(extra_vars)
    return Prepared(graph=graph, inventory=hosts, limit=None, extra_vars=given, sources=tuple(sources), project=made.cwd)


@command.command(context_settings=HELP, epilog="Example: engine explain setting run.forks")
@click.argument("name")
@click.option("--project", default=".", metavar="FOLDER", help="Whose engine.toml counts: looked for from there upwards.")
@JSON
def setting(name: str, project: str, as_json: bool) -> int:
    """Show a setting's value and where it comes from. NAME is `run.forks`, `forks`, `defaults.forks` or `ANSIBLE_FORKS`."""
    from engine.cli.view.explained import setting_document, setting_text
    from engine.library import project_of
    from engine.settings.origins import explained

    found = explained(name, cwd=os.getcwd(), project=project_of(project))
    Terminal().write(json.dumps(setting_document(found), indent=2) + "\n" if as_json else setting_text(found))
    return 0
