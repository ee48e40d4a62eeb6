"""`ansible-playbook`: the options of ansible-core's program, on the same line as `engine run`."""

from __future__ import annotations

from collections.abc import Sequence

from engine.cli.ansible import options as shared
from engine.cli.terminal import Terminal


def run(arguments: Sequence[str], terminal: Terminal) -> int:
    parser = shared.parser_for("ansible-playbook", "Runs playbooks on the hosts of an inventory.")
    shared.add_connection(parser)
    parser.add_argument("--force-handlers", dest="force_handlers", action="store_true", default=None, help="handlers on failed hosts too")
    shared.add_become(parser)
    for name in ("tags", "skip-tags"):
        short = ["-t"] if name == "tags" else []
        parser.add_argument(*short, f"--{name}", dest=name.replace("-", "_"), action="append", metavar=name.upper().replace("-", "_"),
                            help="only tasks with one of these tags" if short else "not the tasks with one of these tags")  # fmt: skip
    shared.add_run(parser)
    shared.add_inventory(parser)
    shared.add_variables(parser)
    shared.add_vault(parser)
    shared.add_forks(parser)
    for name in ("--syntax-check", "--list-tasks", "--list-tags"):
        parser.add_argument(name, dest=name[2:].replace("-", "_"), action="store_true", help="read everything, run nothing")
    parser.add_argument("--step", dest="step", action="store_true", default=None, help="ask before each task")
    parser.add_argument("--start-at-task", dest="start_at_task", metavar="START_AT_TASK", help="begin at the task of this name")
    parser.add_argument("playbooks", nargs="+", metavar="playbook", help="playbook(s)")
    options = shared.checked(parser, parser.parse_args(arguments))

    from engine.cli.ansible.failures import explainer
    from engine.cli.commands.run import quick_end
    from engine.cli.running import interruptible, listeners_for, settled
    from engine.cli.view.listing import listing

    if options.list_tags and not options.tags and not options.skip_tags:
        options.tags = ["all", "never"]  # every tag is told, those that only a choice of tags brings included
    made = shared.engine_for(options, options.playbooks[0], terminal)
    prepared = made.prepare(options.playbooks, extra_vars=options.extra_vars or ())
    wanted = [name for name in ("list_hosts", "list_tasks", "list_tags") if getattr(options, name)]
    if wanted or options.syntax_check:
        terminal.write(listing(made, prepared, options.playbooks, wanted))
        return 0

    explain = explainer(made.files.read_text, terminal)
    if made.settings.output.verbosity > 1:
        terminal.write(shared.version("ansible-playbook"))

    async def go() -> int:
        async with made:
            settled()
            recap = await made.carry_out(prepared, listeners=listeners_for("default", made, terminal, explain))
        return recap.exit_code

    code = interruptible(go, made)
    quick_end(code)
    return code
