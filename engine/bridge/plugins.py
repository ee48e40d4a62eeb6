"""Filters, tests and lookups of projects, roles and collections.

Those that import nothing of `ansible` are loaded into this process; the others run in the helper
(engine/bridge/legacy_plugins.py). Short names are those of folders: `filter_plugins/` beside the playbook, then in
roles as they are read, then of the settings; they win over the engine's own. Full names are those of collections.
"""
from __future__ import annotations

import ast
import functools
import importlib.util
import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from engine.bridge.legacy_plugins import Helper, core_missing, function, lookup
from engine.bridge.modules import Modules
from engine.errors import EngineError
from engine.model.problem import Problem, Severity
from engine.templating.failures import PluginFailed
from engine.templating.lookups.base import LookupCall
from engine.templating.missing import MissingUsed

KINDS = ("filter", "test", "lookup")
ENTRY = {"filter": ("FilterModule", "filters"), "test": ("TestModule", "tests")}
Plugin = Callable[..., Any]


@dataclass(kw_only=True)
class Plugins:
    """The plugins of one plan."""

    modules: Modules
    warn: Callable[[Problem], None]
    add: Callable[[str, str, Plugin], None] = lambda kind, name, plugin: None
    """Told each plugin with a short name: kind, name, what to call."""
    short: dict[tuple[str, str], Plugin] = field(default_factory=dict)
    """(kind, name) → plugin, of all folders met so far; the first that brought a name has it."""
    _full: dict[tuple[str, str], Plugin | None] = field(default_factory=dict)
    _yielding: set[tuple[str, str]] = field(default_factory=set)
    """Those of the settings."""
    _folders: set[str] = field(default_factory=set)
    _helper: Helper | None = None

    def meet(self, folder: str) -> None:
        """Load what stands in a playbook's or role's folder."""
        for kind in KINDS:
            self.load_folder(kind, os.path.join(folder, f"{kind}_plugins"))

    def load_settings(self) -> None:
        """Load what the settings name. It gives way to what projects and roles bring later."""
        paths = self.modules.settings
        for kind, folders in zip(KINDS, (paths.filter_plugins, paths.test_plugins, paths.lookup_plugins), strict=True):
            for folder in folders:
                self.load_folder(kind, os.path.expanduser(folder), yields=True)

    def load_folder(self, kind: str, folder: str, *, yields: bool = False) -> None:
        if folder in self._folders or not self.modules.files.is_dir(folder):
            return
        self._folders.add(folder)
        for name in self.modules.files.list(folder):
            path = os.path.join(folder, name)
            if name.endswith(".py") and not name.startswith("__") and self.modules.files.is_file(path):
                for plugin_name, plugin in self._of_file(kind, path, "", folder).items():
                    key = (kind, plugin_name)
                    if key not in self.short or (key in self._yielding and not yields):
                        self.short[key] = plugin
                        (self._yielding.add if yields else self._yielding.discard)(key)
                        self.add(kind, plugin_name, plugin)

    def find(self, kind: str, name: str) -> Plugin | None:
        """A plugin by its full name, `acme.tools.shout`; None where there is none."""
        key = (kind, name)
        if key not in self._full:
            self._full[key] = self._in_collection(kind, name)
        return self._full[key]

    def close(self) -> None:
        if self._helper is not None:
            self._helper.close()
            self._helper = None

    # -- how they are loaded

    def _in_collection(self, kind: str, name: str) -> Plugin | None:
        if name.count(".") < 2 or name.startswith(("ansible.builtin.", "ansible.legacy.")):
            return None
        space, collection, rest = name.split(".", 2)
        collections = self.modules.collections
        route = collections.route(f"{space}.{collection}", kind, rest)
        if route.removed:
            raise PluginFailed(f"The {kind} plugin '{name}' has been removed. {route.removed}")
        if route.redirect and route.redirect != name:
            return self.find(kind, route.redirect)
        exact = collections.plugin(name, kind)
        if kind == "lookup":
            return self._of_file(kind, exact, name, "").get(rest.rpartition(".")[2]) if exact else None
        folder = collections.folder(f"{space}.{collection}")
        place = os.path.join(folder or "", "plugins", kind)
        files = [os.path.join(place, each) for each in self.modules.files.list(place) if each.endswith(".py")] if folder else []
        for path in sorted(files, key=lambda each: each != exact):       # any file may hold it; the one of its name is asked first
            module = ".".join(("ansible_collections", space, collection, "plugins", kind, os.path.basename(path)[:-3]))
            found = self._of_file(kind, path, module, "")
            if rest in found:
                return found[rest]
        return None

    def _of_file(self, kind: str, path: str, module: str, folder: str) -> Mapping[str, Plugin]:
        """The plugins of a file by their names; a warning, and none, where it cannot be loaded."""
        space = ".".join(module.split(".")[1:3]) + "." if module else ""
        try:
            if not imports_ansible(self.modules.files.read_text(path), path):
                return loaded(kind, path, space)
            if self.modules.core is None:
                self.warn(core_missing(kind, path, self.modules.settings.ansible_core))
                return {}
            stem = os.path.splitext(os.path.basename(path))[0]
            if kind == "lookup":
                return {stem: lookup(self.helper, path, module or stem, folder)}
            names = self.helper().ask("names", kind=kind, path=path, module=module)
            return {name: function(self.helper, kind, path, module, name, space + name) for name in names}
        except (EngineError, PluginFailed, OSError) as error:
            detail = f"Skipping plugin ({path}), cannot load: {error}"
            summary = "A plugin cannot be loaded"
            self.warn(Problem(code="plugin-not-loaded", summary=summary, detail=detail, severity=Severity.WARNING))
            return {}

    def helper(self) -> Helper:
        if self._helper is None:
            assert self.modules.core is not None
            self._helper = Helper(self.modules.core, self.modules.collections.bases)
        return self._helper


