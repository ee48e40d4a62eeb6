"""Texts compiled once: templates, bare expressions and template files, by their text."""
from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from jinja2 import nodes
from jinja2.exceptions import TemplateSyntaxError
from jinja2.nodes import EvalContext
from jinja2.parser import Parser

from engine.errors import TemplateError
from engine.model.problem import Problem
from engine.model.values import TemplateText, Value
from engine.templating.failures import place_of, syntax_failure
from engine.templating.jinja import JinjaEnvironment, JinjaTemplate, rewritten

LIMIT = 20_000
"""How many compiled texts are kept; beyond it the cache starts anew."""

_BARE_NAME = re.compile(r"\{\{-?\s*([A-Za-z_][A-Za-z0-9_]*)\s*-?\}\}\Z", re.ASCII)
_NO_NAMES = frozenset(("true", "false", "none", "True", "False", "None", "not", "and", "or", "in", "is", "if", "else", "import", "self",
                       "loop", "super", "caller", "varargs", "kwargs"))

FILE_OPTIONS = {
    "block_start_string": "{%", "block_end_string": "%}", "variable_start_string": "{{", "variable_end_string": "}}",
    "comment_start_string": "{#", "comment_end_string": "#}", "line_statement_prefix": None, "line_comment_prefix": None,
    "trim_blocks": True, "lstrip_blocks": False, "newline_sequence": "\n",
}
"""What the template module and a `#jinja2:` header may set, and Ansible's defaults."""


class Compiled:
    """A text ready to render."""

    __slots__ = ("name", "newlines", "root", "template")

    def __init__(self, template: JinjaTemplate, newlines: int, name: str = "") -> None:
        self.template = template
        self.root = template.root_render_func
        self.newlines = newlines
        """Line feeds at the end of the text; the result, if it is text, keeps them."""
        self.name = name
        """Set where the text is `{{ name }}` and nothing else."""


class Compiler:
    def __init__(self, environment: JinjaEnvironment) -> None:
        self.environment = environment
        self._texts: dict[str, Compiled] = {}
        self._expressions: dict[str, Compiled] = {}
        self._files: dict[tuple[Any, ...], Compiled] = {}
        self._overlays: dict[tuple[Any, ...], JinjaEnvironment] = {}

    def text(self, text: TemplateText) -> Compiled:
        """A value with template markers."""
        found = self._texts.get(text)
        if found is None:
            found = self._make_text(text)
            _remember(self._texts, str(text), found)
        return found

    def expression(self, text: TemplateText) -> Compiled:
        """A bare expression, as `when` has it."""
        found = self._expressions.get(text)
        if found is None:
            found = self._make_expression(text)
            _remember(self._expressions, str(text), found)
        return found

    def file(self, text: TemplateText, options: Mapping[str, Value]) -> Compiled:
        """A template file's text, its `#jinja2:` header obeyed."""
        key = (str(text), text.span.path, tuple(sorted(options.items())))
        found = self._files.get(key)
        if found is None:
            found = self._make_file(text, options)
            _remember(self._files, key, found)
        return found

    def _make_text(self, text: TemplateText) -> Compiled:
        source = str(text)
        bare = _BARE_NAME.match(source)
        name = bare[1] if bare and bare[1] not in _NO_NAMES else ""
        return Compiled(self._compiled(self.environment, text, source), _newlines(source), name)

    def _make_file(self, text: TemplateText, options: Mapping[str, Value]) -> Compiled:
        header, body = split_header(text)
        wanted = {**options, **header}
        source = str(body)
        template = self._compiled(self._overlay(wanted), body, source)
        template.text = body
        return Compiled(template, _newlines(source))

    def _make_expression(self, text: TemplateText) -> Compiled:
        environment = self.environment
        source = str(text)
        try:
            parser = Parser(environment, source, state="variable")
            expression = parser.parse_expression()
            if not parser.stream.eos:
                raise TemplateSyntaxError("chunk after expression", parser.stream.current.lineno)
            tree = nodes.Template([nodes.Output([expression], lineno=1)], lineno=1)
            tree.set_environment(environment)
            template = _assembled(environment, rewritten(tree, constants=True))
        except TemplateSyntaxError as error:
            prefix = "Syntax error in expression"
            if "{{" in source or "{%" in source:
                prefix += ". Template delimiters are not supported in expressions"
            raise syntax_failure(error, text, prefix=prefix) from None
        return Compiled(template, 0, source.strip() if source.strip().isidentifier() else "")

    def _compiled(self, environment: JinjaEnvironment, text: TemplateText, source: str) -> JinjaTemplate:
        try:
            return _assembled(environment, rewritten(environment._parse(source, None, None), constants=False))
        except TemplateSyntaxError as error:
            raise syntax_failure(error, text) from None
        except RecursionError:
            detail = "it is nested too deeply"
            problem = Problem(code="template-syntax", summary="A template is not valid Jinja", detail=detail, span=text.span)
            raise TemplateError(problem) from None

    def _overlay(self, options: Mapping[str, Value]) -> JinjaEnvironment:
        wanted = {name: value for name, value in options.items() if name in FILE_OPTIONS}
        key = tuple(sorted(wanted.items()))
        found = self._overlays.get(key)
        if found is None:
            made = self.environment.overlay(**wanted)
            assert isinstance(made, JinjaEnvironment)
            made.double_backslashes = False
            made.eval_context = EvalContext(made, None)
            found = self._overlays[key] = made
        return found


def split_header(text: TemplateText) -> tuple[dict[str, Value], TemplateText]:
    """The options of a `#jinja2: name: value, …` first line, and the text below it (with its own place)."""
    source = str(text)
    if not source.startswith("#jinja2:"):
        return {}, text
    first, _, rest = source.partition("\n")
    options: dict[str, Value] = {}
    for pair in first[len("#jinja2:"):].split(","):
        name, colon, value = pair.partition(":")
        name = name.strip()
        if not colon or name not in FILE_OPTIONS:
            raise TemplateError(_bad_header(text, pair.strip()))
        options[name] = _literal(value.strip(), text, pair.strip())
    span = text.span
    return options, TemplateText.read(rest, type(span)(span.path, span.line + 1, 1, 1))


def _literal(value: str, text: TemplateText, pair: str) -> Value:
    import ast

    try:
        return ast.literal_eval(value)
    except (ValueError, SyntaxError):
        raise TemplateError(_bad_header(text, pair)) from None


def _bad_header(text: TemplateText, pair: str) -> Problem:
    return Problem(
        code="template-header", summary="The `#jinja2:` line of a template is wrong", detail=f"`{pair}` is no `option: value`",
        span=place_of(text), hint=f"options: {', '.join(FILE_OPTIONS)}",
    )


def _assembled(environment: JinjaEnvironment, tree: nodes.Template) -> JinjaTemplate:
    code = environment.compile(tree)
    template = environment.template_class.from_code(environment, code, environment.globals)
    assert isinstance(template, JinjaTemplate)
    return template


def _newlines(source: str) -> int:
    return len(source) - len(source.rstrip("\n"))


def _remember(cache: dict[Any, Compiled], key: Any, compiled: Compiled) -> None:
    if len(cache) >= LIMIT:
        cache.clear()
    cache[key] = compiled
