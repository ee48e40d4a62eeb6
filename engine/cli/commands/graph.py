"""`engine graph`: the plan of playbooks, drawn. Reads files, touches no host."""

from __future__ import annotations

import json
from typing import Any

import click

from engine.cli.options import HELP, VAULT, options, overrides
from engine.cli.terminal import Terminal


@click.command(name="graph", context_settings=HELP, epilog="Example: engine graph site.yml --format dot | dot -Tsvg > plan.svg")
@click.argument("playbooks", nargs=-1, required=True, metavar="PLAYBOOK...")
@click.option("-i", "--inventory", multiple=True, metavar="SOURCE")
@click.option("-e", "--extra-vars", multiple=True, metavar="VARS")
@click.option("-t", "--tags", multiple=True, metavar="TAGS")
@click.option("--skip-tags", multiple=True, metavar="TAGS")
@options(VAULT)
@click.option("--format", "form", type=click.Choice(["text", "dot", "mermaid"]), default="text")
@click.option("--json", "as_json", is_flag=True, help="One JSON document: steps and edges.")
def command(playbooks: tuple[str, ...], form: str, as_json: bool, **given: Any) -> int:
    """Show the plan of playbooks as a graph: order, barriers, data and notifications."""
    from engine.cli.running import engine_for
    from engine.plan import show
    from engine.plan.edges import with_edges

    terminal = Terminal()
    made = engine_for(playbooks[0], overrides(given), terminal)
    graph = with_edges(made.graph(playbooks, extra_vars=given["extra_vars"]))
    if as_json:
        terminal.write(json.dumps(show.as_document(graph), indent=2) + "\n")
    else:
        terminal.write({"text": show.as_text, "dot": show.as_dot, "mermaid": show.as_mermaid}[form](graph))
    return 0
