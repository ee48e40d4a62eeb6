"""Arguments written as one text: `src=a dest="b c"`, `echo "{{ x }}" creates=/done`.

Words end at spaces and newlines, outside quotes and outside `{{ }}`, `{% %}` and `{# #}`. A word with `=` is an option;
for modules that run a command only a few are, and all the rest stays the command, character for character.
"""
from __future__ import annotations

import re

from engine.model.frozen import frozen
from engine.model.values import TemplateText

COMMANDS = frozenset(
    ("command", "shell", "script", "raw", "win_command", "win_shell", "ansible.windows.win_command", "ansible.windows.win_shell")
)
"""Modules whose text is a command line."""
COMMAND_OPTIONS = frozenset(("chdir", "creates", "executable", "removes", "stdin", "stdin_add_newline", "strip_empty_ends", "warn"))
TAKE_TEXT = COMMANDS | {"include_vars", "include_tasks", "import_tasks", "import_playbook", "meta", "set_fact"}
"""Modules that take text which is no option: it is their `_raw_params`."""

_OPENERS = {"{{": "}}", "{%": "%}", "{#": "#}"}
_ESCAPE = re.compile(r"\\(?:U[0-9a-fA-F]{8}|u[0-9a-fA-F]{4}|x[0-9a-fA-F]{2}|N\{[^}]+\}|[\\'\"abfnrtv])")


class Unbalanced(ValueError):
    """A quote or a template block is opened and never closed; `args[0]` is where in the text."""


@frozen
class Word:
    start: int
    end: int


def words_of(text: str) -> list[Word]:
    """The words of `text` as ranges of it. Raises Unbalanced."""
    found: list[Word] = []
    start: int | None = None
    position = 0
    while position < len(text):
        char = text[position]
        if char in " \n":
            if start is not None:
                found.append(Word(start, position))
                start = None
            position += 1
            continue
        start = position if start is None else start
        if text[position : position + 2] in _OPENERS:
            position = _behind_block(text, position)
        elif char in "\"'" and not _escaped(text, position):
            position = _behind_quote(text, position)
        else:
            position += 1
    if start is not None:
        found.append(Word(start, len(text)))
    return found


def parse_free_form(text: TemplateText, *, command: bool) -> dict[str, TemplateText]:
    """The arguments in `text`; what is no option is under `_raw_params`.

    Args:
        command: Only `COMMAND_OPTIONS` are options.

    Raises:
        Unbalanced: a quote or template block is not closed.
    """
    options: dict[str, TemplateText] = {}
    raw: list[Word] = []
    words = words_of(text)
    for word in words:
        if text[word.start : word.end] == "\\":  # a line's end that goes on
            continue
        equals = _equals(text, word)
        key = text[word.start : equals].strip() if equals is not None else ""
        if equals is None or (command and key not in COMMAND_OPTIONS):
            raw.append(word)
        else:
            name = text.part(word.start, equals) if "{{" in key else _decoded(key)  # a name may be a template: set_fact "{{ x }}=1"
            options[name] = _option_value(text, equals + 1, word.end)
    if command and len(raw) == len(words):
        return {"_raw_params": text} if text else {}
    if raw:
        options["_raw_params"] = _without_options(text, words, raw)
    return options


def _option_value(text: TemplateText, start: int, end: int) -> TemplateText:
    """An option's value: escapes decoded, quotes around it taken off."""
    value = text[start:end]
    if "\\" not in value:
        if _quoted(value):
            start, end = start + 1, end - 1
        return text.part(start, end)
    decoded = _decoded(value)
    span = text.part(start, end).span
    return TemplateText.read(decoded[1:-1] if _quoted(decoded) else decoded, span)


def _without_options(text: TemplateText, words: list[Word], raw: list[Word]) -> TemplateText:
    """The text without its option words and the white space behind each."""
    kept: list[tuple[int, int]] = []
    position = 0
    for word in words:
        if word in raw:
            continue
        kept.append((position, word.start))
        position = word.end
        while position < len(text) and text[position] in " \n":
            position += 1
    kept.append((position, len(text)))
    kept = [piece for piece in kept if piece[0] < piece[1]]
    if kept and position == len(text) and words[-1] not in raw:  # nothing is left behind the last option: nor the space before it
        kept[-1] = (kept[-1][0], kept[-1][1] - 1)
    if len(kept) == 1:
        return text.part(*kept[0])
    return TemplateText.read("".join(text[start:end] for start, end in kept), text.span)


def _equals(text: str, word: Word) -> int | None:
    """Where the `=` of an option stands: not first, not behind a backslash, not in a template that begins the word."""
    start = word.start
    if text[start : start + 2] in _OPENERS:
        start = _behind_block(text, start)
    position = text.find("=", max(start, word.start + 1), word.end)
    while position > 0 and text[position - 1] == "\\":
        position = text.find("=", position + 1, word.end)
    return position if position >= 0 else None


def _quoted(value: str) -> bool:
    return len(value) > 1 and value[0] in "\"'" and value[-1] == value[0] and value[-2] != "\\"


def _decoded(value: str) -> str:
    return _ESCAPE.sub(lambda match: match.group().encode("latin-1").decode("unicode_escape"), value)


def _escaped(text: str, position: int) -> bool:
    return position > 0 and text[position - 1] == "\\"


def _behind_block(text: str, position: int) -> int:
    """The position behind the template block that opens here; blocks of the same kind may nest as dictionaries do."""
    opener = text[position : position + 2]
    closer = _OPENERS[opener]
    end = position + 2
    quote = ""
    while end < len(text):
        char = text[end]
        if quote:
            if char == "\\":
                end += 1
            elif char == quote:
                quote = ""
        elif opener != "{#" and char in "\"'":
            quote = char
        elif text.startswith(closer, end):
            if opener == "{{" and text.startswith("}}}", end):  # `{{ {"a": 1}}}`: the dictionary closes first
                end += 1
                continue
            return end + 2
        end += 1
    raise Unbalanced(position)


def _behind_quote(text: str, position: int) -> int:
    """The position behind the quoted part that opens here; template blocks inside have quotes of their own."""
    quote = text[position]
    end = position + 1
    while end < len(text):
        if text[end] == "\\":
            end += 2
        elif text[end : end + 2] in ("{{", "{%"):
            try:
                end = _behind_block(text, end)
            except Unbalanced:  # braces that are no template, as in awk '{{print}'
                end += 2
        elif text[end] == quote:
            return end + 1
        else:
            end += 1
    raise Unbalanced(position)
