"""Values of INI inventories and of `-e key=value`: what reads as a Python literal becomes one, all else stays text."""
from __future__ import annotations

import ast
import re

from engine.model.source import NOWHERE, Span
from engine.model.values import TemplateText, Value

INTEGER = re.compile(r"-?(?:0|[1-9][0-9]*)")
PLAIN = re.compile(r"(?![TFNbBuUrRfF]['\"]|True|False|None|set\(\))[A-Za-z_/~@%$*!?.&<>|;,=:][^'\"]*|")
CONSTANTS = {"True": True, "False": False, "None": None}


def literal(text: str, span: Span = NOWHERE) -> Value:
    """`1` → 1, `True` → True, `[1, 2]` → a list, `'x'` → the text x; `yes`, `true`, `0644` and `10.0.0.1` stay text.

    Texts are TemplateText, also those within lists and mappings.
    """
    if PLAIN.fullmatch(text):
        return TemplateText.read(text, span)
    if INTEGER.fullmatch(text):
        return int(text)
    if text in CONSTANTS:
        return CONSTANTS[text]
    if text == "set()":
        return []
    try:
        value = ast.literal_eval(text)
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        return TemplateText.read(text, span)
    return trusted(value, text, span)


def trusted(value: object, text: str, span: Span) -> Value:
    """A literal as a Value: tuples and sets are lists, texts keep their place; what JSON cannot say stays text."""
    match value:
        case str():
            return TemplateText.read(value, span)
        case bool() | int() | float() | None:
            return value
        case bytes():
            return TemplateText.read(value.decode(errors="surrogateescape"), span)
        case list() | tuple():
            return [trusted(each, str(each), span) for each in value]
        case set():
            return [trusted(each, str(each), span) for each in sorted(value, key=repr)]
        case dict():
            return {str(key): trusted(each, str(each), span) for key, each in value.items()}
        case _:
            return TemplateText.read("..." if value is ... else text, span)
