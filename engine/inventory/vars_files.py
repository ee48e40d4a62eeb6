"""group_vars/ and host_vars/ beside inventories and playbooks: found by one listing a folder, read when first needed."""
from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from types import MappingProxyType

from engine.errors import ParseError
from engine.files import Files, MemoryFiles
from engine.model.hash_merging import put_over
from engine.model.problem import Problem
from engine.model.source import Span
from engine.model.values import Value
from engine.model.variables import Variables
from engine.yaml.variables import load_variables

EXTENSIONS = (".yml", ".yaml", ".json")
EMPTY: Mapping[str, Value] = MappingProxyType({})


class VarsFiles:
    """What group_vars/ and host_vars/ say; each file is read once, whoever asks."""

    __slots__ = ("_names", "_read", "duplicates", "files", "inventory_dirs", "merging", "playbook_dir", "problems")

    def __init__(
        self,
        files: Files,
        inventory_dirs: Sequence[str] = (),
        playbook_dir: str | None = None,
        *,
        merging: bool = False,
        duplicates: str = "warn",
    ) -> None:
        self.files = files
        self.inventory_dirs = tuple(dict.fromkeys(inventory_dirs))
        """In the order of the sources: a later one wins."""
        self.playbook_dir = playbook_dir
        self.duplicates = duplicates
        """What a key is that stands twice in one mapping."""
        self.merging = merging
        """`hash_behaviour: merge`: of files (and sources) that say one thing, mappings are put together."""
        self.problems: list[Problem] = []
        """Warnings of the files read so far that nobody was told yet."""
        self._names: dict[str, frozenset[str]] = {}
        self._read: dict[tuple[str, str, bool], Mapping[str, Value]] = {}

    def beside_playbook(self, playbook_dir: str) -> VarsFiles:
        """The same files, with those beside another playbook; what was read is shared."""
        if playbook_dir == self.playbook_dir:
            return self
        other = VarsFiles(self.files, self.inventory_dirs, playbook_dir, merging=self.merging, duplicates=self.duplicates)
        other.problems = self.problems
        other._names = self._names
        other._read = {key: value for key, value in self._read.items() if not key[2]}
        return other

    def told(self) -> list[Problem]:
        """The warnings that came up since this was last asked."""
        found = list(self.problems)
        self.problems.clear()
        return found

    def of_group(self, name: str, *, playbook: bool = False) -> Mapping[str, Value]:
        """Variables of group_vars/NAME beside the inventories, or beside the playbook. ParseError, VaultError."""
        return self._of("group_vars", name, playbook)

    def of_host(self, name: str, *, playbook: bool = False) -> Mapping[str, Value]:
        """Variables of host_vars/NAME beside the inventories, or beside the playbook. ParseError, VaultError."""
        return self._of("host_vars", name, playbook)

    def _of(self, folder: str, name: str, playbook: bool) -> Mapping[str, Value]:
        key = (folder, name, playbook)
        found = self._read.get(key)
        if found is None:
            bases = self.inventory_dirs if not playbook else (self.playbook_dir,) if self.playbook_dir is not None else ()
            merged = Variables()
            for base in bases:
                for path in self._paths(os.path.join(base, folder), name):
                    values = read_vars(self.files, path, self.problems, duplicates=self.duplicates)
                    put_over(merged, values, merging=self.merging)
            found = self._read[key] = merged or EMPTY
        return found

    def _paths(self, folder: str, name: str) -> list[str]:
        """The files of NAME: the first of NAME, NAME.yml, NAME.yaml and NAME.json that is there; a folder gives all it holds."""
        present = self._names.get(folder)
        if present is None:
            present = self._names[folder] = frozenset(listed(self.files, folder))
        if not present or name.startswith(".") or "/" in name:
            return []
        for extension in ("", *EXTENSIONS):
            if name + extension in present:
                path = os.path.join(folder, name + extension)
                return vars_files_below(self.files, path) if self.files.is_dir(path) else [path]
        return []


def vars_files_below(files: Files, folder: str) -> list[str]:
    """Every vars file in a folder and below, in the order in which they are merged: by name, without hidden and backup files."""
    found: list[str] = []
    for name in listed(files, folder):
        if name.startswith(".") or name.endswith("~"):
            continue
        path = os.path.join(folder, name)
        if files.is_dir(path):
            found.extend(vars_files_below(files, path))
        elif os.path.splitext(name)[1] in ("", *EXTENSIONS):
            found.append(path)
    return found


def read_vars(files: Files, path: str, problems: list[Problem] | None = None, *, duplicates: str = "warn") -> Variables:
    """The mapping of one vars file; {} where it is empty.

    Raises:
        ParseError: `vars-not-mapping`, `unreadable`, or what YAML has to say.
        VaultError: it is encrypted and cannot be opened.
    """
    try:
        text = files.read_text(path)
    except OSError as error:
        raise unreadable(path, error) from error
    value = load_variables(text, path, kind="vars file", problems=problems, duplicates=duplicates)
    if value is None:
        return Variables()
    if not isinstance(value, Variables):
        raise ParseError(
            Problem(
                code="vars-not-mapping",
                summary="A vars file must be a mapping of names to values",
                detail=f"it is a {'list' if isinstance(value, list) else type(value).__name__}",
                span=Span(path, 1),
                hint="write `name: value` lines",
            )
        )
    return value


def listed(files: Files, folder: str) -> list[str]:
    """Names in a folder; none where there is no such folder. ParseError `unreadable`."""
    try:
        return files.list(folder)
    except OSError as error:
        raise unreadable(folder, error) from error


def unreadable(path: str, error: OSError) -> ParseError:
    detail = f"{path}: {error.strerror or error}"
    return ParseError(Problem(code="unreadable", summary="A file or folder cannot be read", detail=detail, span=Span(path, 1)))


NO_VARS_FILES = VarsFiles(MemoryFiles({}))
"""For inventories made without files."""
