"""Conditions: `when`, `until`, `changed_when`, `failed_when` and `that`, as ansible-core 2.21 reads them.

A condition is a bare expression that must give a boolean. `compat="engine"` lets other values count as Python
counts them, with a warning at the condition; `compat="ansible"` refuses them, as ansible-core 2.19 and later.
"""
from __future__ import annotations

from typing import TYPE_CHECKING, Any

from engine.errors import TemplateError
from engine.model.problem import Problem, Severity
from engine.model.source import NOWHERE, Span
from engine.model.values import OMIT, TemplateText, Value, written_at
from engine.templating.failures import absence, sealed_in
from engine.templating.missing import Missing

if TYPE_CHECKING:
    from engine.templating.renderer import Renderer


DELIMITERS = (
    "Conditionals should not be surrounded by templating delimiters such as {{ }} or {% %}. "
    "This feature will be removed from ansible-core version 2.23."
)


def holds(renderer: Renderer, expression: Value) -> bool:
    """Whether `expression` holds; a list holds if all of it does, and the rest is not looked at after the first that does not.

    Raises:
        TemplateError: `untrusted-expression`, `condition-not-boolean`, or what is wrong in the expression.
    """
    if isinstance(expression, bool):
        return expression
    if expression is None:
        return True
    if isinstance(expression, list | tuple):
        return all(holds(renderer, each) for each in expression)
    if isinstance(expression, TemplateText):
        return _text_holds(renderer, expression)
    if isinstance(expression, str):
        raise TemplateError(_untrusted(expression, None))
    return _truth(renderer, expression, None, "Conditional expressions must be strings.")


def _text_holds(renderer: Renderer, expression: TemplateText) -> bool:
    text = expression.strip()
    if not text:
        return _truth(renderer, True, expression, "Empty conditional expressions are not allowed.")
    if _is_template(text):
        return _template_holds(renderer, expression)
    return _truth(renderer, _value(renderer, expression), expression)


def _is_template(text: str) -> bool:
    """A template all through, `{{ x == 1 }}`, not an expression with a template somewhere in it."""
    if text.startswith("{%"):
        return text.endswith("%}")
    return text.startswith("{{") and text.endswith("}}") and "{{" not in text[2:]


def _template_holds(renderer: Renderer, expression: TemplateText) -> bool:
    renderer.templates.warn_once(Problem(
        code="condition-is-template", summary="A condition is written as a template", severity=Severity.WARNING, span=expression.span,
        detail="conditions are expressions already", hint="leave out the {{ }}", words=DELIMITERS,
    ))
    try:
        value = renderer.render(expression)
    except TemplateError as error:
        error.prefix("Error while evaluating conditional: ", written_at(expression))
        raise
    if isinstance(value, TemplateText):  # it names an expression that someone wrote
        return _truth(renderer, _value(renderer, value), expression)
    if isinstance(value, str):
        if value in ("True", "False") and not renderer.templates.strict_conditions:
            return value == "True"
        raise TemplateError(_untrusted(value, expression.span))
    return _truth(renderer, value, expression)


def _value(renderer: Renderer, expression: TemplateText) -> Any:
    try:
        with sealed_in("expression"):
            value = renderer.expression(expression)
            if isinstance(value, Missing) and value.envelope is not None:
                value.explode()
        if isinstance(value, Missing):
            raise absence(value, expression, 1, renderer.hint_for)
    except TemplateError as error:
        if error.problem.code == "undefined-variable":
            error.prefix("Error while evaluating conditional: ", written_at(expression))
        raise
    if value is OMIT:
        raise TemplateError(Problem(
            code="condition-not-boolean", summary="A condition is not a boolean", span=expression.span,
            detail="A template was resolved to an Omit scalar.",
        ))
    return value


def _truth(renderer: Renderer, value: Any, expression: TemplateText | None, words: str = "") -> bool:
    if isinstance(value, bool) and not words:
        return value
    span = expression.span if expression is not None and expression.span is not NOWHERE else None
    result = bool(value)
    detail = words or (
        f"Conditional result ({result}) was derived from value of type '{_type(value)}' at '{_place(renderer, expression)}'. "
        "Conditionals must have a boolean result."
    )
    strict = renderer.templates.strict_conditions
    problem = Problem(
        code="condition-not-boolean", summary="A condition is not a boolean", detail=detail, span=span,
        severity=Severity.ERROR if strict else Severity.WARNING, hint=_hint(expression, value),
    )
    if strict:
        raise TemplateError(problem)
    renderer.templates.warn_once(problem)
    return result


def _place(renderer: Renderer, expression: TemplateText | None) -> str:
    """Where the value was written: of a variable's own name the variable's, else the expression's."""
    text = expression.strip() if expression is not None else ""
    binding = renderer.scope.lookup(text) if text.isidentifier() else None
    span = (written_at(binding.value) or binding.span) if binding is not None else written_at(expression)
    return f"{span.path}:{span.line}:{span.column - span.lead}" if span is not None else "<unknown>"


def _hint(expression: TemplateText | None, value: Any) -> str:
    if expression is None or len(expression) > 60 or not expression.strip():
        return "write a comparison or a test"
    if isinstance(value, str | list | dict):
        return f"write `{expression} | length > 0`, or `{expression} | bool` where it holds text such as yes or no"
    return f"write `{expression} | bool`" if not isinstance(value, int | float) else f"write `{expression} != 0`"


def _type(value: Any) -> str:
    for kind in (dict, list, str):
        if isinstance(value, kind):
            return kind.__name__
    return type(value).__name__


def _untrusted(text: str, span: Span | None) -> Problem:
    return Problem(
        code="untrusted-expression", summary="Text that no one wrote as an expression is not evaluated",
        detail="Encountered untrusted template or expression.", span=span,
        notes=("it comes from a module's result, a fact, a lookup, or was put together by a template",),
        hint="compare it: `x == 'expected'`; or write the condition in the playbook",
    )
