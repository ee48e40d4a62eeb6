"""A text whose mistakes are told in their places, for what is only shown: `T << error 1 - 'x' is undefined >>`."""

from __future__ import annotations

from jinja2 import Environment

from engine.errors import EngineError
from engine.model.values import TemplateText
from engine.templating.renderer import Renderer


def marked(text: TemplateText, renderer: Renderer) -> str:
    """The rendered text; each part that is wrong is told in its place, as ansible-core does: `<< error 1 - 'x' is undefined >>`."""
    try:
        return str(renderer.render(text))
    except EngineError as error:
        if error.problem.message.startswith("Syntax error"):
            return mark(1, error.problem.message)
        first = error.problem.message
    told, wrong, expression = "", 0, ""
    for _, kind, value in Environment().lex(text):
        if kind == "data":
            told += value
        elif kind == "block_begin":
            return f"{told}{mark(wrong + 1, first)}{mark(wrong + 2, 'template potentially truncated')}"
        elif kind.startswith("variable_") or expression:
            expression += value
        if kind == "variable_end":
            try:
                told += str(renderer.render(TemplateText.read(expression, text.span)))
            except EngineError as error:
                wrong += 1
                told += mark(wrong, error.problem.message)
            expression = ""
    return told


def mark(number: int, said: str) -> str:
    return f"<< error {number} - {said} >>"
