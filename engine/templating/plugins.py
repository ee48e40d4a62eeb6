"""Filters and tests as Jinja calls them: found by short and full name, missing values refused, mistakes named."""
from __future__ import annotations

from collections.abc import Callable, Mapping
from types import GeneratorType
from typing import TYPE_CHECKING, Any

from jinja2.exceptions import SecurityError, TemplateRuntimeError
from jinja2.filters import FILTERS as JINJA_FILTERS
from jinja2.tests import TESTS as JINJA_TESTS
from jinja2.utils import _PassArg

from engine.errors import EngineError
from engine.templating import aids
from engine.templating.failures import PluginFailed
from engine.templating.missing import Missing, MissingUsed

if TYPE_CHECKING:
    from engine.templating.environment import Templates

Plugin = Callable[..., Any]

TAKES_MISSING = frozenset(("default", "d", "mandatory", "type_debug", "attr", "defined", "undefined"))
HANDS_ON_MISSING = frozenset(("extract", "map", "select", "reject", "selectattr", "rejectattr"))
"""Filters of a list that is not there: what they give is not there either, and may be tested for that."""
PREFIXES = ("", "ansible.builtin.", "ansible.legacy.")


def all_filters(templates: Templates, extra: Mapping[str, Plugin]) -> dict[str, Plugin]:
    """Every filter under its short and its full names; `extra` are those of the user's plugins, as they are named."""
    from engine.templating.filters.table import filters_for

    return _named("filter", {**_jinjas(JINJA_FILTERS), **filters_for(templates)}, {**aids.FILTERS, **extra})


def all_tests(templates: Templates, extra: Mapping[str, Plugin]) -> dict[str, Plugin]:
    """Every test under its short and its full names."""
    from engine.templating.tests import tests_for

    return _named("test", {**_jinjas(JINJA_TESTS), **tests_for(templates)}, {**aids.TESTS, **extra})


def _jinjas(table: Mapping[str, Any]) -> dict[str, Plugin]:
    """Jinja's plugins with a word for a name; Ansible knows no test named `==`."""
    return {name: plugin for name, plugin in table.items() if name.isidentifier()}


class Table(dict[str, Plugin]):
    """Filters or tests by name. What is not in it is asked of `find`, once: collections' plugins, by their full names."""

    def __init__(self, kind: str, find: Callable[[str, str], Plugin | None]) -> None:
        super().__init__()
        self.kind = kind
        self.find = find

    def add(self, name: str, plugin: Plugin) -> None:
        self[name] = _guarded(self.kind, name, name, plugin)

    def __missing__(self, name: str) -> Plugin:
        found = self.find(self.kind, name) if name.count(".") >= 2 else None
        if found is None:
            raise KeyError(name)
        self.add(name, found)
        return self[name]

    def __contains__(self, name: object) -> bool:
        return self.get(name) is not None

    def get(self, name: Any, default: Any = None) -> Any:
        try:
            return self[name]
        except KeyError:
            return default


def _named(kind: str, ours: Mapping[str, Plugin], extra: Mapping[str, Plugin]) -> dict[str, Plugin]:
    named: dict[str, Plugin] = {}
    for name, plugin in ours.items():
        guarded = _guarded(kind, name, f"ansible.builtin.{name}", plugin)
        for prefix in PREFIXES:
            named[prefix + name] = guarded
    for name, plugin in extra.items():
        named[name] = _guarded(kind, name, name, plugin)
    return named


def _guarded(kind: str, name: str, full: str, plugin: Plugin) -> Plugin:
    takes_missing = name in TAKES_MISSING
    hands_on = kind == "filter" and name in HANDS_ON_MISSING

    def guarded(*args: Any, **options: Any) -> Any:
        for arg in args:
            if hands_on and type(arg) is Missing and arg.error is None:
                return arg
            if type(arg) is Missing and (not takes_missing or arg.error is not None):
                arg.explode()
        try:
            made = plugin(*args, **options)
            return list(made) if type(made) is GeneratorType else made  # `(hosts | select('search', 'web'))[0]`
        except (EngineError, MissingUsed, PluginFailed, SecurityError, TemplateRuntimeError, RecursionError):
            raise
        except Exception as error:
            raise PluginFailed(f"The {kind} plugin '{full}' failed: {error}") from error

    passed = _PassArg.from_obj(plugin)
    if passed is not None:
        guarded.jinja_pass_arg = passed  # type: ignore[attr-defined]
    return guarded
