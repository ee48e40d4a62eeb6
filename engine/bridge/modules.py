"""Modules that this engine did not write: where a task's name leads, by ansible-core's rules.

A short name is looked for in the collections of `collections:`, then in `library/` beside the playbook, in those of the
roles in the order in which they were read, and in the folders of the setting; only then is it one of ours.
`ansible.builtin.NAME` is always ours; of the modules that the engine does not have yet, those of an installed ansible-core are run.
"""
from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from engine.bridge.collections import CORE, DEPTH, IGNORED, Collections, Route, named
from engine.bridge.core import find_core, version_of
from engine.bridge.kinds import Form, Kind, form_of, source_of
from engine.files import Files
from engine.model.frozen import frozen
from engine.model.problem import Problem, Severity
from engine.model.source import Span
from engine.playbook.names import is_builtin
from engine.settings.settings import PathSettings

if TYPE_CHECKING:
    from engine.bridge.closure import Closure, Utilities

OURS_ALONE = frozenset(
    ("add_host", "assert", "debug", "fail", "gather_facts", "group_by", "import_playbook", "import_role", "import_tasks", "include_role",
     "include_tasks", "include_vars", "meta", "pause", "raw", "script", "set_fact", "set_stats", "setup", "async_status",
     "validate_argument_spec")
)
"""Names that stay the engine's whatever a library holds: they are no modules, or the engine itself depends on them."""
HINT = "pip install ansible-core beside the engine, or set `paths.ansible_core` (ENGINE_PATHS_ANSIBLE_CORE) to an environment that has it"


@frozen(kw_only=True)
class Module:
    """One module as found."""

    name: str
    """As the task has it."""
    path: str
    dotted: str
    """What Python calls it: `ansible_collections.acme.tools.plugins.modules.one`, `ansible.modules.NAME` for those of libraries."""
    full: str = ""
    """`acme.tools.one`; empty for those of libraries."""
    collection: str = ""
    content: bytes = field(repr=False)
    form: Form | None
    """None: its first line names no program, which the task fails with."""
    action: str = ""
    """The file of its action plugin, which is not run: the task fails with that. It may have no module at all; `path` is the same then."""

    @property
    def cannot_run(self) -> str:
        """Why a task that calls it fails; empty where it may run. A warning before the run: the task may be one that is never reached."""
        if self.action:
            return f"`{self.name}` has an action plugin, {self.action}, which would have to run in this process"
        powershell = self.form is not None and self.form.kind is Kind.POWERSHELL
        return f"{self.path} is a PowerShell module" if powershell else ""

    @property
    def needs_core(self) -> bool:
        return self.form is not None and self.form.kind is Kind.PYTHON


@frozen
class Native:
    """The name means one of ours: `ansible.builtin.ping`, perhaps by a redirect."""

    name: str


