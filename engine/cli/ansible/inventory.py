"""`ansible-inventory`: the inventory as JSON, YAML, a graph, or one host's variables."""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from engine.callbacks.results import plain
from engine.cli.ansible import options as shared
from engine.cli.terminal import Terminal
from engine.errors import UsageError
from engine.inventory.patterns import limited, select
from engine.inventory.tree import Inventory
from engine.model.addresses import HostName
from engine.model.problem import Problem
from engine.model.values import EncryptedText, Value

if TYPE_CHECKING:
    from engine.engine import Engine

REFUSED = 5
MAGIC = frozenset(("inventory_dir", "inventory_file"))
"""Variables that the engine gives every host: not the user's, not shown."""
ABOVE_GROUPS = frozenset(("INVENTORY_HOST", "INVENTORY_HOST_FILES", "PLAYBOOK_HOST_FILES"))
"""Layers whose variables are a host's own."""


class Refused(UsageError):
    """Options that make no sense together."""

    exit_code = REFUSED


def run(arguments: Sequence[str], terminal: Terminal) -> int:
    options = parsed(arguments)
    chosen = [name for name in ("list", "host", "graph") if getattr(options, name)]
    if not chosen:
        raise nonsense("No action selected, at least one of --host, --graph or --list needs to be specified.")
    if len(chosen) > 1:
        raise nonsense("Conflicting options used, only one of --host, --graph or --list can be used at the same time.")
    if options.toml:
        said = 'The Python library "tomli-w" is required when using the TOML output format.'
        raise UsageError(
            Problem(code="inventory-options", summary="TOML cannot be written", detail="--yaml and JSON are there", words=said)
        )
    folder = os.path.abspath(os.path.expanduser(options.playbook_dir)) if options.playbook_dir else None
    made = shared.engine_for(options, os.path.join(folder or os.getcwd(), "inventory"), terminal)
    inventory, problems = made.inventory(made.settings.inventory.sources, folder)
    terminal.problems(tuple(problems))
    limit: frozenset[HostName] | None = None
    if made.settings.inventory.limit and chosen == ["list"]:
        limit = left_by(inventory, made, terminal)
    view = InventoryView(inventory, made.extra_vars(options.extra_vars or ()), limit, options.export)
    text = shown(view, options, terminal)
    if options.output:
        try:
            with open(options.output, "w", encoding="utf-8") as file:
                file.write(text.removesuffix("\n"))
        except OSError as error:
            said = f"Unable to write to destination file '{options.output}': [Errno {error.errno}] {error.strerror}: b'{options.output}'"
            raise UsageError(Problem(code="output-file", summary="The file of --output cannot be written", detail=said)) from error
        return 0
    terminal.write(text)
    return 0


def left_by(inventory: Inventory, made: Engine, terminal: Terminal) -> frozenset[HostName]:
    """The hosts that --limit leaves: none at all is an empty list here, and no mistake."""
    try:
        return frozenset(limited(inventory, made.settings.inventory.limit, made.files).hosts)
    except UsageError as error:
        if error.problem.code != "no-hosts-left":
            raise
        terminal.problems(error.problems[1:])
        return frozenset()


def parsed(arguments: Sequence[str]) -> argparse.Namespace:
    parser = shared.parser_for("ansible-inventory", "Shows an inventory as the engine understands it.")
    shared.add_inventory(parser, hosts=False)
    shared.add_vault(parser)
    parser.add_argument("--playbook-dir", dest="playbook_dir", metavar="BASEDIR", help="whose group_vars/ and host_vars/ count too")
    shared.add_variables(parser)
    actions = parser.add_argument_group("Actions", "exactly one of them")
    actions.add_argument("--list", action="store_true", help="every group and host, as inventory scripts answer")
    actions.add_argument("--host", metavar="HOST", help="the variables of one host; --limit does not count")
    actions.add_argument("--graph", action="store_true", help="groups and hosts as a tree, of GROUP where one is named")
    parser.add_argument("-y", "--yaml", action="store_true", help="YAML instead of JSON")
    parser.add_argument("--toml", action="store_true", help="refused: JSON and YAML are there")
    parser.add_argument("--vars", action="store_true", help="with --graph: variables too")
    parser.add_argument("--export", action="store_true", help="with --list: variables where they are defined, not at every host")
    parser.add_argument("--output", metavar="OUTPUT_FILE", help="with --list: into a file")
    parser.add_argument("group", nargs="?", default="all", help="with --graph: the group at its top")
    return parser.parse_args(arguments)


def nonsense(text: str) -> UsageError:
    return Refused(Problem(code="inventory-options", summary="These options do not go together", detail=text))


