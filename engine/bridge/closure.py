"""All that a Python module imports of `ansible.module_utils` and of collections, found in its syntax, never by importing it.

What stands at the top level of a file must be there; what is imported elsewhere (in a function, in a `try`) is taken
along where it is found.
"""
from __future__ import annotations

import ast
import hashlib
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache

from engine.bridge.collections import DEPTH, ROOT, Collections
from engine.bridge.kinds import text_of
from engine.errors import PlanError
from engine.files import Files
from engine.model.frozen import frozen
from engine.model.problem import Problem

UTILS = "ansible.module_utils"
BASIC = "ansible.module_utils.basic"
PROFILES = (
    "ansible.module_utils._internal._json._profiles._module_legacy_c2m",
    "ansible.module_utils._internal._json._profiles._module_legacy_m2c",
)
"""Imported by their names, which stand in no import: the form of arguments and results. Since ansible-core 2.19."""
TEXT, LIST = "foreign:", "closure:"
"""As in engine/agent/foreign.py."""
Source = tuple[str, str, bool, str]
"""(name for the wire, path, is a package, text)."""


@frozen(kw_only=True)
class File:
    """One file of a closure."""

    dotted: str
    path: str
    package: bool
    text: str = field(repr=False)

    @property
    def digest(self) -> str:
        return hashlib.sha256(self.text.encode("utf-8", "surrogateescape")).hexdigest()[:24]


@frozen(kw_only=True)
class Closure:
    """What is sent for one module."""

    name: str
    listed: str
    """Digest of the list of all files."""
    warm: str
    """Digest of what `AnsibleModule` imports, by which warm processes are told apart; empty without it."""
    sources: tuple[Source, ...] = field(repr=False)


@dataclass(slots=True, kw_only=True)
class Utilities:
    """Where the files of `module_utils` are: folders of the project first, then the installed ansible-core, and collections."""

    files: Files
    folders: tuple[str, ...] = ()
    core: str = ""
    version: str = ""
    collections: Collections

    def file(self, dotted: str) -> File | None:
        """The file of a module; None where there is none, or it is none that travels."""
        if dotted == UTILS or dotted == "ansible":
            return made_up(dotted, f'__version__ = "{self.version}"\n__author__ = "Ansible, Inc."\n' if dotted == "ansible" else "")
        if dotted.startswith(UTILS + "."):
            rest = dotted[len(UTILS) + 1:].split(".")
            return self._first(dotted, [os.path.join(folder, *rest) for folder in self.folders] + [
                os.path.join(self.core, "ansible", "module_utils", *rest)])
        if dotted == "ansible.release":
            return self._first(dotted, [os.path.join(self.core, "ansible", "release")])
        if dotted == ROOT or dotted.startswith(ROOT + "."):
            return self._of_collection(dotted)
        return None

    def _of_collection(self, dotted: str, depth: int = 0) -> File | None:
        parts = dotted.split(".")
        folder = self.collections.folder(".".join(parts[1:3])) if len(parts) >= 3 else None
        if len(parts) < 3:
            return made_up(dotted)
        if folder is None:
            return None
        found = self._first(dotted, [os.path.join(folder, *parts[3:])])
        if found is None and len(parts) > 5 and parts[3:5] == ["plugins", "module_utils"] and depth < DEPTH:
            route = self.collections.route(".".join(parts[1:3]), "module_utils", ".".join(parts[5:]))
            if route.redirect:
                target = route.redirect
                if not target.startswith("ansible"):
                    space, name, *rest = target.split(".")
                    target = ".".join((ROOT, space, name, "plugins", "module_utils", *rest))
                text = f"import sys\nimport {target} as found\nsys.modules[{dotted!r}] = found\n"
                return File(dotted=dotted, path=os.path.join(folder, *parts[3:]) + ".py", package=False, text=text)
        if found is None and self.files.is_dir(os.path.join(folder, *parts[3:])):
            return made_up(dotted)
        return found

    def _first(self, dotted: str, stems: list[str]) -> File | None:
        for stem in stems:
            for path, package in ((os.path.join(stem, "__init__.py"), True), (stem + ".py", False)):
                if self.files.is_file(path):
                    return File(dotted=dotted, path=path, package=package, text=text_of(self.files.read_bytes(path)))
        return None


def made_up(dotted: str, text: str = "") -> File:
    """A package that only leads on to what is in it."""
    return File(dotted=dotted, path=f"<{dotted}>", package=True, text=text)


