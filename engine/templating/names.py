"""Which variables, filters, tests and lookups a text names, without rendering it: for plans and checks before a run."""
from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import Any

from jinja2 import nodes
from jinja2.exceptions import TemplateSyntaxError
from jinja2.meta import find_undeclared_variables
from jinja2.parser import Parser

from engine.errors import TemplateError
from engine.model.frozen import frozen
from engine.model.merging import Merging
from engine.model.problem import Problem
from engine.model.values import TemplateText, Value
from engine.templating.environment import Templates, short
from engine.templating.failures import nearest, place_of, syntax_failure
from engine.templating.jinja import LOOKUP_NAMES, JinjaEnvironment
from engine.templating.lookups.table import BLOCKING, LOOKUPS
from engine.templating.renderer import has_markers

FUNCTIONS = frozenset((*LOOKUP_NAMES, "now", "undef", "range", "dict", "lipsum", "cycler", "joiner", "namespace", "omit"))
FORGIVING = frozenset(("default", "d"))
ASKING = frozenset(("defined", "undefined"))


@frozen
class Named:
    """What one text names."""

    variables: frozenset[str] = frozenset()
    filters: frozenset[str] = frozenset()
    tests: frozenset[str] = frozenset()
    lookups: frozenset[str] = frozenset()
    """By the name as written; those whose name is computed are not known."""
    guarded: frozenset[str] = frozenset()
    """Of the variables, those that it asks about: `x is defined`, `x | default(1)`."""
    computed_lookup: bool = False
    """A lookup's name is itself an expression."""

    @property
    def blocks(self) -> bool:
        """Rendering it may wait for something outside."""
        return self.computed_lookup or any(short(name) in BLOCKING for name in self.lookups)


NOTHING = Named()


def names_in(text: TemplateText, *, expression: bool = False) -> frozenset[str]:
    """The free variables of a template, or of a bare expression; functions such as `lookup` are none.

    Raises:
        TemplateError: `template-syntax`, at its place.
    """
    return named_in(text, expression=expression).variables


def named_in(text: TemplateText, *, expression: bool = False) -> Named:
    """Everything a text names. TemplateError `template-syntax` where it cannot be parsed."""
    if not expression and not has_markers(text):
        return NOTHING
    try:
        return _named(str(text), expression)
    except TemplateSyntaxError as error:
        raise syntax_failure(error, text, prefix="Syntax error in expression" if expression else "Syntax error in template") from None


def named_in_value(value: Value) -> Named:
    """Everything that the texts of a nested value name."""
    found = [named_in(text) for text in texts_in(value)]
    return Named(
        frozenset().union(*(each.variables for each in found)), frozenset().union(*(each.filters for each in found)),
        frozenset().union(*(each.tests for each in found)), frozenset().union(*(each.lookups for each in found)),
        frozenset().union(*(each.guarded for each in found)), any(each.computed_lookup for each in found),
    )


def unknown_names(templates: Templates, text: TemplateText, *, expression: bool = False) -> list[Problem]:
    """A problem for each filter, test and lookup that does not exist; and for text that cannot be parsed."""
    try:
        named = named_in(text, expression=expression)
    except TemplateError as error:
        return list(error.problems)
    problems = [_unknown("filter", name, templates.filter_names, text) for name in sorted(named.filters) if not templates.has_filter(name)]
    problems += [_unknown("test", name, templates.test_names, text) for name in sorted(named.tests) if not templates.has_test(name)]
    problems += [_unknown("lookup", name, LOOKUPS, text) for name in sorted(named.lookups) if not templates.has_lookup(name)]
    return problems


def _unknown(kind: str, name: str, known: Iterable[str], text: TemplateText) -> Problem:
    return Problem(
        code=f"unknown-{kind}", summary=f"A template uses a {kind} that does not exist", detail=f"there is no {kind} `{name}`",
        span=place_of(text, _line(text, name), name), hint=nearest(name, known),
    )


def _line(text: TemplateText, name: str) -> int:
    return str(text)[: max(0, str(text).find(name))].count("\n") + 1


@lru_cache(maxsize=8192)
def _named(source: str, expression: bool) -> Named:
    environment = _parser()
    if expression:
        parser = Parser(environment, source, state="variable")
        tree = nodes.Template([nodes.Output([parser.parse_expression()], lineno=1)], lineno=1)
        tree.set_environment(environment)
    else:
        tree = environment.parse(source)
    lookups, computed = _lookups(tree)
    return Named(
        frozenset(find_undeclared_variables(tree)) - FUNCTIONS,
        frozenset(node.name for node in tree.find_all(nodes.Filter)),
        frozenset(node.name for node in tree.find_all(nodes.Test)),
        lookups, _guarded(tree), computed,
    )


@lru_cache(maxsize=1)
def _parser() -> JinjaEnvironment:
    environment = JinjaEnvironment(trim_blocks=True)
    environment.filters = _Every()
    environment.tests = _Every()
    return environment


class _Every(dict[str, Any]):
    """Filters and tests of whatever name: what a text names is asked here, not whether it exists."""

    def get(self, name: str, default: Any = None) -> Any:
        return _every

    def __getitem__(self, name: str) -> Any:
        return _every

    def __contains__(self, name: object) -> bool:
        return True


def _every(*args: Any) -> None:
    """Stands for any filter or test; never called."""


def _lookups(tree: nodes.Template) -> tuple[frozenset[str], bool]:
    names: set[str] = set()
    computed = False
    for call in tree.find_all(nodes.Call):
        if isinstance(call.node, nodes.Name) and call.node.name in LOOKUP_NAMES and call.args:
            first = call.args[0]
            if isinstance(first, nodes.Const) and isinstance(first.value, str):
                names.add(first.value)
            else:
                computed = True
    return frozenset(names), computed


def _guarded(tree: nodes.Template) -> frozenset[str]:
    """Names, and names of which a part is asked about, that may be undefined without harm."""
    asked = [node.node for node in tree.find_all(nodes.Filter) if node.node is not None and short(node.name) in FORGIVING]
    asked += [node.node for node in tree.find_all(nodes.Test) if short(node.name) in ASKING]
    found: set[str] = set()
    for node in asked:
        while isinstance(node, nodes.Getattr | nodes.Getitem):
            node = node.node
        if isinstance(node, nodes.Name):
            found.add(node.name)
    return frozenset(found)


def texts_in(value: Value) -> Iterable[TemplateText]:
    """Every text of a nested value that may be a template."""
    if isinstance(value, TemplateText):
        yield value
    elif isinstance(value, dict):
        for key, each in value.items():
            yield from texts_in(key)
            yield from texts_in(each)
    elif isinstance(value, list | tuple):
        for each in value:
            yield from texts_in(each)
    elif isinstance(value, Merging):
        for piece, _ in value.pieces:
            yield from texts_in(piece)