def imports_ansible(text: str, path: str) -> bool:
    """Does the file import `ansible`, or anything of collections, anywhere? PluginFailed where it is no Python."""
    try:
        tree = ast.parse(text, path)
    except (SyntaxError, ValueError) as error:
        raise PluginFailed(str(error)) from None
    for node in ast.walk(tree):
        names = [each.name for each in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom):
            names = [node.module or ""] if not node.level else ["ansible"]
        if any(name.partition(".")[0] in ("ansible", "ansible_collections") for name in names):
            return True
    return False


def loaded(kind: str, path: str, space: str = "") -> Mapping[str, Plugin]:
    """The plugins of a file that needs nothing of Ansible, loaded here. PluginFailed with its own words where that fails."""
    name = f"engine_{kind}_plugins_{abs(hash(path))}"
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    keep, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    try:
        spec.loader.exec_module(module)
        if kind == "lookup":
            return {os.path.splitext(os.path.basename(path))[0]: own_lookup(module.LookupModule)}
        entry, method = ENTRY[kind]
        found = getattr(getattr(module, entry)(), method)()
        return {name: own(kind, space + name, path, plugin) for name, plugin in found.items()}
    except Exception as error:  # whatever the user's file does when it is loaded
        raise PluginFailed(str(error) or type(error).__name__) from error
    finally:
        sys.dont_write_bytecode = keep


def own(kind: str, name: str, path: str, plugin: Plugin) -> Plugin:
    """A filter or test that tells its file when it fails."""

    @functools.wraps(plugin)
    def called(*args: Any, **options: Any) -> Any:
        try:
            return plugin(*args, **options)
        except (EngineError, MissingUsed, PluginFailed, RecursionError):
            raise
        except Exception as error:  # whatever the user's own code raises
            raise PluginFailed(f"The {kind} plugin '{name}' failed: {error}", path) from error

    return called


def own_lookup(made_by: Callable[[], Any]) -> Plugin:
    """A lookup in the shape of ours."""

    def called(call: LookupCall, terms: list[Any]) -> list[Any]:
        from engine.templating.native import finished

        view = call.renderer.templates.view(call.renderer.scope, call.renderer.search)
        found = made_by().run([finished(each) for each in terms], variables=view, **call.options)
        return found if isinstance(found, list) else [found]

    return called
