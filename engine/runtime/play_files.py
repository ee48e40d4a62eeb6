"""`vars_files`: read once each; those whose names need a host's facts are resolved per host, when they can be."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from engine.errors import ParseError, PlanError, TemplateError, VaultError
from engine.files import Files
from engine.model.addresses import HostName
from engine.model.problem import Problem
from engine.model.source import Span
from engine.model.values import TemplateText, Value, written_at
from engine.playbook.tree import Play
from engine.scopes.store import VariableStore
from engine.yaml.variables import load_variables


@dataclass(slots=True, kw_only=True)
class PlayFiles:
    """The vars_files of one play."""

    play: Play
    files: Files
    store: VariableStore
    render: Callable[[HostName, Value], Value]
    """With the host's variables, without those of vars_files."""
    must_exist: bool = True
    """A file that is not there is a mistake; else it is passed over, as Ansible does."""
    duplicates: str = "warn"
    """What a key is that stands twice in one mapping."""
    tell: Callable[[Problem], None] = lambda problem: None
    """Told warnings."""
    read: dict[str, Mapping[str, Value]] = field(default_factory=dict)
    """What was read so far, by path: shared by all batches of the play."""
    _found: dict[HostName, tuple[int, tuple[Mapping[str, Value], ...]]] = field(default_factory=dict)
    _static: tuple[Mapping[str, Value], ...] | None = None
    _resolving: bool = False

    def of(self, host: HostName) -> Sequence[Mapping[str, Value]]:
        """The mappings for `host`, the last file first (it wins)."""
        if not self.play.vars_files or self._resolving:
            return ()
        if self._static is not None:
            return self._static
        if all(not is_dynamic(entry) for entry in self.play.vars_files):
            self._static = self._resolve(host)
            return self._static
        version = self.store.of(host).version
        known = self._found.get(host)
        if known is None or known[0] != version:
            self._resolving = True
            try:
                known = self._found[host] = (version, self._resolve(host))
            finally:
                self._resolving = False
        return known[1]

    def read_ahead(self) -> None:
        """Read what can be named before any host is known: a broken file is told even where the play has no tasks, or no hosts.

        Raises:
            ParseError: as `of`. A file that is not there is no mistake yet.
        """
        replace(self, must_exist=False, _found={})._resolve(HostName(""))

    def for_batch(self, render: Callable[[HostName, Value], Value]) -> PlayFiles:
        """The same files, read once, with names that a batch's hosts render."""
        return replace(self, render=render, _found={}, _static=None)

    def _resolve(self, host: HostName) -> tuple[Mapping[str, Value], ...]:
        found: list[Mapping[str, Value]] = []
        for entry in self.play.vars_files:
            path = self._path(host, entry)
            if path is not None:
                found.append(self._load(path, entry))
        return tuple(reversed(found))

    def _path(self, host: HostName, entry: Value) -> str | None:
        """The first file that is there; None where a name cannot be known yet (facts are missing)."""
        tried: list[str] = []
        for name in entry if isinstance(entry, list | tuple) else [entry]:
            try:
                text = str(self.render(host, name)) if is_dynamic(name) else str(name)
            except TemplateError:
                return None
            for folder in ("", "vars"):
                path = os.path.normpath(os.path.join(os.path.dirname(self.play.path), folder, os.path.expanduser(text)))
                if self.files.is_file(path):
                    return path
                tried.append(path)
        if not self.must_exist:
            return None
        raise PlanError(
            Problem(
                code="vars-file-not-found",
                summary="A file of vars_files is not there",
                detail="no such file",
                span=span_of(entry, self.play),
                notes=tuple(f"tried {path}" for path in tried),
            )
        )

    def _load(self, path: str, entry: Value) -> Mapping[str, Value]:
        known = self.read.get(path)
        if known is None:
            problems: list[Problem] = []
            try:
                text = self.files.read_text(path)
            except VaultError as error:
                error.prefix(f"Invalid vars_files file {path!r}: ")
                raise
            value = load_variables(text, path, problems=problems, duplicates=self.duplicates)
            for problem in problems:
                self.tell(problem)
            if value is None:
                value = {}
            if isinstance(value, list) and value and all(isinstance(each, Mapping) for each in value):
                value = {name: content for each in value for name, content in each.items()}  # as ansible-core: a later one wins
            if not isinstance(value, Mapping):
                raise ParseError(
                    Problem(
                        code="not-a-mapping",
                        summary="A vars file must be a dictionary",
                        detail=f"{path} holds a {type(value).__name__}",
                        span=span_of(entry, self.play),
                        words="Invalid variable file contents.",
                        origin=written_at(value) or Span(path, 1),
                    )
                )
            known = self.read[path] = value
        return known


def is_dynamic(entry: Value) -> bool:
    if isinstance(entry, list | tuple):
        return any(is_dynamic(each) for each in entry)
    return isinstance(entry, TemplateText) and "{{" in entry


def span_of(entry: Value, play: Play) -> Span:
    first = entry[0] if isinstance(entry, list | tuple) and entry else entry
    return first.span if isinstance(first, TemplateText) else play.span
