"""All content of one plan that the engine did not bring: modules, and plugins of templates."""
from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from engine.bridge.modules import Modules
from engine.files import Files
from engine.model.problem import Problem
from engine.settings.settings import PathSettings

if TYPE_CHECKING:
    from engine.bridge.plugins import Plugin, Plugins


@dataclass(kw_only=True)
class Content:
    """Grows while playbooks and roles are read."""

    modules: Modules
    warn: Callable[[Problem], None] = lambda problem: None
    _plugins: Plugins | None = None
    _listener: Callable[[str, str, Plugin], None] = lambda kind, name, plugin: None

    @classmethod
    def of(
        cls, files: Files, paths: PathSettings, warn: Callable[[Problem], None], ours: Callable[[str], bool] = lambda name: True
    ) -> Content:
        """`ours`: has the engine a module of this short name?"""
        made = cls(modules=Modules(files=files, settings=paths, ours=ours), warn=warn)
        if paths.filter_plugins or paths.test_plugins or paths.lookup_plugins:
            made.plugins.load_settings()
        return made

    @property
    def plugins(self) -> Plugins:
        if self._plugins is None:
            from engine.bridge.plugins import Plugins

            self._plugins = Plugins(modules=self.modules, warn=self.warn, add=lambda *about: self._listener(*about))
        return self._plugins

    def meet(self, folder: str, role: bool) -> None:
        """What stands beside this playbook, or in this role, counts from now on."""
        self.modules.meet(folder, role)
        names = set(self.modules.files.list(folder))
        if self._plugins is not None or not names.isdisjoint(("filter_plugins", "test_plugins", "lookup_plugins")):
            self.plugins.meet(folder)

    def tell(self, listener: Callable[[str, str, Plugin], None]) -> None:
        """Tell each plugin with a short name, those found so far and those to come: kind, name, what to call."""
        self._listener = listener
        if self._plugins is not None:
            for (kind, name), plugin in self._plugins.short.items():
                listener(kind, name, plugin)

    def is_lookup(self, name: str) -> bool:
        return self._plugins is not None and ("lookup", name) in self._plugins.short

    def find_plugin(self, kind: str, name: str) -> Plugin | None:
        return self.plugins.find(kind, name)

    def close(self) -> bool:
        """End what runs for it; were there plugins?"""
        if self._plugins is not None:
            self._plugins.close()
        return self._plugins is not None
