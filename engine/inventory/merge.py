"""Sources of an inventory → one `Inventory`: files, folders of files, scripts and host lists, later ones over earlier ones."""
from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from engine.errors import ParseError, UsageError
from engine.files import Files, decoded
from engine.inventory.fragment import Fragment, refused
from engine.inventory.group_names import KEPT, GroupNames
from engine.inventory.ini import read_ini
from engine.inventory.list import read_list
from engine.inventory.script import read_script
from engine.inventory.tree import Group, Host, Inventory, arranged
from engine.inventory.vars_files import VarsFiles, listed
from engine.inventory.yaml import read_yaml
from engine.model.hash_merging import put_over
from engine.model.problem import Problem, Severity
from engine.model.source import Span
from engine.model.values import Value
from engine.model.variables import Variables
from engine.outside import Outside

IGNORED_EXTENSIONS = (".pyc", ".pyo", ".swp", ".bak", "~", ".rpm", ".md", ".txt", ".rst", ".orig", ".cfg", ".retry")
IGNORED_NAMES = ("group_vars", "host_vars", "vars_plugins", "vars_schema.yml", "vars_schema.yaml")
YAML_START = re.compile(r"---|%YAML|\{|[\"']?[^\s\[\]=:]+[\"']?:(\s|$)")
DEFAULT_SOURCE = "/etc/ansible/hosts"
NO_HOSTS = "provided hosts list is empty, only localhost is available. Note that the implicit localhost does not match 'all'"
NO_INVENTORY = "No inventory was parsed, only implicit localhost is available"


def load_inventory(
    sources: Sequence[str],
    files: Files,
    outside: Outside,
    *,
    playbook_dir: str | None = None,
    ignored_extensions: Sequence[str] = IGNORED_EXTENSIONS,
    ignored_patterns: Sequence[str] = (),
    any_unparsed_is_failed: bool = False,
    unparsed_is_failed: bool = False,
    unparsed_warning: bool = True,
    localhost_warning: bool = True,
    merging: bool = False,
    duplicates: str = "warn",
    group_names: str = "never",
) -> tuple[Inventory, list[Problem]]:
    """The inventory of all `sources` in their order, and the warnings.

    A source that cannot be read contributes nothing and is a warning, as in Ansible.

    Args:
        sources: Paths of files and folders, or host lists (texts with a comma).
        playbook_dir: Whose group_vars/ and host_vars/ apply too.
        any_unparsed_is_failed: A source that cannot be read is an error.
        unparsed_is_failed: It is an error where no source can be read.
        unparsed_warning: Say so where no source gives anything.
        localhost_warning: Say so where there is no host but an implicit localhost.
        merging: `hash_behaviour: merge`.
        duplicates: What a key is that stands twice in one mapping: `warn`, `error` or `ignore`.
        group_names: Whether invalid ones are replaced, and told: `never`, `always`, `ignore` or `silently` (inventory/group_names.py).

    Raises:
        ParseError: groups contain each other (`group-cycle`), or as the arguments above say.
        UsageError: `bad-setting`, one of `ignored_patterns` is no regular expression.
        VaultError: an encrypted source cannot be opened; a run with fewer hosts than meant would be the worse answer.
    """
    reading = Reading(files, outside, tuple(ignored_extensions), compiled(ignored_patterns), duplicates)
    fragments: list[Fragment] = []
    unparsed: list[Problem] = []
    for source in sources:
        if source == DEFAULT_SOURCE and not files.exists(source):
            continue   # nobody asked for it
        try:
            fragments.extend(reading.source(source))
        except ParseError as error:
            unparsed.extend(error.problems)
    unparsed.extend(reading.unparsed)
    if unparsed and (any_unparsed_is_failed or (unparsed_is_failed and not fragments)):
        raise ParseError(*unparsed)
    problems = [replace(each, severity=Severity.WARNING) for each in unparsed]
    problems += [problem for fragment in fragments for problem in fragment.problems]
    if not fragments and unparsed_warning:
        problems.append(Problem(code="no-inventory", summary=NO_INVENTORY, severity=Severity.WARNING))
    if not any(fragment.hosts for fragment in fragments) and localhost_warning:
        problems.append(Problem(code="localhost-only", summary=NO_HOSTS, severity=Severity.WARNING))
    folders = [folder for each in sources if (folder := vars_folder(each, files))]
    naming = GroupNames(group_names)
    if told := naming.warning(name for fragment in fragments for name in fragment.groups):
        problems.append(told)
    inventory = merged(fragments, VarsFiles(files, folders, playbook_dir, merging=merging, duplicates=duplicates), naming)
    for name in inventory.hosts:
        if name in inventory.groups:
            problems.append(same_name(name))
    return inventory, problems


def compiled(patterns: Sequence[str]) -> tuple[re.Pattern[str], ...]:
    try:
        return tuple(re.compile(each) for each in patterns)
    except re.error as error:
        detail = f"inventory_ignore_patterns: one of {list(patterns)} is no regular expression: {error.msg}"
        raise UsageError(Problem(code="bad-setting", summary="A setting has a value that it cannot have", detail=detail)) from error


