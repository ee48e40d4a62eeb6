"""What ansible-core says of a text that is no YAML, and where it says that the mistake stands.

Its parser's complaint gives way to what is most often behind one: a tab, a template, a quote or a colon in the line that it was met in.
"""

from __future__ import annotations

import re

from engine.model.source import Span

FAILED = "YAML parsing failed"
TABS = "Tabs are usually invalid in YAML."
TEMPLATE = "This may be an issue with missing quotes around a template block."
COLON = "Colons in unquoted values must be followed by a non-space character."
QUOTE = "Values starting with a quote must end with the same quote."
QUOTE_INSIDE = "Values starting with a quote must end with the same quote, and not contain that quote."
_VALUE = re.compile(r"\s*(?:-\s+)?(?:\w+:\s+(?=\S))?")
"""What stands before a line's value: its indentation, a dash, a simple key."""
_COLON = re.compile(r":(?=\s|$)")


def told(lines: list[str], span: Span, complaint: str) -> tuple[str, Span]:
    """The words and the place for a complaint of the parser at `span`, which may be behind the last line."""
    found = suspicion(lines[span.line - 1], span.column) if span.line <= len(lines) else None
    words, column = found or (sentence(complaint), span.column)
    return f"{FAILED}: {words}", Span(span.path, span.line, column)


def sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}."


def suspicion(line: str, column: int) -> tuple[str, int] | None:
    """What is probably wrong in a line, and in which column (from 1); None where nothing looks wrong."""
    if "\t" in line:
        return TABS, column
    before = _VALUE.match(line)
    start = before.end() if before else 0
    value = line[start:].rstrip()
    if value.startswith("{{"):
        return TEMPLATE, start + 1
    colon = _COLON.search(value)
    if colon:
        return COLON, start + colon.start() + 1
    if value[:1] in ("'", '"'):
        quote = value[0]
        if len(value) == 1 or value[-1] != quote:
            return QUOTE, start + 1
        if quote in value[1:-1]:
            return QUOTE_INSIDE, start + 1
    return None
