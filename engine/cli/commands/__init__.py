"""The commands. Each lives in a file of its own and is loaded when it is asked for."""

from __future__ import annotations

import importlib

import click

import engine

SUMMARIES = {
    "run": "Run playbooks on the hosts of an inventory.",
    "plan": "Show what a run would change, exactly, with what only a real run can tell; changes nothing.",
    "apply": "Do what a saved plan shows.",
    "graph": "Show the plan of playbooks: text, DOT or Mermaid; touches no host.",
    "explain": "Say where a variable or a setting has its value from.",
    "lint": "Look for mistakes in playbooks: names that do not exist, leaks of roles; touches no host.",
    "drift": "Look whether hosts are still as the runs left them; changes nothing.",
    "rollback": "Take back what a run changed.",
    "destroy": "Remove everything that recorded runs made.",
    "resume": "Go on with a run that broke off or failed.",
    "state": "What the engine remembers: list, show, diff, history, mv, rm, taint, import, pull, push, gc, locks, workspace.",
    "shims": "Programs with ansible-core's names that run this engine.",
}
"""What `engine --help` lists, without loading the commands."""


class LazyCommands(click.Group):
    """Imports a command's file only to run it or to show its own help."""

    def list_commands(self, context: click.Context) -> list[str]:
        return list(SUMMARIES)

    def get_command(self, context: click.Context, name: str) -> click.Command | None:
        if name not in SUMMARIES:
            return None
        command: click.Command = importlib.import_module(f"engine.cli.commands.{name}").command
        return command

    def format_commands(self, context: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(SUMMARIES.items()))

    def resolve_command(self, context: click.Context, args: list[str]) -> tuple[str | None, click.Command | None, list[str]]:
        from engine.model.words import nearest

        if args and args[0] not in SUMMARIES and not args[0].startswith("-"):
            near = nearest(args[0], SUMMARIES)
            context.fail(f"there is no command {args[0]!r}" + (f"; did you mean {near!r}?" if near else ""))
        return super().resolve_command(context, args)


@click.group(
    cls=LazyCommands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Example: engine run site.yml -i hosts.ini --check --diff",
)
@click.version_option(engine.__version__, prog_name="engine")
def commands() -> None:
    """An Ansible-compatible automation engine: fast, with a memory, and able to take back what it did."""
