"""`engine plan`: what a run would change, before it does."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from engine.cli.options import CONNECTION, HELP, OUTPUT, RUN, VAULT, options, overrides
from engine.cli.terminal import Terminal

if TYPE_CHECKING:
    from engine.engine import Engine
    from engine.model.event import Event
    from engine.prepared import Prepared
    from engine.runtime.preview import Preview

CHANGES, MISTAKE, UNREACHABLE = 2, 1, 4
LEFT_OUT = frozenset(("check", "diff", "step", "extra_vars", "verbose", "color"))
"""Options that a saved plan does not keep: they say how it was shown, or may hold secrets."""


@click.command(name="plan", context_settings=HELP, epilog="Example: engine plan site.yml -i hosts.ini -o plan.bin && engine apply plan.bin")
@click.argument("playbooks", nargs=-1, required=True, metavar="PLAYBOOK...")
@click.option("-o", "--out", metavar="FILE", help="Save the plan, for `engine apply`.")
@click.option("--prune", is_flag=True, help="Also what earlier runs of the playbook made and it declares no more: to be removed.")
@click.option("--json", "as_json", is_flag=True, help="Show the plan as one JSON document.")
@click.option("--detailed-exitcode", is_flag=True, help="0: nothing to do, 2: there are changes, 1: a mistake, 4: unreachable.")
@options(RUN, CONNECTION, VAULT, OUTPUT)
def command(playbooks: tuple[str, ...], out: str | None, prune: bool, as_json: bool, detailed_exitcode: bool, **given: Any) -> int:
    """Show what a run of PLAYBOOKs would change on each host, resource by resource, and change nothing.

    A later task sees what an earlier one would have done. What only a real run can tell is shown as "(known after apply)".
    Exit codes: 0 fine; with --detailed-exitcode 2 where there is something to do; 1 a mistake, or a task that would fail; 4 a host
    was unreachable.
    """
    from engine.cli.running import engine_for, interruptible, settled
    from engine.files import WitnessFiles
    from engine.pruning import pruned

    terminal = Terminal(colour=given.get("color"))
    made = engine_for(playbooks[0], overrides(given), terminal)
    witness = made.files = WitnessFiles(made.files)
    prepared = made.prepare(playbooks, extra_vars=given["extra_vars"])

    async def go() -> int:
        async with made:
            settled()
            preview = await previewed(made, prepared, terminal)
            if prune:
                preview = (await pruned(made, prepared, preview)).preview
        show(preview, terminal, as_json=as_json)
        if out:
            save(out, made, prepared, preview, witness, {**given, "prune": prune or None})
            if not as_json:
                terminal.write(f"Saved. To do exactly this: engine apply {out}\n")
        return exit_code(preview, detailed=detailed_exitcode)

    return interruptible(go, made)


async def previewed(made: Engine, prepared: Prepared, terminal: Terminal) -> Preview:
    """The preview; warnings are told as they come, mistakes stand in it."""
    from engine.cli.view.progress import Progress
    from engine.model.event import ProblemFound
    from engine.model.problem import Severity

    progress = Progress(terminal)

    def listen(event: Event) -> None:
        progress.heard(event)
        if isinstance(event, ProblemFound) and event.problem.severity is not Severity.ERROR:
            terminal.problem(event.problem)

    try:
        return await made.preview(prepared, listeners=[listen])
    finally:
        progress.end()


def show(preview: Preview, terminal: Terminal, *, as_json: bool) -> None:
    from engine.cli.view.preview import document, shown

    terminal.write(json.dumps(document(preview), indent=2, default=str) + "\n" if as_json else shown(preview, terminal))


def save(path: str, made: Engine, prepared: Prepared, preview: Preview, witness: Any, given: dict[str, Any]) -> None:
    import secrets

    from engine.runtime import plan_file
    from engine.runtime.variables_given import hidden

    salt = secrets.token_hex(16)
    plan_file.write(
        path,
        plan_file.PlanFile(
            playbooks=tuple(each.path for each in prepared.graph.playbooks),
            cwd=made.cwd,
            options={name: value for name, value in given.items() if name not in LEFT_OUT and value not in (None, ())},
            extra_vars=hidden(given["extra_vars"], salt),
            salt=salt,
            seen=witness.seen,
            lines=plan_file.fingerprints(preview),
            shown=tuple(map(plan_file.words, preview.planned)),
        ),
    )


def exit_code(preview: Preview, *, detailed: bool) -> int:
    if any(each.unreachable for each in preview.failures):
        return UNREACHABLE
    if preview.failures:
        return MISTAKE
    return CHANGES if detailed and preview.changes else 0
