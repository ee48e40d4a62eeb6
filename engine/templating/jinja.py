"""Jinja bent to our rules: native values, names asked from a renderer, includes found by the task's search path.

Generated code asks four things of its context and environment: names (`RenderContext.resolve_or_missing`),
attributes (`JinjaEnvironment.getattr`), calls, and templates to include (`located`).
"""
from __future__ import annotations

import re
from collections.abc import ItemsView, Iterable, Iterator, KeysView, Mapping, ValuesView
from typing import TYPE_CHECKING, Any

from jinja2 import nodes
from jinja2.compiler import CodeGenerator, Frame
from jinja2.environment import Template
from jinja2.exceptions import TemplateError as JinjaError
from jinja2.exceptions import TemplateNotFound
from jinja2.lexer import TokenStream
from jinja2.nativetypes import NativeCodeGenerator
from jinja2.nodes import EvalContext
from jinja2.runtime import Context, Macro
from jinja2.sandbox import SandboxedEnvironment
from jinja2.utils import missing as NOT_FOUND
from jinja2.utils import pass_context

from engine.errors import EngineError
from engine.model.values import TemplateText
from engine.templating.failures import PluginFailed
from engine.templating.functions import LOOKUPS
from engine.templating.lazy import reading
from engine.templating.missing import Missing, MissingUsed
from engine.templating.native import joined

if TYPE_CHECKING:
    from engine.templating.renderer import Renderer

LOOKUP_NAMES = ("lookup", "query", "q")


class Generator(NativeCodeGenerator):
    """Folds nothing but literal text: a filter's value at compile time is not its value at run time."""

    def _output_child_to_const(self, node: nodes.Expr, frame: Frame, finalize: CodeGenerator._FinalizeInfo) -> Any:
        if isinstance(node, nodes.TemplateData):
            return node.data
        raise nodes.Impossible


class Names(dict[str, Any]):
    """What an included template gets as its variables: the local ones, and the renderer for all others."""

    renderer: Renderer


class RenderContext(Context):
    """Names come from the template's own `set` and loops, then from the renderer."""

    def __init__(self, renderer: Renderer, template: Template, known: Mapping[str, Any] | None = None, *, bare: bool = False) -> None:
        environment = template.environment
        self.renderer = renderer
        self.environment = environment
        self.parent = dict(known) if known else {}
        self.vars = {}
        self.exported_vars = set()
        self.name = template.name
        self.globals_keys = set()
        self.eval_ctx = environment.eval_context  # type: ignore[attr-defined]
        self.blocks = {name: [block] for name, block in template.blocks.items()} if template.blocks else {}
        self.bare = bare
        self.text: TemplateText | None = getattr(template, "text", None)

    def resolve_or_missing(self, key: str) -> Any:
        if self.vars and key in self.vars:
            return self.vars[key]
        if self.parent and key in self.parent:
            return self.parent[key]
        value = self.renderer.global_value(key) if self.bare else self.renderer.value_of(key)
        return self.renderer.absent(key, self.text) if value is NOT_FOUND else value

    def get_all(self) -> dict[str, Any]:
        names = Names(self.parent)
        names.update(self.vars)
        names.renderer = self.renderer
        return names

    def derived(self, locals: dict[str, Any] | None = None) -> RenderContext:
        known = {**self.parent, **self.vars, **{name: value for name, value in (locals or {}).items() if value is not NOT_FOUND}}
        context = RenderContext(self.renderer, self._template(), known, bare=self.bare)
        context.blocks = {name: list(blocks) for name, blocks in self.blocks.items()}
        return context

    def _template(self) -> Template:
        return _Shell(self.environment, self.name)

    def __contains__(self, name: object) -> bool:
        return self.resolve_or_missing(str(name)) is not NOT_FOUND


class _Shell(Template):
    """Stands for a template where only its environment and name are asked for."""

    def __new__(cls, environment: Any, name: str | None) -> _Shell:
        shell: _Shell = object.__new__(cls)
        shell.environment = environment
        shell.name = name
        shell.blocks = {}
        return shell


class JinjaTemplate(Template):
    text: TemplateText | None = None
    """The file's text, for templates that were included; what a mistake is shown in."""

    def new_context(self, vars: Any = None, shared: bool = False, locals: Mapping[str, Any] | None = None) -> RenderContext:
        if not isinstance(vars, Names):
            raise TypeError("a template is rendered by a Renderer")
        known = {**vars, **{name: value for name, value in (locals or {}).items() if value is not NOT_FOUND}}
        return RenderContext(vars.renderer, self, known)

    def _get_default_module(self, ctx: Any = None) -> Any:
        """`{% import %}` without context: the module sees functions such as lookup, and no variable."""
        from jinja2.environment import TemplateModule

        return TemplateModule(self, RenderContext(ctx.renderer, self, bare=True))


def escaped(tokens: Iterable[tuple[int, str, str]], double: bool) -> Iterator[tuple[int, str, str]]:
    """The tokens, with backslashes in strings as Ansible reads them.

    With `double`, every backslash in a string of `{{ }}` stands for itself, so that `regex_replace('(x)', '\\1')` needs no
    second one: so it is in the values of playbooks, but not in `{% %}`, in conditions and in template files. There, only
    backslashes that begin no escape stand for themselves.
    """
    printing = False
    for line, token, text in tokens:
        if token == "variable_begin":
            printing = True
        elif token == "variable_end":
            printing = False
        elif token == "string" and "\\" in text:
            text = text.replace("\\", "\\\\") if double and printing else _ESCAPE.sub(_kept, text)
        yield line, token, text


_ESCAPE = re.compile(r"\\(.)", re.DOTALL)


