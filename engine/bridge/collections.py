"""Collections on disk: where they are, what `meta/runtime.yml` says of their names, and which file a name means."""
from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from engine import yaml
from engine.bridge.routing import LARGE, entry_text
from engine.errors import EngineError
from engine.files import Files
from engine.model.frozen import frozen

ROOT = "ansible_collections"
CORE_ROUTING = os.path.join("ansible", "config", "ansible_builtin_runtime.yml")
CORE = "ansible.builtin"
DEPTH = 10
"""Redirects from one name to the next that are followed."""


@frozen(kw_only=True)
class Route:
    """What a collection says of one name of its plugins."""

    redirect: str = ""
    removed: str = ""
    """Why it is gone; empty where it is not."""
    deprecated: str = ""


@dataclass(slots=True, kw_only=True)
class Collections:
    """All collections that can be found. `bases` are folders that hold `ansible_collections/`, nearest first."""

    files: Files
    bases: Sequence[str]
    core: str | None = None
    _folders: dict[str, str | None] = field(default_factory=dict)
    _routing: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    _texts: dict[str, str] = field(default_factory=dict)

    def folder(self, name: str) -> str | None:
        """The folder of `acme.tools`; None where it is not installed."""
        if name not in self._folders:
            places = (os.path.join(root_of(base), *name.split(".")) for base in self.bases)
            self._folders[name] = next((place for place in places if self.files.is_dir(place)), None)
        return self._folders[name]

    def runtime(self, name: str) -> Mapping[str, Any]:
        """`meta/runtime.yml`; empty where there is none that can be read."""
        if name not in self._routing:
            self._routing[name] = self._read(name)
        return self._routing[name]

    def _read(self, name: str) -> Mapping[str, Any]:
        return parsed(self._text(name), name)

    def _text(self, name: str) -> str:
        """The text of `meta/runtime.yml`; empty where there is none that can be read."""
        if name not in self._texts:
            if name == CORE:
                path = os.path.join(self.core, CORE_ROUTING) if self.core else ""
            else:
                folder = self.folder(name)
                path = os.path.join(folder, "meta", "runtime.yml") if folder else ""
            try:
                self._texts[name] = self.files.read_text(path) if path and self.files.is_file(path) else ""
            except (EngineError, OSError):
                self._texts[name] = ""
        return self._texts[name]

    def _entry(self, collection: str, kind: str, name: str) -> Mapping[str, Any]:
        """What stands at `plugin_routing: KIND: NAME:`; of a large file nothing else is read."""
        text = self._text(collection)
        if collection not in self._routing and len(text) > LARGE:
            lines = entry_text(text, kind, name)
            if lines is not None:
                return part(parsed(lines, collection), name)
        return part(self.runtime(collection), "plugin_routing", kind, name)

    def route(self, collection: str, kind: str, name: str) -> Route:
        """What is said of a name: kind is `modules`, `action`, `filter`, `module_utils`…"""
        entry = self._entry(collection, kind, name)
        grave = part(entry, "tombstone")
        return Route(
            redirect=str(entry.get("redirect") or ""),
            removed=told(collection, grave, "was") if grave else "",
            deprecated=told(collection, part(entry, "deprecation"), "will be") if entry.get("deprecation") else "",
        )

    def groups_of(self, collection: str, names: Sequence[str]) -> list[str]:
        """The action groups of a collection that hold one of `names` (short or full): for `module_defaults: {group/NAME: …}`."""
        found: list[str] = []
        for group, members in part(self.runtime(collection), "action_groups").items():
            if any(isinstance(each, str) and (each in names or f"{collection}.{each}" in names) for each in members or ()):
                found.append(f"group/{collection}.{group}")
        return found

    def module(self, name: str) -> str | None:
        """The file of a module by its full name; None where there is none."""
        return self.plugin(name, "modules")

    def plugin(self, name: str, kind: str) -> str | None:
        """The file of a plugin by its full name: `acme.tools.sub.one` is plugins/modules/sub/one.py."""
        space, collection, *rest = name.split(".")
        folder = self.folder(f"{space}.{collection}")
        if folder is None or not rest:
            return None
        place = os.path.join(folder, "plugins", kind, *rest[:-1])
        exact = os.path.join(place, rest[-1] + ".py")
        if self.files.is_file(exact):
            return exact
        if kind != "modules":
            return None
        return named(self.files, place, rest[-1])


IGNORED = (".pyc", ".pyo", ".swp", ".bak", "~", ".rpm", ".md", ".txt", ".rst", ".yaml", ".yml", ".ini")
"""Ends of names that are no modules; ansible-core's own list."""


def named(files: Files, folder: str, name: str) -> str | None:
    """The file in `folder` that is `name` with any ending but one of documentation; a Python one first."""
    found: str | None = None
    for each in files.list(folder):
        stem, ending = os.path.splitext(each)
        if name not in (stem, each) or each.endswith(IGNORED) or not files.is_file(os.path.join(folder, each)):
            continue
        if found is None or ending == ".py":
            found = os.path.join(folder, each)
    return found


def root_of(base: str) -> str:
    return base if os.path.basename(base.rstrip("/")) == ROOT else os.path.join(base, ROOT)


def part(value: Any, *keys: str) -> Mapping[str, Any]:
    """A mapping inside mappings; empty where something on the way is none."""
    for key in keys:
        value = value.get(key) if isinstance(value, Mapping) else None
    return value if isinstance(value, Mapping) else {}


def parsed(text: str, name: str) -> Mapping[str, Any]:
    """A text of YAML as a mapping; empty where it is none."""
    try:
        found = yaml.load(text, name) if text else None
    except EngineError:
        return {}
    return found if isinstance(found, Mapping) else {}


def told(collection: str, about: Mapping[str, Any], tense: str) -> str:
    """`use one. This feature was removed from collection 'acme.tools' version 2.0.0.`"""
    version, date = about.get("removal_version"), about.get("removal_date")
    when = f" version {version}" if version else f" in a release after {date}" if date else ""
    text = str(about.get("warning_text") or "").rstrip()
    text = text if not text or text.endswith(".") else text + "."
    where = "ansible-core" if collection == CORE else f"collection '{collection}'"
    return f"{text} This feature {tense} removed from {where}{when}.".strip()