def shown(view: InventoryView, options: argparse.Namespace, terminal: Terminal) -> str:
    if options.host:
        selection = select(view.inventory, [options.host])
        if len(selection.hosts) != 1:
            terminal.problems(tuple(selection.problems))
            raise nonsense("You must pass a single valid host to --host parameter")
        return formatted(view.variables(selection.hosts[0]), options)
    if options.graph:
        if options.group not in view.inventory.groups:
            raise nonsense("Pattern must be valid group name when using --graph")
        return "\n".join(view.graph(options.group, 0, options.vars)) + "\n"
    return formatted(view.nested("all", set()) if options.yaml else view.flat(), options)


def formatted(value: Any, options: argparse.Namespace) -> str:
    if options.yaml:
        from engine.yaml.dump import dump

        return dump(plain(value), default_flow_style=False, allow_unicode=True, indent=2, sort_keys=True)
    return json.dumps(plain(value), indent=4, sort_keys=True, ensure_ascii=False) + "\n"


@dataclass(slots=True)
class InventoryView:
    """An inventory in the shapes of ansible-inventory."""

    inventory: Inventory
    extra_vars: Mapping[str, Value]
    limit: frozenset[HostName] | None
    export: bool
    """Each variable where it is defined, instead of all of a host's at the host."""

    def hosts(self, group: str) -> list[HostName]:
        return [host for host in self.inventory.groups[group].hosts if self.limit is None or host in self.limit]

    def variables(self, host: HostName, *, own: bool = False) -> dict[str, Value]:
        """Of one host, as they are written: templates are not rendered. `own`: not those of its groups."""
        found: dict[str, Value] = {}
        for layer, mapping in reversed(self.inventory.layers(host)):
            if not own or layer in ABOVE_GROUPS:
                found.update((name, value) for name, value in mapping.items() if name not in MAGIC)
        found.update(self.extra_vars)
        return {name: written(value) for name, value in found.items()}

    def group_variables(self, group: str) -> dict[str, Value]:
        files = self.inventory.vars_files
        given = {**self.inventory.groups[group].vars, **files.of_group(group), **files.of_group(group, playbook=True)}
        return {name: written(value) for name, value in given.items()}

    def flat(self) -> dict[str, Any]:
        """`--list`: what an inventory script answers. A limit takes hosts away, and no group from its parents' children."""
        found: dict[str, Any] = {}
        for group in self.inventory.descendants("all"):
            children = list(self.inventory.groups[group].children)
            about: dict[str, Any] = {"hosts": self.hosts(group) if group != "all" else [], "children": children}
            if self.export:
                about["vars"] = self.group_variables(group)
            about = {name: value for name, value in about.items() if value}
            if about:
                found[group] = about
        every = [host for host in self.inventory.members("all") if self.limit is None or host in self.limit]
        variables = {host: given for host in every if (given := self.variables(host, own=self.export))}
        return {"_meta": {"hostvars": variables, "profile": "inventory_legacy"}, **found}

    def nested(self, group: str, seen: set[HostName]) -> dict[str, Any]:
        """`--list --yaml`: a group with all below it, if it holds anything; a host's variables only where it is met first."""
        about: dict[str, Any] = {"children": {}, "hosts": {}, "vars": {}}
        for child in self.inventory.groups[group].children:  # the first place of a host has its variables
            about["children"].update(self.nested(child, seen))
        if group != "all":
            for host in self.hosts(group):
                about["hosts"][host] = {} if host in seen else self.variables(host, own=self.export)
                seen.add(host)
        if self.export:
            about["vars"] = self.group_variables(group)
        about = {name: value for name, value in about.items() if value}
        return {group: about} if about else {}

    def graph(self, group: str, depth: int, variables: bool) -> list[str]:
        """`--graph`: the tree, line by line."""
        lines = [line(f"@{group}:", depth)]
        for child in self.inventory.groups[group].children:
            lines += self.graph(child, depth + 1, variables)
        if group != "all":
            for host in self.inventory.groups[group].hosts:
                lines.append(line(host, depth + 1))
                if variables:
                    lines += [line(f"{{{name} = {value}}}", depth + 2) for name, value in sorted(plain(self.variables(host)).items())]
        if variables:
            lines += [line(f"{{{name} = {value}}}", depth + 1) for name, value in sorted(plain(self.group_variables(group)).items())]
        return lines


def line(text: str, depth: int) -> str:
    return "  |" * depth + ("--" if depth else "") + text


def written(value: Value) -> Value:
    """Encrypted values as they stand in the file: never opened here."""
    if isinstance(value, EncryptedText):
        return {"__ansible_vault": value.envelope}
    return value
