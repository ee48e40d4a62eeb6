"""An expression's value for people to look at (`debug`): what is undefined in it is said in its place and warned of, and fails nothing."""
from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

from engine.errors import TemplateError
from engine.model.problem import Problem
from engine.model.source import NOWHERE, Span
from engine.model.values import TemplateText, Value
from engine.templating.missing import Missing

if TYPE_CHECKING:
    from engine.templating.renderer import Renderer


class Replaced:
    """Numbers what is not there, and remembers it."""

    def __init__(self) -> None:
        self.found: list[tuple[Span | None, str]] = []

    def __call__(self, absent: Missing) -> str:
        return self.told(absent.message, absent.text)

    def told(self, message: str, text: TemplateText | None) -> str:
        self.found.append((text.span if text is not None and text.span is not NOWHERE else None, message))
        return f"<< error {len(self.found)} - {message} >>"


def shown(renderer: Renderer, expression: TemplateText) -> tuple[Value, list[str]]:
    """The value, as plain data, and what was warned of: each template once, with all that it lacks.

    Raises:
        TemplateError, VaultError: anything is wrong but that a name or an attribute is not there.
    """
    replaced = Replaced()
    try:
        value = renderer.evaluate(expression, replaced)
    except TemplateError as error:
        if error.problem.code != "undefined-variable":
            raise
        replaced.found.clear()
        absent = getattr(error, "absent", None)
        value = replaced.told(error.problem.message, absent.text if isinstance(absent, Missing) else expression)
    warnings = []
    for span, group in groupby(enumerate(replaced.found, 1), lambda each: each[1][0]):
        lines = [f"error {number} - {message}" for number, (_, message) in group]
        words = "\n".join((f"Encountered {len(lines)} template error{'s' if len(lines) > 1 else ''}.", *lines))
        renderer.templates.warn_once(Problem(
            code="shown-undefined", summary="Something that is shown is not defined", detail="; ".join(lines), words=words, span=span,
            severity=renderer.templates.warning,
        ))
        warnings.append(words)
    return value, warnings