@dataclass(kw_only=True)
class Modules:
    """The modules of one plan. Folders are added while playbooks and roles are read, and count from then on."""

    files: Files
    settings: PathSettings = field(default_factory=PathSettings)
    playbooks: list[str] = field(default_factory=list)
    roles: list[str] = field(default_factory=list)
    ours: Callable[[str], bool] = lambda name: True
    """Has the engine a module or action of this short name?"""
    _found: dict[tuple[str, tuple[str, ...]], Module | Native | None] = field(default_factory=dict)
    _closures: dict[str, Closure] = field(default_factory=dict)
    _listed: dict[str, list[str]] = field(default_factory=dict)

    def meet(self, folder: str, role: bool) -> None:
        """What stands beside this playbook, or in this role, counts from now on."""
        known = self.roles if role else self.playbooks
        if folder in known:
            return
        known.append(folder)
        if not role:
            self.__dict__.pop("collections", None)
        if not role or any(self.files.is_dir(os.path.join(folder, each)) for each in ("library", "action_plugins")):
            self._found.clear()

    @cached_property
    def core(self) -> str | None:
        """The folder of an installed ansible-core."""
        return find_core(self.settings.ansible_core, self.files)

    @cached_property
    def core_version(self) -> str:
        return version_of(self.core, self.files) if self.core else ""

    @cached_property
    def known_parameters(self) -> str:
        """The text in which the installed ansible-core lists what it tells modules beside their arguments: names differ by version."""
        path = os.path.join(self.core or "", "ansible", "module_utils", "common", "parameters.py")
        return self.files.read_text(path) if self.core and self.files.is_file(path) else ""

    @cached_property
    def collections(self) -> Collections:
        beside = [os.path.join(folder, "collections") for folder in self.playbooks]
        installed = import_path()
        configured = list(map(os.path.expanduser, self.settings.collections_path))
        core = [self.core] if self.core and self.core not in installed else []
        return Collections(files=self.files, bases=[*beside, *configured, *installed, *core], core=self.core)

    @property
    def utilities(self) -> Utilities:
        """Where `module_utils` come from."""
        from engine.bridge.closure import Utilities

        beside = [os.path.join(folder, "module_utils") for folder in (*self.playbooks, *self.roles)]
        return Utilities(
            files=self.files,
            folders=tuple(beside + list(map(os.path.expanduser, self.settings.module_utils))),
            core=self.core or "",
            version=self.core_version,
            collections=self.collections,
        )

    # -- what names mean

    def find(self, name: str, collections: Sequence[str] = ()) -> Module | Native | None:
        """The module a task's name leads to; None where it is one of ours by its own name, or there is none."""
        key = (name, tuple(collections))
        if key not in self._found:
            found = self._resolved(name, collections)
            self._found[key] = found if isinstance(found, Module) else self._of_core(found.name if found else name) or found
        return self._found[key]

    def knows(self, name: str) -> bool:
        """Is there a module of that name that the engine did not write, or a word on where it went?"""
        return self.find(name) is not None or bool(self._route(name).removed)

    def problems(self, name: str, collections: Sequence[str], span: Span) -> list[Problem]:
        """Why the module cannot be called, told before any host is touched."""
        route = self._route(name)
        if route.removed:
            detail = f"The '{self._redirected(name)}' module has been removed. {route.removed}"
            return [Problem(code="removed-module", summary="This module is gone", detail=detail, span=span)]
        said = []
        if route.deprecated:
            detail = f"{name} has been deprecated. {route.deprecated}"
            summary = "This module will go away"
            said = [Problem(code="module-deprecated", summary=summary, detail=detail, span=span, severity=Severity.WARNING)]
        found = self.find(name, collections)
        return [*said, *self._obstacles(name, found, span)] if isinstance(found, Module) else said

    def _obstacles(self, name: str, found: Module, span: Span) -> list[Problem]:
        reason = found.cannot_run
        if found.action:
            hint = "see docs/known-limits.md"
            return [Problem(code="action-plugin", summary="Action plugins are not run", detail=reason, span=span, hint=hint,
                            severity=Severity.WARNING)]
        if reason:
            return [Problem(code="powershell-module", summary="Modules for Windows are not run", detail=reason, span=span,
                            severity=Severity.WARNING)]
        if found.needs_core and self.core is None:
            named = self.settings.ansible_core
            detail = f"`{name}` ({found.path}) imports ansible.module_utils, and no ansible-core is installed" + (
                f" in {named}" if named else " here")
            return [Problem(code="ansible-core-missing", summary="This module needs an ansible-core", detail=detail, span=span, hint=HINT)]
        return []

    def closure(self, module: Module) -> Closure:
        """The module's text and everything it imports. PlanError `module-utils-missing` where something is not there."""
        from engine.bridge.closure import closure_of

        found = self._closures.get(module.path)
        if found is None:
            found = self._closures[module.path] = closure_of(module.dotted, module.path, source_of(module.content), self.utilities)
        return found

    def default_names(self, module: Module) -> list[str]:
        """The keys of `module_defaults` that mean this module, weakest first."""
        if not module.collection:
            return [module.name]
        names = [module.full, f"{module.collection}.{module.name}", module.name]
        return [*self.collections.groups_of(module.collection, names), module.full]

    # -- how they are found

    def _resolved(self, name: str, collections: Sequence[str]) -> Module | Native | None:
        if name.startswith("ansible.builtin."):
            return self._routed(name, name.removeprefix("ansible.builtin."))
        if name.startswith("ansible.legacy."):
            legacy = name.removeprefix("ansible.legacy.")
            return self._in_libraries(name, legacy) or self._routed(name, legacy)
        if name.count(".") >= 2:
            return self._in_collection(name, name, 0)
        if "." in name or not name or "{{" in name:
            return None
        for collection in collections:
            if collection in (CORE, "ansible.legacy") or collection.count(".") != 1:
                continue
            found = self._in_collection(name, f"{collection}.{name}", 0)
            if found is not None:
                return found
        return self._in_libraries(name, name) or self._routed(name, name)

    def _of_core(self, name: str) -> Module | None:
        """ansible-core's own module where the engine has none; with its action plugin it is found, and not run."""
        short = name.removeprefix("ansible.builtin.").removeprefix("ansible.legacy.")
        if not short.isidentifier() or short in OURS_ALONE or self.core is None or self.ours(short):
            return None
        path = os.path.join(self.core, "ansible", "modules", f"{short}.py")
        action = os.path.join(self.core, "ansible", "plugins", "action", f"{short}.py")
        if not self.files.is_file(path):
            return None
        return self._module(short, path, f"ansible.modules.{short}", action=action if self.files.is_file(action) else "")

    def _in_libraries(self, name: str, short: str) -> Module | None:
        if short in OURS_ALONE:
            return None
        path = self._library_file(short)
        action = self._action_beside(short) or ""
        if path is None:
            alone = bool(action) and not is_builtin(short)
            return Module(name=name, path=action, dotted="", content=b"", form=None, action=action) if alone else None
        return self._module(name, path, f"ansible.modules.{short}", action=action)

    def _routed(self, name: str, short: str) -> Module | Native | None:
        """Where ansible-core says that a module of old went: `parted` is community.general.parted. Its own modules are ours."""
        target = "" if is_builtin(short) else self._moved(short)
        return self._in_collection(name, target, 0) if target.count(".") >= 2 else None

    def _moved(self, short: str) -> str:
        """The name that ansible-core gives for a short one; empty where it says nothing."""
        if not short.isidentifier():
            return ""
        return self.collections.route(CORE, "modules", short).redirect or self.collections.route(CORE, "action", short).redirect

    def _redirected(self, name: str) -> str:
        """The full name of what is meant, for a name that ansible-core redirects; any other as it is."""
        short = name.removeprefix("ansible.builtin.").removeprefix("ansible.legacy.")
        if "." in short or is_builtin(short) or self.find(name) is not None:
            return name
        return self._moved(short) or name

    def _library_file(self, name: str) -> str | None:
        for folder in self._libraries():
            listed = self._listed.get(folder)
            if listed is None:
                listed = self._listed[folder] = self.files.list(folder)
            for wanted in (name, f"_{name}"):
                if any(each.partition(".")[0] == wanted or each == wanted for each in listed):
                    found = named(self.files, folder, wanted)
                    if found is not None:
                        return found
        return None

    def _libraries(self) -> list[str]:
        beside = [os.path.join(folder, "library") for folder in (*self.playbooks, *self.roles)]
        found = beside
        for folder in map(os.path.expanduser, self.settings.library):
            found = [*found, folder, *self._inside(folder, 2)]
        return found

    def _inside(self, folder: str, depth: int) -> list[str]:
        """The folders in a folder of the setting, which are looked through as well."""
        if not depth:
            return []
        found: list[str] = []
        for each in self.files.list(folder):
            path = os.path.join(folder, each)
            if not each.endswith(IGNORED) and "." not in each and self.files.is_dir(path):
                found += [path, *self._inside(path, depth - 1)]
        return found

    def _in_collection(self, name: str, full: str, depth: int) -> Module | Native | None:
        space, collection, *rest = full.split(".")
        if f"{space}.{collection}" == CORE:
            return Native(full)
        route = self.collections.route(f"{space}.{collection}", "modules", ".".join(rest))
        if route.removed:
            return None
        if route.redirect and depth < DEPTH:
            return self._in_collection(name, route.redirect, depth + 1) if route.redirect.count(".") >= 2 else None
        path = self.collections.module(full)
        action = self._action_in_collection(full) or ""
        if path is None:
            collected = f"{space}.{collection}"
            if not action:
                return None
            return Module(name=name, path=action, dotted="", full=full, collection=collected, content=b"", form=None, action=action)
        return self._module(name, path, ".".join(("ansible_collections", space, collection, "plugins", "modules", *rest)), full, action)

    def _route(self, name: str) -> Route:
        name = self._redirected(name)
        if name.count(".") < 2 or name.startswith(("ansible.builtin.", "ansible.legacy.")):
            return Route()
        space, collection, rest = name.split(".", 2)
        return self.collections.route(f"{space}.{collection}", "modules", rest)

    def _module(self, name: str, path: str, dotted: str, full: str = "", action: str = "") -> Module:
        content = self.files.read_bytes(path)
        try:
            form = form_of(content, path)
        except ValueError:
            form = None
        collection = ".".join(full.split(".")[:2])
        return Module(name=name, path=path, dotted=dotted, full=full, collection=collection, content=content, form=form, action=action)

    def _action_in_collection(self, full: str) -> str | None:
        space, collection, rest = full.split(".", 2)
        moved = self.collections.route(f"{space}.{collection}", "action", rest).redirect
        return self.collections.plugin(moved if moved.count(".") >= 2 else full, "action")

    def _action_beside(self, name: str) -> str | None:
        for folder in (*self.playbooks, *self.roles):
            path = os.path.join(folder, "action_plugins", name + ".py")
            if self.files.is_file(path):
                return path
        return None


def import_path() -> list[str]:
    """Where this interpreter imports from: collections may be installed there."""
    import sys

    return [each for each in sys.path if each]
