"""`engine lint`: mistakes that can be seen without a host, as findings with their places."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from engine.cli.options import HELP, VAULT, options, overrides
from engine.cli.terminal import Terminal

if TYPE_CHECKING:
    from engine.model.problem import Problem

MISTAKE = 1
FOUND = 2


class LintCommand(click.Command):
    """A command whose exit code 2 means findings: mistakes of use are 1."""

    def make_context(self, info_name: str | None, args: list[str], parent: click.Context | None = None, **extra: Any) -> click.Context:
        try:
            return super().make_context(info_name, args, parent, **extra)
        except click.UsageError as error:
            error.show()
            raise click.exceptions.Exit(MISTAKE) from None


@click.command(name="lint", cls=LintCommand, context_settings=HELP, epilog="Example: engine lint site.yml -i hosts.ini")
@click.argument("playbooks", nargs=-1, required=True, metavar="PLAYBOOK...")
@click.option("-i", "--inventory", multiple=True, metavar="SOURCE", help="Where variables may be defined too.")
@click.option("-e", "--extra-vars", multiple=True, metavar="VARS")
@options(VAULT)
@click.option("--json", "as_json", is_flag=True, help="One JSON document: findings and a summary.")
def command(playbooks: tuple[str, ...], as_json: bool, **given: Any) -> int:
    """Look for mistakes in playbooks; no host is touched.

    Names of filters, tests, lookups, handlers and variables that do not exist; variables that leak out of roles; keys
    written twice; whatever keeps a playbook from being read. `# noqa: CODE` in a line leaves a finding there unsaid.
    Exit codes: 0 nothing found, 2 findings, 1 a mistake of use.
    """
    from engine.cli.running import engine_for
    from engine.library import lint

    terminal = Terminal()
    found: dict[Problem, None] = {}
    for playbook in playbooks:
        made = engine_for(playbook, overrides(given), terminal)
        found.update(dict.fromkeys(lint(made, playbook, extra_vars=given["extra_vars"])))
    show(list(found), len(playbooks), as_json, terminal)
    return FOUND if found else 0


def show(found: list[Problem], playbooks: int, as_json: bool, terminal: Terminal) -> None:
    from engine.cli.view.problem import render
    from engine.files import DiskFiles

    counts = {kind: sum(problem.severity.value == kind for problem in found) for kind in ("error", "warning", "notice")}
    if as_json:
        document = {"findings": [as_document(problem) for problem in found], "summary": {**counts, "playbooks": playbooks}}
        terminal.write(json.dumps(document, indent=2) + "\n")
        return
    for problem in found:
        terminal.write(render(problem, DiskFiles().read_text, colour=terminal.coloured(terminal.out)) + "\n")
    said = ", ".join(f"{count} {kind}{'s' if count != 1 else ''}" for kind, count in counts.items() if count)
    terminal.write(f"{said or 'Nothing found'} in {playbooks} playbook{'s' if playbooks != 1 else ''}\n")


def as_document(problem: Problem) -> dict[str, Any]:
    span = problem.span
    place = {"path": span.path, "line": span.line, "column": span.column, "width": span.width} if span is not None else None
    return {
        "code": problem.code, "severity": problem.severity.value, "summary": problem.summary, "detail": problem.detail,
        "place": place, "notes": list(problem.notes), "hint": problem.hint,
    }
