"""Ansible's search rules for files, templates and vars named in a task, with the list of places tried.

Source: playbook_pathing in Ansible's manual; order checked against ansible-core 2.21 by tests/unit/test_search.py.
"""
from __future__ import annotations

import os
from collections.abc import Sequence

from engine.files import Files
from engine.model.frozen import frozen


@frozen
class Found:
    path: str | None
    """None where nothing was found."""
    tried: tuple[str, ...]


@frozen
class Search:
    """The folders that a task looks into, nearest first: its roles' (innermost first), its file's, the playbook's."""

    files: Files
    bases: tuple[str, ...]
    own: str = "files"
    """The sub-folder where `first_found` looks: that of the task's module."""
    named: tuple[str, ...] = ()
    """The same as they come, one twice where the playbook's own tasks are meant: what ansible-core lists as searched."""

    @classmethod
    def of(cls, files: Files, *, role_paths: Sequence[str], task_dir: str, playbook_dir: str, action: str = "") -> Search:
        bases: list[str] = []
        for base in (*role_paths, task_dir, playbook_dir):
            if base and base not in bases:
                bases.append(base)
        named = tuple(base for base in (*role_paths, task_dir, playbook_dir) if base)
        return cls(files, tuple(bases), own_folder(action), named)

    def candidates(self, subfolder: str, name: str) -> tuple[str, ...]:
        """Every path that `name` may stand for, in order; `subfolder` is files, templates, vars, tasks or ""."""
        name = os.path.expanduser(name)
        if os.path.isabs(name):
            return (name,)
        return tuple(dict.fromkeys(map(os.path.normpath, self._paths(self.bases, subfolder, name))))

    def listed(self, subfolder: str, name: str) -> tuple[str, ...]:
        """The candidates as ansible-core lists them; () for an absolute path."""
        name = os.path.expanduser(name)
        return () if os.path.isabs(name) else tuple(map(os.path.normpath, self._paths(self.named or self.bases, subfolder, name)))

    def folder(self, subfolder: str, name: str) -> str | None:
        """The first folder of that name which is there, with its `..` as written: what patterns are looked for in."""
        name = os.path.expanduser(name)
        paths = [os.path.normpath(name)] if os.path.isabs(name) else self._paths(self.bases, subfolder, name)
        return next((path for path in paths if self.files.exists(path)), None)

    def _paths(self, bases: Sequence[str], subfolder: str, name: str) -> list[str]:
        paths: list[str] = []
        for base in bases:
            if subfolder and not name.startswith(subfolder + "/"):
                paths.append(os.path.join(base, subfolder, name))
            paths.append(os.path.join(base, name))
        return paths

    def find(self, subfolder: str, name: str) -> Found:
        tried = self.candidates(subfolder, name)
        for path in tried:
            if self.files.exists(path):
                return Found(path + "/" if name.endswith("/") else path, tried)
        return Found(None, tried)


def own_folder(action: str) -> str:
    """`templates` for modules with "template" in their name, `vars` for those with "var", else `files`."""
    return next((f"{word}s" for word in ("template", "var") if word in action), "files")
