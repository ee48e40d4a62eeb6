"""Which variables, filters, tests and lookups a text names, without rendering it: for plans and checks before a run."""
from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Any

from jinja2.exceptions import TemplateSyntaxError
from jinja2.parser import Parser

from engine.errors import TemplateError
from engine.model.frozen import frozen
from engine.model.merging import Merging
from engine.model.problem import Problem
from engine.model.source import NOWHERE, Span
from engine.model.values import TemplateText, Value
from engine.templating.environment import Templates, short
from engine.templating.failures import nearest, place_of, syntax_failure
from engine.templating.jinja import JinjaEnvironment
from engine.templating.lookups.table import BLOCKING
from engine.templating.native import has_markers
from engine.templating.reads import Read, Reads, read_by

__all__ = [
    "Named", "Read", "Reads", "named_in", "named_in_value", "names_in", "place_of_read", "reads_in", "texts_in", "unknown_name",
    "unknown_names",
]


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
EXTENSIONS = ("jinja2.ext.do", "jinja2.ext.loopcontrols", "jinja2.ext.i18n", "jinja2.ext.debug")
"""Whose tags are read here, so that what stands in them is known."""


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
    reads_in(text, expression=expression)
    return _named(str(text), expression)


def reads_in(text: TemplateText, *, expression: bool = False) -> Reads:
    """Every variable, filter, test and lookup that a text reads, each with its line and whether it is surely needed.

    Raises:
        TemplateError: `template-syntax`, at its place.
    """
    if not expression and not has_markers(text):
        return Reads()
    try:
        return _reads(str(text), expression)
    except TemplateSyntaxError as error:
        raise syntax_failure(error, text, prefix="Syntax error in expression" if expression else "Syntax error in template") from None


def place_of_read(text: TemplateText, read: Read) -> Span | None:
    """File, line and column of a name in its text; the text's own place where that cannot be told."""
    before = BEFORE.get(read.kind)
    span, here = text.span, str(text).split("\n")
    if before and span is not NOWHERE and read.line <= len(here):
        found = re.search(before + rf"({re.escape(read.name)})(?!\w)", here[read.line - 1])
        if found:
            return Span(span.path, span.line + read.line - 1, span.column + found.start(1), len(read.name))
    return place_of(text, read.line, read.name)


BEFORE = {"filter": r"\|\s*", "test": r"\bis\s+(?:not\s+)?", "lookup": r"[\"']"}
"""What stands before such a name, to tell it from others of the same letters in its line."""


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
        found = reads_in(text, expression=expression)
    except TemplateError as error:
        return list(error.problems)
    unknown = {(read.kind, read.name): read for read in reversed(found.all) if is_unknown(templates, read)}
    return [unknown_name(templates, text, unknown[key]) for key in sorted(unknown)]


def is_unknown(templates: Templates, read: Read) -> bool:
    """Whether it is a filter, test or lookup that does not exist here."""
    if read.kind == "filter":
        return not templates.has_filter(read.name)
    if read.kind == "test":
        return not templates.has_test(read.name)
    return read.kind == "lookup" and bool(read.name) and not templates.has_lookup(read.name)


def unknown_name(templates: Templates, text: TemplateText, read: Read) -> Problem:
    """The problem of such a name, at its place, with the nearest that exists."""
    known = {"filter": templates.filter_names, "test": templates.test_names}.get(read.kind) or templates.lookup_names
    return Problem(
        code=f"unknown-{read.kind}", summary=f"A template uses a {read.kind} that does not exist",
        detail=f"there is no {read.kind} `{read.name}`", span=place_of_read(text, read), hint=nearest(read.name, known),
    )


@lru_cache(maxsize=8192)
def _reads(source: str, expression: bool) -> Reads:
    environment = _parser()
    if not expression:
        return read_by(environment.parse(source))
    parser = Parser(environment, source, state="variable")
    tree = parser.parse_expression()
    if not parser.stream.eos:
        raise TemplateSyntaxError("chunk after expression", parser.stream.current.lineno)
    return read_by(tree)


@lru_cache(maxsize=8192)
def _named(source: str, expression: bool) -> Named:
    by_kind: dict[str, set[str]] = {"variable": set(), "filter": set(), "test": set(), "lookup": set()}
    found = _reads(source, expression).all
    for read in found:
        by_kind[read.kind].add(read.name)
    guarded = frozenset(read.name for read in found if read.kind == "variable" and read.optional)
    computed = "" in by_kind["lookup"]
    return Named(
        frozenset(by_kind["variable"]), frozenset(by_kind["filter"]), frozenset(by_kind["test"]),
        frozenset(by_kind["lookup"] - {""}), guarded, computed,
    )


@lru_cache(maxsize=1)
def _parser() -> JinjaEnvironment:
    environment = JinjaEnvironment(trim_blocks=True, extensions=EXTENSIONS)  # whether they are there is told when it is rendered
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
