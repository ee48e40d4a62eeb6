"""`ansible`: one task on the hosts of a pattern.

The task becomes a playbook of one play, as text under a name that no file has, and goes the way of every playbook: what `-a`
holds is parsed, rendered and checked as it would be there.
"""

from __future__ import annotations

import argparse
import json
import os
import textwrap
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from engine.cli.ansible import options as shared
from engine.cli.ansible.problems import Link
from engine.cli.terminal import Terminal
from engine.errors import UsageError
from engine.files import Files
from engine.model.event import Event
from engine.model.problem import Problem, Severity
from engine.model.source import Span

if TYPE_CHECKING:
    from engine.prepared import Prepared

REFUSED = 5
"""ansible-core's exit code for options that do not make sense."""
WANT_ARGUMENTS = frozenset(("command", "shell", "raw", "script", "win_command", "win_shell"))
NO_AD_HOC = frozenset(("import_playbook", "import_tasks", "include_tasks", "import_role"))


def run(arguments: Sequence[str], terminal: Terminal) -> int:
    options = parsed(arguments)
    from engine.callbacks.tree import TreeOutput
    from engine.cli.ansible.failures import explainer
    from engine.cli.commands.run import quick_end
    from engine.cli.running import interruptible, minimal_output, settled
    from engine.inventory.patterns import select

    folder = os.path.abspath(os.path.expanduser(options.playbook_dir or "."))
    made = shared.engine_for(options, os.path.join(folder, "adhoc"), terminal, {"run.task_timeout": options.task_timeout})
    options.module_name = options.module_name or made.settings.run.module_name
    options.module_args = made.settings.run.module_args if options.module_args is None else options.module_args
    if not options.list_hosts:
        refuse(options)
    path = os.path.join(folder, f"<adhoc {options.module_name!r} task>")
    made.files = WithText(made.files, path, playbook_text(options))
    prepared = made.prepare([path], extra_vars=options.extra_vars or ())
    selection = select(prepared.inventory, [options.pattern])
    hosts = [host for host in selection.hosts if prepared.limit is None or host in prepared.limit]
    if not hosts and prepared.inventory.hosts:
        terminal.problems(tuple(selection.problems))
        summary = "No hosts matched, nothing to do"
        terminal.problem(Problem(code="unmatched-pattern", summary=summary, detail=summary, severity=Severity.WARNING))
    if options.list_hosts:
        terminal.write("".join((f"  hosts ({len(hosts)}):\n", *(f"    {host}\n" for host in hosts))))
        return 0
    if not hosts:
        return 0
    explain = explainer(made.files.read_text, terminal, partial(from_options, options, given_arguments(prepared)))
    listener = minimal_output(made, terminal, explain, one_line=options.one_line)
    if options.one_line:
        listener.explain = lambda outcome, span: ""  # its lines say it all
    for option in [name for name in ("one_line", "tree") if getattr(options, name)]:
        terminal.problem(going_away(option))

    async def go() -> int:
        async with made:
            settled()
            listeners: list[Callable[[Event], None]] = [listener, *([TreeOutput(options.tree)] if options.tree else [])]
            recap = await made.carry_out(prepared, listeners=listeners)
        return recap.exit_code

    code = interruptible(go, made)
    quick_end(code)
    return code


def given_arguments(prepared: Prepared) -> dict[str, Any]:
    """The task's arguments as `-a` gave them."""
    from engine.callbacks.results import native

    task = next((step.task for step in prepared.graph.plays[0].body if step.task is not None and not step.task.origin), None)
    return {str(name): native(value) for name, value in task.args.items()} if task is not None else {}


def from_options(options: argparse.Namespace, arguments: dict[str, Any], links: list[Link]) -> list[Link]:
    """The links of a failure with ansible-core's words for a task that no file holds: it shows the task, or the option."""
    shown = {
        "action": options.module_name, "args": arguments, "timeout": options.task_timeout or 0, "async_val": options.seconds,
        "poll": 15 if options.poll is None else options.poll,
    }  # fmt: skip
    whole = textwrap.shorten(repr(shown), 120)
    found = [replace(links[0], span=Span(f"<adhoc {options.module_name!r} task>", 0), help=whole)]
    for link in links[1:]:
        if link.text.startswith("Finalization of task args"):
            link = replace(link, span=Span("<CLI option '-m'>", 0), help=options.module_name)
        elif link.span is not None:
            link = replace(link, span=Span("<CLI option '-a'>", 0), help=str(options.module_args))
        found.append(link)
    if all(link.span is None for link in found[1:]):
        found = [replace(found[0], text=": ".join(link.text for link in links))]
    return found


