"""Where ansible-core says that something stands, and the lines that it shows of it."""

from __future__ import annotations

import re
from collections.abc import Callable

from engine.cli.view.problem import hides_secret, source_lines
from engine.model.source import Span

CONTEXT = 2
"""Lines that are shown above the one that is meant."""
WIDTH = 120
"""Characters that are shown of a line, its number and the dots included."""
TRUNCATED = "(source not shown: file truncated)"
BLOCK = re.compile(r"(?:!\S+[ \t]+)?[|>][-+0-9]*\s*(?:#.*)?$")
"""How the line ends that a block scalar belongs to."""


def at_start(span: Span | None, read: Callable[[str], str]) -> Span | None:
    """The place of a text as ansible-core has it: of its opening quote or its block's sign, where ours is that of its first character."""
    if span is None or span.line <= 0 or not span.column:
        return span
    if not span.width:
        return Span(span.path, 0)
    if span.lead:
        return Span(span.path, span.line, span.column - span.lead)
    lines = source_lines(span, read)
    if lines is None:
        return span
    before = lines[span.line - 1][: span.column - 1]
    if not before.strip():
        for number in range(span.line - 1, 0, -1):
            above = lines[number - 1]
            if above.strip():
                sign = BLOCK.search(above)
                indent = len(above) - len(above.lstrip())
                return Span(span.path, number, sign.start() + 1) if sign and indent < len(before) else span
    return span


def excerpt(span: Span, read: Callable[[str], str]) -> list[str]:
    """An empty line, then the line with those above it and a mark under the column; [] where the source cannot be shown."""
    if span.line <= 0:
        return []
    lines = source_lines(span, read)
    if lines is None:
        return ["", TRUNCATED] if is_past_end(span, read) else []
    if hides_secret(lines, span.line):
        return []
    width = len(str(span.line))
    room = WIDTH - width - 1
    numbers = range(max(1, span.line - CONTEXT), span.line + 1)
    shown = [f"{at:>{width}} {text}" if (text := shortened(lines[at - 1], room)) else f"{at:>{width}}" for at in numbers]
    mark = f"^ column {span.column}" if span.column else "^"
    return ["", *shown, " " * (width + max(1, span.column)) + mark]


def is_past_end(span: Span, read: Callable[[str], str]) -> bool:
    try:
        return span.line > len(read(span.path).splitlines())
    except Exception:  # a message about one mistake must not die of another
        return False


def shortened(line: str, width: int) -> str:
    line = line.replace("\t", " ")
    return line if len(line) <= width else f"{line[: width - 3]}..."
