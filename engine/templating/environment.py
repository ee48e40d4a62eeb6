"""Everything that templates share in one Engine: Jinja's environment, compiled texts, filters, tests, lookups."""
from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from engine.errors import UsageError, VaultError
from engine.files import Files
from engine.model.problem import Problem, Severity
from engine.model.values import EncryptedText, Value
from engine.outside import Outside
from engine.scopes.scope import Scope
from engine.search import Search
from engine.templating.compiled import Compiler
from engine.templating.jinja import JinjaEnvironment
from engine.templating.lookups.base import Lookup
from engine.templating.lookups.keeping import kept_on_disk
from engine.templating.plugins import Table, all_filters, all_tests
from engine.templating.renderer import Renderer

PREFIXES = ("ansible.builtin.", "ansible.legacy.")


def no_secrets(value: EncryptedText) -> str:
    raise VaultError(Problem(code="vault-no-secret", summary="An encrypted value cannot be opened without a secret", span=value.span))


class Templates:
    """One per Engine. `warn` is told problems of severity warning, each once."""

    warning = Severity.WARNING

    def __init__(
        self,
        *,
        files: Files,
        outside: Outside,
        decrypt: Callable[[EncryptedText], str] = no_secrets,
        compat: str = "engine",
        allow_broken_conditionals: bool | None = None,
        warn: Callable[[Problem], None] = lambda problem: None,
        extra_filters: Mapping[str, Callable[..., Any]] | None = None,
        extra_tests: Mapping[str, Callable[..., Any]] | None = None,
        keep: Callable[[str, str, bool], str] = kept_on_disk,
        setting: Callable[[str, str, str], tuple[Any, str]] | None = None,
        managed_text: str = "Ansible managed",
        deprecations: bool = False,
        find_plugin: Callable[[str, str], Callable[..., Any] | None] = lambda kind, name: None,
        extensions: Sequence[str] = (),
    ) -> None:
        """UsageError `bad-setting` for an extension of Jinja that does not exist."""
        self.files = files
        self.outside = outside
        self.decrypt = decrypt
        self.keep = keep
        """Writes the file of the lookup `password`: (path, text, it is new) -> what the file holds then."""
        self.setting = setting
        """For the lookup `config`: (name, kind of plugin, plugin) -> (value, origin); KeyError with a message. None: there are none."""
        self.managed_text = managed_text
        """The variable `ansible_managed` of templates, where nobody set it."""
        self.strict_conditions = compat == "ansible" if allow_broken_conditionals is None else not allow_broken_conditionals
        self.deprecations = deprecations
        """Whether what ansible-core deprecates is warned of."""
        self._warn = warn
        self._warned: set[Problem] = set()
        self._compilers: dict[int, tuple[JinjaEnvironment, Compiler]] = {}
        self.jinja = _with_extensions([each.strip() for each in extensions])
        self.lookups: dict[str, Lookup] = {}
        """Of projects, by their short names; they win over ours."""
        self.find_plugin = find_plugin
        self.tables = {"filter": Table("filter", find_plugin), "test": Table("test", find_plugin)}
        self.tables["filter"].update(all_filters(self, extra_filters or {}))
        self.tables["test"].update(all_tests(self, extra_tests or {}))
        vars(self.jinja).update(filters=self.tables["filter"], tests=self.tables["test"])  # Jinja's own type of them is narrower
        self.globals = self._globals()
        self.jinja.globals.clear()
        self.compiler = Compiler(self.jinja)

    def renderer(self, scope: Scope, *, search: Search | None = None, extra: Mapping[str, Value] | None = None) -> Renderer:
        """A renderer of `scope`; `extra` are variables on top of it."""
        return Renderer(self, scope, search, extra)

    def view(self, scope: Scope, search: Search | None = None, *, shown_as: str = "dict") -> Mapping[str, Value]:
        """The variables of `scope` as a mapping that renders each when it is read: what `hostvars[host]` and `vars` are.

        `shown_as` is what errors and `type_debug` call its type.
        """
        return ScopeView(self.renderer(scope, search=search), shown_as)

    def add_plugin(self, kind: str, name: str, plugin: Callable[..., Any]) -> None:
        """Take a plugin of a project under its short name; ours keeps its full one."""
        if kind == "lookup":
            self.lookups[name] = plugin
        else:
            self.tables[kind].add(name, plugin)

    def lookup(self, name: str) -> Lookup | None:
        """The lookup of a name: a project's, ours, or a collection's."""
        from engine.templating.lookups.table import LOOKUPS

        return self.lookups.get(name) or LOOKUPS.get(short(name)) or self.find_plugin("lookup", name)

    def has_filter(self, name: str) -> bool:
        return name in self.jinja.filters

    def has_test(self, name: str) -> bool:
        return name in self.jinja.tests

    def has_lookup(self, name: str) -> bool:
        return self.lookup(name) is not None

    @property
    def filter_names(self) -> list[str]:
        """Short names, sorted."""
        return sorted(name for name in self.jinja.filters if "." not in name)

    @property
    def test_names(self) -> list[str]:
        return sorted(name for name in self.jinja.tests if "." not in name)

    @property
    def lookup_names(self) -> list[str]:
        from engine.templating.lookups.table import LOOKUPS

        return sorted(LOOKUPS)

    def warn_once(self, problem: Problem) -> None:
        if problem not in self._warned:
            self._warned.add(problem)
            self._warn(problem)

    def compiler_for(self, environment: Any) -> Compiler:
        """The compiler for an environment with other delimiters: what it includes is read with the same."""
        if environment is self.jinja:
            return self.compiler
        found = self._compilers.get(id(environment))
        if found is None:
            found = self._compilers[id(environment)] = (environment, Compiler(environment))
        return found[1]

    def _globals(self) -> dict[str, Any]:
        from engine.templating.functions import FUNCTIONS

        jinjas = ("dict", "lipsum", "cycler", "joiner", "namespace")
        return {**{name: self.jinja.globals[name] for name in jinjas}, "range": range, **FUNCTIONS}


def _with_extensions(extensions: list[str]) -> JinjaEnvironment:
    try:
        return JinjaEnvironment(trim_blocks=True, extensions=extensions)
    except (ImportError, AttributeError, ValueError) as error:
        raise UsageError(Problem(
            code="bad-setting", summary="An extension of Jinja cannot be loaded", detail=str(error),
            hint="the setting `variables.jinja_extensions` (`jinja2_extensions`) names them in full: jinja2.ext.do",
        )) from error


def short(name: str) -> str:
    """A plugin's name without `ansible.builtin.`."""
    for prefix in PREFIXES:
        if name.startswith(prefix):
            return name[len(prefix):]
    return name


class ScopeView(Mapping[str, Value]):
    """A scope's variables, rendered as they are read."""

    def __init__(self, renderer: Renderer, shown_as: str = "dict") -> None:
        self._renderer = renderer
        self.shown_as = shown_as

    def __getitem__(self, name: str) -> Value:
        if not isinstance(name, str) or name not in self._renderer.scope:
            raise KeyError(name)
        return self._renderer.value_of(name)

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and name in self._renderer.scope

    def __iter__(self) -> Iterator[str]:
        # `vars` and `hostvars` hold everything, themselves too: they are not listed, or no copy would ever end.
        return (name for name in self._renderer.scope.names() if name not in ("vars", "hostvars"))

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def __repr__(self) -> str:
        return "<variables>"


ScopeView.__name__ = "HostVarsVars"  # in messages about what it lacks it is what users know
