"""Renders what one host's scope holds: text to native values, lazily, each variable once, and never in circles."""
from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from jinja2.exceptions import TemplateNotFound
from jinja2.utils import missing as NOT_FOUND

from engine.errors import EngineError, TemplateError, VaultError
from engine.model.merging import Merging
from engine.model.problem import Problem
from engine.model.source import NOWHERE, Span
from engine.model.values import OMIT, EncryptedText, TemplateText, Unknown, Value, written_at
from engine.scopes.layers import Layer
from engine.scopes.scope import Scope
from engine.search import Search
from engine.templating.compiled import FILE_OPTIONS, Compiled
from engine.templating.failures import absence, cycle, failure, nearest, placed, sealed_in
from engine.templating.jinja import JinjaTemplate, RenderContext
from engine.templating.lazy import LazyDict, LazyList, Revealed, reading
from engine.templating.missing import Missing
from engine.templating.native import finished, has_markers, joined, stored

if TYPE_CHECKING:
    from engine.templating.environment import Templates

_PLAIN = frozenset((str, int, bool, float, type(None)))


class Renderer:
    """Bound to one scope: a host at a step, perhaps with a loop's item. What it has rendered it remembers."""

    __slots__ = ("_extra", "_memo", "_stack", "scope", "search", "templates")

    def __init__(self, templates: Templates, scope: Scope, search: Search | None, extra: Mapping[str, Value] | None = None) -> None:
        self.templates = templates
        self.scope = scope
        self.search = search
        self._extra = extra
        self._memo: dict[str, Any] = {}
        self._stack: list[tuple[str, TemplateText]] = []
        """What is being rendered at this moment, outermost first: the variable's name, where it is one, and its text."""

    # -- for actions and the task runner

    def render(self, value: Value) -> Value:
        """`value` with every template in it rendered, as plain data.

        Text without markers comes back as it is, still trusted; elements that render to OMIT are dropped.

        Raises:
            TemplateError: with the place of the mistake.
        """
        kind = type(value)
        if kind is TemplateText:
            return self._finished_text(value) if has_markers(value) else value
        if kind in _PLAIN:
            return value
        if isinstance(value, LazyDict | LazyList):
            return self._finish(value)
        if isinstance(value, dict):
            return self._dict(value)
        if isinstance(value, list | tuple):
            return [each for each in (self.render(item) for item in value) if each is not OMIT]
        if isinstance(value, EncryptedText):
            return str(self._opened(value))
        if isinstance(value, Merging):
            return self.render(value.value)
        if isinstance(value, Unknown):
            value = Missing.unknown(value)
        if isinstance(value, Missing):
            raise absence(value, None, 1, self.hint_for)
        return self._finish(value) if isinstance(value, Mapping) else value

    @property
    def managed_text(self) -> str:
        return self.templates.managed_text

    def render_arguments(self, args: Mapping[str, Value]) -> dict[str, Value]:
        """A task's arguments, rendered; those that render to OMIT are left out. Names that are templates are rendered too."""
        rendered: dict[str, Value] = {}
        for name, value in args.items():
            try:
                got = self.render(value)
            except (TemplateError, VaultError) as error:
                error.prefix(f"Error while resolving value for '{name}': ", written_at(value))
                raise
            if got is not OMIT:
                key = self.render(name) if isinstance(name, TemplateText) else name
                rendered[str(key)] = got
        return rendered

    def name(self, name: str) -> Value:
        """The variable `name`, rendered. TemplateError `undefined-variable` where there is none."""
        value = self.value_of(name)
        if value is NOT_FOUND:
            raise absence(Missing(name=name), None, 1, self.hint_for)
        return self._finish(value)

    def text(self, template: TemplateText, options: Mapping[str, Value] | None = None, extra: Mapping[str, Value] | None = None) -> str:
        """A template file's text, rendered to text. `options` are the template module's; its `#jinja2:` header wins over them."""
        value = self.file(template, options, extra)
        return "" if value is None or value is OMIT else str(value)

    def condition(self, expression: Value) -> bool:
        """Whether `expression` holds: a bare expression, a bool, or a list of them that must all hold."""
        from engine.templating.expression import holds

        return holds(self, expression)

    def evaluate(self, expression: TemplateText, absent: Callable[[Missing], Value] | None = None) -> Value:
        """A bare expression's value, as plain data. TemplateError where it is undefined; `absent` may give what stands there instead."""
        with sealed_in("expression"):
            return self._finish(self.expression(expression), expression, absent)

    def shown(self, expression: TemplateText) -> tuple[Value, list[str]]:
        """As `evaluate`, for people to look at: what is undefined is said in its place and warned of; the warnings."""
        from engine.templating.shown import shown

        return shown(self, expression)

    def lookup(self, name: str, terms: list[Value], options: Mapping[str, Value] | None = None) -> list[Value]:
        """What the lookup `name` gives for rendered `terms`, as a list: `with_NAME` loops."""
        from engine.templating.lookups.calls import looked_up

        try:
            return [finished(each) for each in looked_up(self, name, terms, dict(options or {}))]
        except EngineError:
            raise
        except Exception as error:
            raise self._failure(error, TemplateText.read(""), "") from error

    # -- for the rest of this package

    def over(self, extra: Mapping[str, Value]) -> Renderer:
        """The same host with more variables on top, for a template's own ones; circles through it are still found."""
        made = Renderer(self.templates, self.scope, self.search, {**(self._extra or {}), **extra})
        made._stack = self._stack
        return made

    def under(self, mapping: Mapping[str, Value]) -> Renderer:
        """The same host with what counts where nothing else defines a name: how it is connected to."""
        layers = (*self.scope.layers, (Layer.CONNECTION, mapping))
        return Renderer(self.templates, Scope(layers, self.scope.elsewhere, merging=self.scope.merging), self.search, self._extra)

    def file(self, template: TemplateText, options: Mapping[str, Value] | None = None, extra: Mapping[str, Value] | None = None) -> Value:
        """A template file's text to its native value."""
        renderer = self.over(extra) if extra else self
        given = {name: value for name, value in (options or {}).items() if name in FILE_OPTIONS}
        compiled = self.templates.compiler.file(template, given)
        return renderer._finish(renderer._run(compiled, compiled.template.text or template, ""), template)

    def expression(self, expression: TemplateText, name: str = "") -> Value:
        """A bare expression's value, lazy and perhaps missing."""
        compiled = self.templates.compiler.expression(expression)
        return self._run(compiled, expression, name)

    def value_of(self, name: str) -> Any:
        """A variable as templates see it: lazy, perhaps `Missing`; Jinja's `missing` where nothing defines it."""
        try:
            return self._memo[name]
        except KeyError:
            pass
        value = self._found(name)
        if name == "vars" and self.templates.deprecations and not isinstance(value, dict):
            self._tell_of_vars()
        if value is NOT_FOUND:
            value = self.global_value(name)
        else:
            value = self._variable(name, value)
        self._memo[name] = value
        return value

    def global_value(self, name: str) -> Any:
        """A function such as `lookup`, or OMIT; Jinja's `missing` where there is none."""
        if name == "omit":
            return OMIT
        if name == "vars":
            return self.templates.view(self.scope)
        return self.templates.globals.get(name, NOT_FOUND)

    @property
    def here(self) -> Span | None:
        """Where the text stands that is being rendered at this moment."""
        span = self._stack[-1][1].span if self._stack else NOWHERE
        return span if span is not NOWHERE else None

    def _tell_of_vars(self) -> None:
        self.templates.warn_once(Problem(
            code="vars-deprecated", summary="The variable `vars` will go away", severity=self.templates.warning,
            detail="it holds all variables, and ansible-core 2.24 does not have it",
            words='The internal "vars" dictionary is deprecated. This feature will be removed from ansible-core version 2.24.',
            span=self.here, hint="the lookups `vars` and `varnames`",
        ))

    def absent(self, name: str, text: TemplateText | None = None) -> Missing:
        """The value of a name that nothing defines, in the file `text` or else in the text that is being rendered."""
        made = Missing(name=name)
        made.text = text if text is not None else self._stack[-1][1] if self._stack else None
        return made

    def lazily(self, value: Value, name: str = "") -> Any:
        """A raw value as templates see it."""
        kind = type(value)
        if kind in _PLAIN:
            return value
        if kind is TemplateText:
            return self._rendered(value, name) if has_markers(value) else value
        if kind is dict:
            return LazyDict(value, self)
        if kind is list:
            return LazyList(value, self)
        if kind is EncryptedText:
            return self._opened(value)
        if kind is Merging:
            return self.lazily(value.value, name)
        if kind is tuple:
            return tuple(self.lazily(each) for each in value)
        if kind is Unknown:
            return Missing.unknown(value)
        if kind is Scope:
            return self.templates.view(value)
        return value

    def raw_exists(self, name: str) -> bool:
        return self._found(name) is not NOT_FOUND

    def known_names(self) -> Iterator[str]:
        yield from self._extra or ()
        yield from self.scope.names()

    def hint_for(self, name: str) -> str:
        """What to say about a variable that is not defined: who keeps it to himself, or which name is like it."""
        return (self.scope.elsewhere(name) if self.scope.elsewhere is not None else "") or nearest(name, self.known_names())

    def embedded(self, constant: str) -> Value:
        """A string constant of a template, itself rendered: as Ansible does for arguments of lookups."""
        span = self.here
        self.templates.warn_once(Problem(
            code="embedded-template", summary="A string constant in a template holds a template", detail=constant, span=span,
            severity=self.templates.warning, hint="write the variable itself: `lookup('env', name)`, not `lookup('env', '{{ name }}')`",
        ))
        made = TemplateText.read(constant) if span is None else TemplateText.read(constant, span)
        value = self._template(made)
        if isinstance(value, Missing):
            value.explode()
        return value

    def included(self, context: RenderContext, name: Any) -> JinjaTemplate:
        """The template `name` for an include in `context`; jinja2's TemplateNotFound with the places tried."""
        if isinstance(name, JinjaTemplate):
            return name
        files = self.templates.files
        tried = list(self.search.candidates("templates", str(name))) if self.search else []
        inner = self._stack[-1][1].span.path if self._stack else ""
        folder = inner.rpartition("/")[0]
        if folder and not str(name).startswith("/"):
            tried.append(f"{folder}/{name}")
        elif not tried:
            tried.append(str(name))
        for path in dict.fromkeys(tried):
            if files.is_file(path):
                text = TemplateText.read(files.read_text(path), Span(path, 1, 1, 0))
                compiler = self.templates.compiler_for(context.environment)
                return compiler.file(text, {}).template
        raise TemplateNotFound(str(name), f"{str(name)!r} not found in: {', '.join(dict.fromkeys(tried)) or 'no search path'}")

    # -- the work

    def _found(self, name: str) -> Any:
        if self._extra is not None and name in self._extra:
            return self._extra[name]
        binding = self.scope.lookup(name)
        if binding is None:
            return NOT_FOUND
        return self._merged(name) if type(binding.value) is Merging else binding.value

    def _merged(self, name: str) -> Any:
        """A variable tagged `!merge` with its lower definitions: raw, so that what is in it is still rendered when it is used.

        A definition that is a template is rendered at once, since what it gives decides what is merged.
        """
        from engine.scopes.merge import combined, parts

        values = []
        for part in parts(self.scope, name):
            value = part.value
            if isinstance(value, TemplateText | EncryptedText):
                value = self.lazily(value, name)
                if isinstance(value, Missing):
                    return value
            values.append((value, part.span))
        try:
            return combined([(self._finish(value) if isinstance(value, LazyDict | LazyList) else value, span) for value, span in values])
        except TemplateError as error:
            return Missing.failed(error)

    def _finished_text(self, text: TemplateText) -> Value:
        with sealed_in("template"):
            return self._finish(self._template(text), text)

    def _opened(self, value: EncryptedText) -> Any:
        try:
            return Revealed.of(self.templates.decrypt(value), value)
        except VaultError as error:
            return Missing.sealed(error, value)

    def _variable(self, name: str, value: Value) -> Any:
        made = self.lazily(value, name)
        return made.through(name) if type(made) is Missing and made.error is None else made

    def _rendered(self, text: TemplateText, name: str) -> Any:
        """A variable's template: a mistake in it is kept as `Missing` until it is used."""
        try:
            return self._template(text, name)
        except TemplateError as error:
            if error.problem.code == "undefined-variable":
                absent = getattr(error, "absent", None)
                if isinstance(absent, Missing):
                    return absent
            return Missing.failed(error)
        except VaultError as error:
            return Missing.failed(error)
        except EngineError as error:
            return Missing.failed(TemplateError(*error.problems))

    def _template(self, text: TemplateText, name: str = "") -> Any:
        compiled = self.templates.compiler.text(text)
        if compiled.name and not name:
            value = self.value_of(compiled.name)
            if value is not NOT_FOUND and type(value) is not Missing:
                return value if not compiled.newlines else _ended(value, compiled.newlines)
        return self._run(compiled, text, name)

    def _run(self, compiled: Compiled, text: TemplateText, name: str) -> Any:
        stack = self._stack
        for _, running in stack:
            if running is text:
                raise self._circle(text, name)
        stack.append((name, text))
        outer, reading.strictly = reading.strictly, False
        try:
            value = stored(joined(compiled.root(RenderContext(self, compiled.template))))
        except RecursionError:
            raise self._circle(text, name) from None
        except VaultError:
            raise
        except Exception as error:
            raise self._failure(error, text, name) from error
        finally:
            stack.pop()
            reading.strictly = outer
        if type(value) is Missing and value.text is None:
            value.text = text
            if value.is_unknown:
                placed(value.error, text, 0)
        return _ended(value, compiled.newlines) if compiled.newlines else value

    def _failure(self, error: Exception, text: TemplateText, name: str) -> TemplateError:
        made = failure(error, text, self.hint_for, (name,) if name else ())
        absent = getattr(error, "absent", None)
        if isinstance(absent, Missing):
            if absent.text is None:
                absent.text = text
            made.absent = absent  # type: ignore[attr-defined]
        return made

    def _circle(self, text: TemplateText, name: str) -> TemplateError:
        running = [each for each, _ in self._stack if each]
        chain = running[running.index(name):] if name in running else running
        return cycle(text, (*chain, name) if name else tuple(chain))

    def _finish(self, value: Any, text: TemplateText | None = None, absent: Callable[[Missing], Value] | None = None) -> Value:
        if type(value) in _PLAIN:
            return value
        try:
            return finished(value, absent)
        except EngineError:
            raise
        except Exception as error:
            raise self._failure(error, text if text is not None else TemplateText.read(""), "") from error

    def _dict(self, value: Mapping[Any, Value]) -> dict[Any, Value]:
        rendered: dict[Any, Value] = {}
        for key, each in value.items():
            got = self.render(each)
            if got is not OMIT:
                rendered[key] = got
        return rendered


def _ended(value: Any, newlines: int) -> Any:
    """Text ends with as many line feeds as its template does: Jinja drops one."""
    if not isinstance(value, str):
        return value
    return value + "\n" * max(0, newlines - (len(value) - len(value.rstrip("\n"))))