def _kept(found: re.Match[str]) -> str:
    return found[0] if found[1] in "\\'\"abfnrtv01234567xuUN\n" else "\\" + found[0]


class JinjaEnvironment(SandboxedEnvironment):
    code_generator_class = Generator
    template_class = JinjaTemplate
    concat = staticmethod(joined)
    eval_context: EvalContext
    double_backslashes = True
    """Off for template files."""

    def __init__(self, **options: Any) -> None:
        super().__init__(undefined=Missing, autoescape=False, optimized=False, cache_size=0, **options)
        self.eval_context = EvalContext(self, None)

    def _tokenize(self, source: str, name: str | None, filename: str | None = None, state: str | None = None) -> TokenStream:
        lexer = self.lexer
        tokens = escaped(lexer.tokeniter(source, name, filename, state), self.double_backslashes)
        stream = TokenStream(lexer.wrap(tokens, name, filename), name, filename)
        for extension in self.iter_extensions():
            filtered = extension.filter_stream(stream)
            stream = filtered if isinstance(filtered, TokenStream) else TokenStream(filtered, name, filename)
        return stream

    def getattr(self, obj: Any, attribute: str) -> Any:
        if type(obj) is Missing:
            return obj.within()
        if _is_view(obj):
            return self._of_view(obj, attribute)
        return super().getattr(obj, attribute)

    def getitem(self, obj: Any, argument: Any) -> Any:
        if type(obj) is Missing:
            return obj.within()
        if type(argument) is Missing:
            argument.explode()
        if _is_view(obj):
            return self._of_view(obj, argument)
        found = super().getitem(obj, argument)
        if reading.strictly and type(found) is Missing:
            found.explode()
        return found

    def call(self, context: Any, obj: Any, *args: Any, **options: Any) -> Any:
        """A call with something missing is missing too; only a macro may look at it first."""
        if type(obj) is Missing:
            return obj
        if not isinstance(obj, Macro) and obj not in LOOKUPS:
            for arg in (*args, *options.values()):
                if type(arg) is Missing:
                    return arg
        try:
            made = super().call(context, obj, *args, **options)
            return _entries(made) if isinstance(made, KeysView | ValuesView | ItemsView) else made
        except MissingUsed as error:
            return error.absent
        except (EngineError, JinjaError, PluginFailed, RecursionError):
            raise
        except Exception as error:  # told where the result is used, and not at all where it is not
            refused = PluginFailed(f"Error rendering template: {error or type(error).__name__}")
            refused.__cause__ = error
            return Missing.failed(refused.kept())

    def _of_view(self, view: Mapping[Any, Any], key: Any) -> Any:
        """An entry of a mapping that computes its values (`hostvars`, `vars`); none of its own attributes but how to read it."""
        try:
            if key in ("keys", "values", "items", "get") and key not in view:
                return getattr(view, key)
            return view[key]
        except (KeyError, TypeError):
            return self.undefined(obj=view, name=key)

    def is_safe_attribute(self, obj: Any, attr: str, value: Any) -> bool:
        return super().is_safe_attribute(obj, attr, value) and not isinstance(obj, Context | Template)

    @pass_context
    def located(self, context: Any, name: Any) -> Any:
        """The template that an include, import or extends names: found as the task finds files in `templates`."""
        if isinstance(name, list | tuple):
            for each in name:
                try:
                    return self.located(context, each)
                except TemplateNotFound:
                    continue
            raise TemplateNotFound(str(name))
        return context.renderer.included(context, name)

    @pass_context
    def embedded(self, context: Any, constant: str) -> Any:
        """A string constant with a template in it, where Ansible renders such ones."""
        return context.renderer.embedded(constant)


def _entries(view: KeysView[Any] | ValuesView[Any] | ItemsView[Any, Any]) -> Any:
    """The entries as a list; where a value is missing, that one."""
    made = list(view)
    if not isinstance(view, KeysView):
        for each in made:
            value = each[1] if isinstance(view, ItemsView) else each
            if type(value) is Missing:
                return value
    return made


def _is_view(value: Any) -> bool:
    return not isinstance(value, dict | str | list) and isinstance(value, Mapping)


def rewritten(tree: nodes.Template, *, constants: bool) -> nodes.Template:
    """The tree with our hooks in it. `constants`: every string constant may hold a template, not only those given to lookups."""
    for kind in (nodes.Include, nodes.Import, nodes.FromImport, nodes.Extends):
        for node in tree.find_all(kind):
            node.template = _hook("located", node.template)  # type: ignore[attr-defined]
    if constants:
        _embed(tree)
    else:
        for call in tree.find_all(nodes.Call):
            if isinstance(call.node, nodes.Name) and call.node.name in LOOKUP_NAMES:
                call.args[1:] = [_embedded(each) for each in call.args[1:]]  # the lookup's name is no template
                call.kwargs[:] = [_embedded(each) for each in call.kwargs]
    return tree


def _hook(name: str, argument: nodes.Expr) -> nodes.Call:
    lineno = argument.lineno
    hook = nodes.EnvironmentAttribute(name, lineno=lineno)
    made = nodes.Call(hook, [argument], [], None, None, lineno=lineno)
    assert argument.environment is not None
    made.set_environment(argument.environment)
    return made


def _embed(node: nodes.Node) -> None:
    for field, value in list(node.iter_fields()):
        if isinstance(value, list):
            value[:] = [_embedded(each) for each in value]
        elif isinstance(value, nodes.Node):
            setattr(node, field, _embedded(value))


def _embedded(node: Any) -> Any:
    if isinstance(node, nodes.Const) and isinstance(node.value, str) and ("{{" in node.value or "{%" in node.value):
        return _hook("embedded", node)
    if isinstance(node, nodes.Node):
        _embed(node)
    return node