@dataclass(slots=True)
class Reading:
    """One pass over the sources."""

    files: Files
    outside: Outside
    ignored_extensions: tuple[str, ...]
    ignored_patterns: tuple[re.Pattern[str], ...]
    duplicates: str = "warn"
    unparsed: list[Problem] = field(default_factory=list)
    """What was wrong in files of a folder; the other files of it count."""
    known: set[str] = field(default_factory=set)
    """The groups of the files so far."""

    def source(self, source: str) -> Iterator[Fragment]:
        if "," in source and not self.files.exists(source):
            yield read_list(source)
        elif self.files.is_dir(source):
            yield from self.folder(source)
        else:
            yield self.file(source)

    def folder(self, folder: str) -> Iterator[Fragment]:
        """Every file of a folder and below, by name."""
        for name in listed(self.files, folder):
            if name.startswith(".") or name in IGNORED_NAMES or name.endswith(self.ignored_extensions):
                continue
            if any(pattern.search(name) for pattern in self.ignored_patterns):
                continue
            try:
                yield from list(self.source(os.path.join(folder, name)))
            except ParseError as error:
                self.unparsed.extend(error.problems)

    def file(self, path: str) -> Fragment:
        fragment = self.fragment(path, os.path.dirname(os.path.abspath(path)))
        self.known.update(fragment.groups)
        return fragment

    def fragment(self, path: str, directory: str) -> Fragment:
        try:
            data = self.files.read_bytes(path)
        except OSError as error:
            raise refused(Span(path, 1), f"{path}: {error.strerror or error}", code="inventory-missing") from error
        if data.startswith((b"#!", b"\x7fELF")):
            return read_script(path, directory, self.outside)
        text = decoded(data, path)
        if is_yaml(path, text):
            return read_yaml(text, path, directory, duplicates=self.duplicates)
        return read_ini(text, path, directory, self.known)


def is_yaml(path: str, text: str) -> bool:
    """By the name, and by the first line that is no comment where the name does not say."""
    extension = os.path.splitext(path)[1]
    if extension in (".yml", ".yaml", ".json"):
        return True
    if extension in (".ini", ".cfg"):
        return False
    for line in text.splitlines():
        bare = line.strip()
        if bare and not bare.startswith(("#", ";")):
            return YAML_START.match(bare) is not None
    return False


def vars_folder(source: str, files: Files) -> str:
    """Where group_vars/ and host_vars/ of a source stand; nowhere for a host list."""
    if "," in source and not files.exists(source):
        return ""
    path = os.path.abspath(source)
    return path if files.is_dir(path) else os.path.dirname(path)


def merged(fragments: Sequence[Fragment], vars_files: VarsFiles, naming: GroupNames = KEPT) -> Inventory:
    """One inventory of all fragments. ParseError `group-cycle`."""
    hosts: dict[str, Host] = {}
    members: dict[str, dict[str, None]] = {"all": {}, "ungrouped": {}}
    children: dict[str, dict[str, Span]] = {}
    variables: dict[str, Variables] = {}
    host_variables: dict[str, Variables] = {}
    for fragment in fragments:
        for name, given in fragment.hosts.items():
            own_variables = host_variables.get(name)
            if own_variables is None:
                own_variables = host_variables[name] = Variables()
            if name not in hosts:
                hosts[name] = Host(name=name, vars=own_variables, source=fragment.source, directory=fragment.directory)
            put_over(own_variables, given, merging=vars_files.merging)
        for written in fragment.groups:
            members.setdefault(naming.of(written), {})
        for written, group in fragment.groups.items():
            name = naming.of(written)
            members.setdefault(name, {}).update(group.hosts)
            below = {naming.of(child): span for child, span in group.children.items()}
            children.setdefault(name, {}).update(below)
            for child in below:
                members.setdefault(child, {})
            put_over(variables.setdefault(name, Variables()), group.vars, merging=vars_files.merging)
    groups = {
        name: Group(
            name=name,
            hosts=tuple(inside),
            children=tuple(children.get(name, ())),
            vars=(own := variables.get(name, Variables())),
            priority=priority_of(own),
        )
        for name, inside in members.items()
    }
    spans = {(parent, child): span for parent, below in children.items() for child, span in below.items()}
    return Inventory(hosts, arranged(hosts, groups, spans), vars_files, naming)


def priority_of(variables: dict[str, Value]) -> int:
    """`ansible_group_priority`, which is a word to the inventory and no variable. 1 where it is missing or no number."""
    given = variables.pop("ansible_group_priority", 1)
    try:
        return int(given)
    except (TypeError, ValueError):
        return 1


def same_name(name: str) -> Problem:
    return Problem(
        code="host-and-group",
        summary="A host and a group have the same name",
        detail=f"`{name}`: a pattern finds the group",
        severity=Severity.WARNING,
        words=f"Found both group and host with same name: {name}",
    )
