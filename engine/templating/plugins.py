"""Filters and tests as Jinja calls them: found by short and full name, missing values refused, mistakes named."""
from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from jinja2.exceptions import SecurityError
from jinja2.filters import FILTERS as JINJA_FILTERS
from jinja2.tests import TESTS as JINJA_TESTS
from jinja2.utils import _PassArg

from engine.errors import EngineError
from engine.templating import aids
from engine.templating.failures import PluginFailed
from engine.templating.lazy import reading, without_missing
from engine.templating.missing import Missing, MissingUsed

if TYPE_CHECKING:
    from engine.templating.environment import Templates

Plugin = Callable[..., Any]

TAKES_MISSING = frozenset(("default", "d", "mandatory", "type_debug", "attr", "defined", "undefined"))
ASK_ALONE = frozenset(("defined", "undefined"))
"""Tests that can be answered for a variable whose value is not known yet."""
TAKES_SEALED = frozenset(("unvault", "vault_encrypted"))
"""What can be told of an encrypted value that no password opens."""
KEEPS_SEALED = frozenset(("to_yaml", "to_nice_yaml"))
"""Filters that can write encrypted values as they are, wherever they stand."""
MAKES_LIST = frozenset(("list", "reverse"))
"""Filters that need every element."""
SKIPS_MISSING = frozenset(("map", "select", "reject", "selectattr", "rejectattr"))
"""Filters that hand elements on, missing ones too."""
CHOOSES = frozenset(("ternary",))
"""Filters that give one of their arguments and leave the others alone."""
ANSIBLES_TOO = frozenset((
    "d", "default", "groupby", "map", "random", "reject", "rejectattr", "select", "selectattr", "unique", "defined", "undefined",
))
"""Of the names that Jinja has, those that Ansible has also, and so `ansible.legacy`; Jinja's own are only in `ansible.builtin`."""


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
        if not isinstance(name, str):
            hash(name)
            return True  # so ansible-core answers `5 is filter`
        return self.get(name) is not None

    def get(self, name: Any, default: Any = None) -> Any:
        if not isinstance(name, str):
            told = f"{type(name).__name__!r} object has no attribute 'removeprefix'"
            raise TypeError(f"The {self.kind} plugin {name!r} failed to load: {told}")
        try:
            return self[name]
        except KeyError:
            return default


def _named(kind: str, ours: Mapping[str, Plugin], extra: Mapping[str, Plugin]) -> dict[str, Plugin]:
    named: dict[str, Plugin] = {}
    for name, plugin in ours.items():
        guarded = _guarded(kind, name, f"ansible.builtin.{name}", plugin)
        for prefix in ("", "ansible.builtin."):
            named[prefix + name] = guarded
        if name in ANSIBLES_TOO or name not in (JINJA_FILTERS if kind == "filter" else JINJA_TESTS):
            named["ansible.legacy." + name] = guarded
    for name, plugin in extra.items():
        named[name] = _guarded(kind, name, name, plugin)
    return named


def _guarded(kind: str, name: str, full: str, plugin: Plugin) -> Plugin:
    """The plugin as templates call it: what is missing goes through it, and what it refuses is told only when the result is used.

    What gives one element after the other gives a list of them.
    """
    takes_missing = name in TAKES_MISSING
    makes_list = name in MAKES_LIST
    strictly = not takes_missing and name not in SKIPS_MISSING and name not in KEEPS_SEALED
    chooses = name in CHOOSES
    passed = _PassArg.from_obj(plugin)
    first = 0 if passed is None else 1

    def guarded(*args: Any, **options: Any) -> Any:
        if takes_missing:
            value = args[first] if len(args) > first else None
            if type(value) is Missing and value.error is not None and name != "type_debug":
                if name == "attr":
                    return value.within()
                if name in ASK_ALONE and value.is_unknown and not value.part:
                    return name == "defined"
                value.explode()
        else:
            takes_sealed = name in TAKES_SEALED
            for arg in args[:1] if chooses else (*args, *options.values()):
                if type(arg) is Missing and not (takes_sealed and arg.envelope is not None):
                    return arg
        if strictly and not chooses:
            args = tuple(map(without_missing, args))
        outer, reading.strictly = reading.strictly, strictly
        try:
            made = plugin(*args, **options)
            if isinstance(made, Iterator | range):
                made = list(made)
            return missing_in(made) if makes_list and not isinstance(made, str) else made
        except MissingUsed as error:
            return error.absent
        except PluginFailed as error:
            return Missing.failed(error.kept())
        except (EngineError, SecurityError, RecursionError):
            raise
        except Exception as error:
            failure = PluginFailed(f"The {kind} plugin '{full}' failed: {error}")
            failure.__cause__ = error
            return Missing.failed(failure.kept())
        finally:
            reading.strictly = outer

    if passed is not None:
        guarded.jinja_pass_arg = passed  # type: ignore[attr-defined]
    return guarded


def missing_in(made: Iterable[Any]) -> Any:
    """The elements; where one is missing, that one: a list of them cannot be made."""
    return next((each for each in made if type(each) is Missing), made)