def going_away(option: str) -> Problem:
    letter, callback = {"one_line": ("o", "oneline"), "tree": ("t", "tree")}[option]
    words = (
        f"The '-{letter}' argument is deprecated. This feature will be removed from ansible-core version 2.23. "
        f"Use callback configuration to enable the {callback} callback instead."
    )
    return Problem(code="option-deprecated", summary="An option will go away", detail=words, severity=Severity.WARNING)


def parsed(arguments: Sequence[str]) -> argparse.Namespace:
    parser = shared.parser_for("ansible", "Runs one task on the hosts of a pattern.")
    shared.add_become(parser)
    shared.add_inventory(parser)
    parser.add_argument("-P", "--poll", dest="poll", type=int, metavar="POLL_INTERVAL", help="seconds between looks at a job (-B)")
    parser.add_argument("-B", "--background", dest="seconds", type=int, default=0, metavar="SECONDS", help="run in the background")
    parser.add_argument("-o", "--one-line", dest="one_line", action="store_true", help="one line for each host")
    parser.add_argument("-t", "--tree", dest="tree", metavar="TREE", help="a folder that gets a file with the result of each host")
    shared.add_connection(parser)
    shared.add_run(parser)
    shared.add_variables(parser)
    shared.add_vault(parser)
    shared.add_forks(parser)
    parser.add_argument("--playbook-dir", dest="playbook_dir", metavar="BASEDIR", help="where roles/, group_vars/ and files are looked for")
    parser.add_argument("--task-timeout", dest="task_timeout", type=int, metavar="TASK_TIMEOUT", help="seconds until the task fails")
    parser.add_argument("-a", "--args", dest="module_args", metavar="MODULE_ARGS", help="'k=v k2=v2', or a JSON mapping")
    parser.add_argument("-m", "--module-name", dest="module_name", metavar="MODULE_NAME", help="default: command")
    parser.add_argument("pattern", help="host pattern")
    return shared.checked(parser, parser.parse_args(arguments))


def refuse(options: argparse.Namespace) -> None:
    """Raises UsageError with exit code 5 for what makes no sense as one task."""
    short = options.module_name.rpartition(".")[2]
    if short in NO_AD_HOC:
        raise nonsense(f"'{options.module_name}' is not a valid action for ad-hoc commands")
    if short in WANT_ARGUMENTS and not options.module_args.strip():
        raise nonsense(f"No argument passed to {options.module_name} module")


class Refused(UsageError):
    """Options that make no sense together."""

    exit_code = REFUSED


def nonsense(text: str) -> UsageError:
    return Refused(Problem(code="adhoc-refused", summary="This cannot be one task", detail=text))


def playbook_text(options: argparse.Namespace) -> str:
    """The playbook of the one task, as JSON, which is YAML."""
    given = options.module_args
    arguments: Any = given
    if given.strip().startswith("{") and not given.strip().startswith(("{{", "{%")):
        from engine import yaml

        arguments = yaml.load(given, "-a", kind="arguments")
    task: dict[str, Any] = {options.module_name: arguments or None}
    if options.seconds:
        task["async"] = options.seconds
        task["poll"] = 15 if options.poll is None else options.poll
    play = {"name": "Ansible Ad-Hoc", "hosts": options.pattern, "gather_facts": False, "tasks": [task]}
    return json.dumps([play], ensure_ascii=False, default=str)


class WithText:
    """Files with one more, which is on no disk."""

    def __init__(self, files: Files, path: str, text: str) -> None:
        self._files = files
        self._path = path
        self._text = text

    def read_bytes(self, path: str) -> bytes:
        return self._text.encode() if path == self._path else self._files.read_bytes(path)

    def read_text(self, path: str) -> str:
        return self._text if path == self._path else self._files.read_text(path)

    def is_encrypted(self, path: str) -> bool:
        return path != self._path and self._files.is_encrypted(path)

    def is_file(self, path: str) -> bool:
        return path == self._path or self._files.is_file(path)

    def is_dir(self, path: str) -> bool:
        return self._files.is_dir(path)

    def exists(self, path: str) -> bool:
        return path == self._path or self._files.exists(path)

    def list(self, path: str) -> list[str]:
        return self._files.list(path)
