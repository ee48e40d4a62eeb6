"""Everything that may give a variable its value, anywhere in a playbook and its inventory, whatever the order and the host.

For "can nothing define it?" only: a name that is not here, while `open` is empty, is undefined on every path.
"""
from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping

from engine.errors import EngineError
from engine.files import Files
from engine.inventory.tree import Inventory
from engine.inventory.vars_files import read_vars
from engine.lint.subject import Subject
from engine.model.values import TemplateText, Value
from engine.plan.graph import PlayPlan
from engine.plan.step import Step, StepKind
from engine.playbook.context import has_template
from engine.playbook.names import is_builtin, short
from engine.playbook.tree import Play
from engine.scopes.magic import TABLE

PREFIXES = ("ansible_", "facter_", "ohai_", "getent_", "discovered_interpreter_", "template_", "engine_")
"""Facts, connection variables, and what a template file sees of itself."""
ALWAYS = frozenset((*TABLE, "inventory_dir", "inventory_file", "packages", "services", "mount_points", "module_setup", "gather_subset"))
"""Magic variables and what modules of ansible.builtin add as facts under names of their own."""
OF_SET_FACT = ("cacheable", "_raw_params", "_args")
FREE_FORM = ("_raw_params", "_args")




class Definers:
    def __init__(self) -> None:
        self.written: dict[str, list[Value]] = {}
        """Variables with a value in some text: every such value."""
        self.made: set[str] = set()
        """Variables that come to be while the playbook runs: registered, set, asked for, of loops."""
        self.open = ""
        """Why it cannot be told which variables there are; empty where it can."""

    def knows(self, name: str) -> bool:
        return name in self.written or name in self.made or name in ALWAYS or name.startswith(PREFIXES)

    def may_define(self, name: str) -> bool:
        """Whether it is known, or nobody can tell."""
        return bool(self.open) or self.knows(name)

    def add(self, mapping: Mapping[str, Value]) -> None:
        for name, value in mapping.items():
            if isinstance(name, TemplateText):
                self.open = self.open or "the name of a variable is a template"
            self.written.setdefault(name, []).append(value)

    def only_value(self, name: str) -> Value:
        """The value of a variable that is written at exactly one place and made nowhere; None for others."""
        values = self.written.get(name, ())
        return values[0] if len(values) == 1 and name not in self.made and not name.startswith(PREFIXES) else None


def definers_of(subject: Subject, until: Step | None = None) -> Definers:
    """All of them but the inventory's, which `add_groups` and `add_hosts` add. `until`: only what may have happened when it begins."""
    found = Definers()
    found.add(subject.extra_vars)
    if subject.facts_are_kept:
        found.open = "facts of earlier runs are kept"
    blocks: set[int] = set()
    for play in subject.graph.plays:
        found.add(play.play.vars)
        found.made.update(prompt.name for prompt in play.play.vars_prompt)
        add_files(found, play.play, subject.files)
    for role in subject.roles:
        found.add(role.defaults)
        found.add(role.vars)
    passed = False
    for play, step in subject.leaves:
        passed = passed or step is until
        if not passed or (step.task is not None and step.task.handler):
            add_step(found, subject, play, step)
        for block in step.around.blocks:
            if id(block) not in blocks:
                blocks.add(id(block))
                found.add(block.vars)
                found.add(block.params)
    return found


def add_step(found: Definers, subject: Subject, play: PlayPlan, step: Step) -> None:
    task = step.task
    assert task is not None
    found.add(task.vars)
    if step.keywords.get("register"):
        found.made.add(str(step.keywords["register"]))
    if task.loop is not None:
        found.made.update(loop_names(step.keywords.get("loop_control")))
    if step.kind is StepKind.INCLUDE:
        applied = task.args.get("apply")
        if isinstance(applied, Mapping) and isinstance(applied.get("vars"), Mapping):
            found.add(applied["vars"])
        if subject.is_closed(step):
            found.open = found.open or "an include brings tasks that are not known before the run"
        return
    add_action(found, subject, play, step)


def add_action(found: Definers, subject: Subject, play: PlayPlan, step: Step) -> None:
    task = step.task
    assert task is not None
    action = short(task.action)
    if action == "set_fact":
        add_set_facts(found, task.args)
    elif action == "include_vars":
        add_included(found, subject, play, step)
    elif action in ("add_host", "group_by"):
        found.open = found.open or f"{action} changes the inventory"
    elif action == "meta" and task.args.get("_raw_params") == "refresh_inventory":
        found.open = found.open or "the inventory is read anew"
    elif not is_builtin(task.action) and (short(task.action).endswith("facts") or "." not in task.action):
        found.open = found.open or f"{task.action} may bring facts of any name"