def closure_of(dotted: str, path: str, text: str, utilities: Utilities) -> Closure:
    """The closure of a module with the text `text`. PlanError: `module-utils-missing`, `module-syntax`."""
    known: dict[str, File] = {}
    main = File(dotted=dotted, path=path, package=False, text=text)
    for package in packages(dotted):
        known[package] = utilities.file(package) or made_up(package)
    gather(main, utilities, known)
    known[dotted] = main
    warm = ""
    if BASIC in known:
        common: dict[str, File] = {}
        for each in (BASIC, *PROFILES):
            found = utilities.file(each)
            if found is not None:
                add(found, utilities, common)
        known = {**common, **known}
        warm = listed(common)[0]
    digest, text = listed(known)
    sources = {TEXT + each.digest: (TEXT + each.digest, each.path, each.package, each.text) for each in known.values()}
    name = LIST + digest
    return Closure(name=dotted, listed=digest, warm=warm, sources=((name, "", False, text), *sources.values()))


def listed(files: dict[str, File]) -> tuple[str, str]:
    """Digest and text of {name: [digest, path, is it a package]}."""
    text = json.dumps({name: [each.digest, each.path, int(each.package)] for name, each in sorted(files.items())})
    return hashlib.sha256(text.encode()).hexdigest()[:24], text


def add(file: File, utilities: Utilities, known: dict[str, File]) -> None:
    """`file`, the packages it stands in, and all that it imports."""
    if file.dotted in known:
        return
    known[file.dotted] = file
    for package in packages(file.dotted):
        if package not in known:
            add(utilities.file(package) or made_up(package), utilities, known)
    gather(file, utilities, known)


def gather(file: File, utilities: Utilities, known: dict[str, File]) -> None:
    """Add all that `file` imports."""
    for wanted in imports_of(file):
        if any(each in known for each in wanted.names[:1]):
            continue
        found = next((found for each in wanted.names if (found := known.get(each) or utilities.file(each)) is not None), None)
        if found is not None and found.dotted not in (UTILS, "ansible"):
            add(found, utilities, known)
        elif wanted.needed:
            name = file.dotted.replace("ansible.modules.", "ansible.legacy.")
            raise PlanError(Problem(
                code="module-utils-missing", summary="A module imports what is not there",
                detail=f"Task failed: Could not find imported module support code for {name}. Looked for ({list(wanted.names)!r})",
                notes=(f"imported by {file.path}",)))


@frozen
class Wanted:
    """One import: the names it may mean, the longest first, and whether the file is nothing without it."""

    names: tuple[str, ...]
    needed: bool


@lru_cache(maxsize=1024)
def imports_of(file: File) -> list[Wanted]:
    """The imports of a file that lead to `module_utils`. PlanError `module-syntax` where it is no Python."""
    try:
        tree = ast.parse(file.text, file.path)
    except (SyntaxError, ValueError) as error:
        detail = f"{file.path}: {error}"
        raise PlanError(Problem(code="module-syntax", summary="A module is not Python that can be read", detail=detail)) from None
    found: list[Wanted] = []
    for node, needed in statements(tree.body, True):
        if isinstance(node, ast.Import | ast.ImportFrom):
            found += [Wanted(shorter(dotted), needed) for dotted in names_of(node, file) if travels(dotted)]
    return found


def statements(body: list[ast.stmt], top: bool) -> Iterator[tuple[ast.stmt, bool]]:
    """Every statement, and whether it stands at the top level; expressions, which are most of a tree, hold no imports."""
    for node in body:
        yield node, top
        for part in ("body", "orelse", "finalbody"):
            yield from statements(getattr(node, part, []), False)
        for part in ("handlers", "cases"):
            for each in getattr(node, part, []):
                yield from statements(each.body, False)


def names_of(node: ast.Import | ast.ImportFrom, file: File) -> Iterator[str]:
    if isinstance(node, ast.Import):
        yield from (each.name for each in node.names)
        return
    base = node.module or ""
    if node.level:
        parts = file.dotted.split(".")
        above = parts[: len(parts) - node.level + (1 if file.package else 0)]
        base = ".".join([*above, *([base] if base else [])])
    for each in node.names:
        yield base if each.name == "*" else f"{base}.{each.name}"


def travels(dotted: str) -> bool:
    return dotted.startswith((UTILS + ".", ROOT + ".")) or dotted == "ansible.release" or dotted.startswith("ansible.release.")


def shorter(dotted: str) -> tuple[str, ...]:
    """`a.b.c.d`, `a.b.c` …, down to what is certainly a package of everything."""
    parts = dotted.split(".")
    least = 6 if parts[0] == ROOT else 3 if dotted.startswith(UTILS) else 2
    return tuple(".".join(parts[:size]) for size in range(len(parts), min(least, len(parts)) - 1, -1))


def packages(dotted: str) -> list[str]:
    """The packages a module stands in, outermost first."""
    parts = dotted.split(".")
    return [".".join(parts[:size]) for size in range(1, len(parts))]
