"""Shell-like words of one line, each with its place: quotes, backslashes, and `#` comments as Ansible's inventories have them."""
from __future__ import annotations

from engine.inventory.fragment import refused
from engine.model.frozen import frozen
from engine.model.source import Span


@frozen
class Word:
    text: str
    """Without its quotes."""
    span: Span


def words(line: str, span: Span, *, comments: bool = True) -> list[Word]:
    """The words of a line. A `#` outside quotes ends it, even inside a word. ParseError for a quote that never closes.

    Args:
        span: Of the line; columns are counted in `line`.
    """
    if not any(mark in line for mark in "\"'\\#"):
        return plain_words(line, span)
    found: list[Word] = []
    place, end = 0, len(line)
    while place < end:
        if line[place].isspace():
            place += 1
        elif comments and line[place] == "#":
            break
        else:
            start = place
            text, place, stop = word_at(line, place, span, comments)
            found.append(Word(text, Span(span.path, span.line, start + 1, max(1, place - start))))
            if stop:
                break
    return found


def plain_words(line: str, span: Span) -> list[Word]:
    found = []
    place = 0
    for text in line.split():
        place = line.index(text, place)
        found.append(Word(text, Span(span.path, span.line, place + 1, len(text))))
        place += len(text)
    return found


def word_at(line: str, place: int, span: Span, comments: bool) -> tuple[str, int, bool]:
    """The word at `place`, the place after it, and whether a comment follows at once."""
    parts: list[str] = []
    end = len(line)
    while place < end and not line[place].isspace():
        mark = line[place]
        if mark == "#" and comments:
            return "".join(parts), place, True
        if mark == "\\":
            if place + 1 == end:
                raise refused(Span(span.path, span.line, place + 1), "the line ends with a backslash")
            parts.append(line[place + 1])
            place += 2
        elif mark in "\"'":
            text, place = quoted_at(line, place, span)
            parts.append(text)
        else:
            parts.append(mark)
            place += 1
    return "".join(parts), place, False


def quoted_at(line: str, place: int, span: Span) -> tuple[str, int]:
    """The text between the quotes at `place`; a backslash counts only in double quotes, before a quote or a backslash."""
    quote = line[place]
    parts: list[str] = []
    at = place + 1
    while at < len(line):
        mark = line[at]
        if mark == quote:
            return "".join(parts), at + 1
        if mark == "\\" and quote == '"' and line[at + 1:at + 2] in ('"', "\\"):
            mark = line[at + 1]
            at += 1
        parts.append(mark)
        at += 1
    raise refused(Span(span.path, span.line, place + 1), "this quote is never closed")