def add_set_facts(found: Definers, args: Mapping[str, Value]) -> None:
    for name in args:
        if has_template(str(name)) or name in FREE_FORM:
            found.open = found.open or "set_fact names a variable by a template"
        elif name not in OF_SET_FACT:
            found.made.add(str(name))


def loop_names(control: Value) -> Iterable[str]:
    if control is None:
        return ("item",)
    if not isinstance(control, Mapping):
        return ("item",)
    return [str(control.get("loop_var") or "item"), *([str(control["index_var"])] if control.get("index_var") else [])]


def add_files(found: Definers, play: Play, files: Files) -> None:
    """`vars_files`: every alternative that is there."""
    for entry in play.vars_files:
        for name in entry if isinstance(entry, list | tuple) else (entry,):
            if not isinstance(name, str) or has_template(name):
                found.open = found.open or "a file of vars_files is named by a template"
                continue
            for folder in ("", "vars"):
                add_file(found, os.path.normpath(os.path.join(os.path.dirname(play.path), folder, os.path.expanduser(name))), files)


def add_file(found: Definers, path: str, files: Files) -> None:
    if not files.is_file(path):
        return
    try:
        found.add(read_vars(files, path))
    except EngineError:
        found.open = found.open or f"{path} cannot be read"


def add_included(found: Definers, subject: Subject, play: PlayPlan, step: Step) -> None:
    names = included_names(subject, play, step)
    if names is None:
        found.open = found.open or "include_vars reads what is not known before the run"
    else:
        found.made.update(names)


def included_names(subject: Subject, play: PlayPlan, step: Step) -> frozenset[str] | None:
    """The variables that an include_vars task brings; None where that cannot be told."""
    assert step.task is not None
    args = step.task.args
    name = args.get("name")
    if name is not None:
        return frozenset((name,)) if isinstance(name, str) and not has_template(name) else None
    file = args.get("file", args.get("_raw_params"))
    path = subject.search(play, step).find("vars", file).path if isinstance(file, str) and not has_template(file) else None
    if path is None or not subject.files.is_file(path):
        return None
    try:
        return frozenset(read_vars(subject.files, path))
    except EngineError:
        return None


def add_groups(found: Definers, subject: Subject) -> list[Mapping[str, Value]]:
    """The variables of the groups of all hosts that plays name, and of the hosts in inventory files: the mappings, each once."""
    mappings: list[Mapping[str, Value]] = []
    for inventory in inventories(subject):
        hosts = [host for host in map(inventory.get, subject.hosts) if host is not None]
        groups = {group.name: group for host in hosts for group in inventory.groups_of(host.name)}
        mappings += [host.vars for host in hosts if host.vars]
        for group in groups.values():
            mappings += [group.vars, *in_files(found, inventory.vars_files.of_group, group.name)]
    return added(found, mappings)


def add_hosts(found: Definers, subject: Subject) -> list[Mapping[str, Value]]:
    """What host_vars/ says of all hosts that plays name: as many files as there are hosts."""
    mappings: list[Mapping[str, Value]] = []
    for inventory in inventories(subject):
        for host in subject.hosts:
            mappings += in_files(found, inventory.vars_files.of_host, host)
    return added(found, mappings)


def inventories(subject: Subject) -> list[Inventory]:
    """The inventory as seen from the folder of each playbook."""
    folders = dict.fromkeys(os.path.dirname(play.play.path) for play in subject.graph.plays)
    return [subject.inventory.with_playbook_dir(folder) for folder in folders]


def in_files(found: Definers, read: Callable[..., Mapping[str, Value]], name: str) -> list[Mapping[str, Value]]:
    try:
        return [read(name), read(name, playbook=True)]
    except EngineError:
        found.open = found.open or f"variables of {name} cannot be read"
        return []


def added(found: Definers, mappings: list[Mapping[str, Value]]) -> list[Mapping[str, Value]]:
    unique = {id(mapping): mapping for mapping in mappings if mapping}
    for mapping in unique.values():
        found.add(mapping)
    return list(unique.values())
