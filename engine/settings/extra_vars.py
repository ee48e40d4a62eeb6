"""`-e`: `key=value` words, JSON or YAML text, and `@file`. What is given later wins."""
from __future__ import annotations

import os
import re
from collections.abc import Sequence

from engine.errors import UsageError
from engine.files import Files
from engine.model.problem import Problem
from engine.model.source import Span
from engine.model.values import TemplateText, Value
from engine.model.variables import Variables
from engine.yaml.variables import load_variables

PLACE = "-e"
ESCAPE = re.compile(r"\\(?:U[0-9a-fA-F]{8}|u[0-9a-fA-F]{4}|x[0-9a-fA-F]{2}|N\{[^}]+\}|[\\'\"abfnrtv])")
OPENERS = {"{{": "}}", "{%": "%}", "{#": "#}"}


def load_extra_vars(options: Sequence[str], files: Files, cwd: str = "") -> Variables:
    """The variables of all `-e` options, a later one winning. Arguments and errors as of `parse_extra_vars`."""
    found = Variables()
    for number, option in enumerate(options, 1):
        found.update(parse_extra_vars(option, files, cwd, place=f"{PLACE} (option {number})" if len(options) > 1 else PLACE))
    return found


def parse_extra_vars(
    option: str, files: Files, cwd: str = "", *, place: str = PLACE, problems: list[Problem] | None = None, duplicates: str = "warn",
    lenient: bool = False,
) -> Variables:
    """The variables of one `-e` option. Values of `key=value` are text; those of JSON, YAML and files have their types.

    Args:
        cwd: What a relative `@file` counts from; empty: the process's own.
        place: What problems and values name as their file.
        problems: Warnings are appended here.
        lenient: Words that are no `key=value` are passed over, as ansible-core does.
        duplicates: What a key is that stands twice in one mapping: `warn`, `error` or `ignore`.

    Raises:
        UsageError: `extra-vars`, the option is none of the three, or its file cannot be read.
        ParseError, VaultError: the text or file cannot be read.
    """
    span = Span(place, 1, 1, max(1, len(option)))
    text = option.lstrip()
    if not text:
        return Variables()
    if text.startswith("@"):
        return of_file(text[1:], files, cwd, span, problems, duplicates)
    if text[0] in "/.":
        words = f"Please prepend extra_vars filename '{option}' with '@'"
        raise refused(span, f"`{option}` looks like a path", hint=f"write -e @{option} to read a file", words=words)
    if text[0] in "{[":
        return mapping(load_variables(option, place, kind="extra variables", problems=problems, duplicates=duplicates), span, option)
    return key_values(option, span, lenient=lenient)


def of_file(name: str, files: Files, cwd: str, span: Span, problems: list[Problem] | None, duplicates: str) -> Variables:
    path = os.path.normpath(os.path.join(cwd, os.path.expanduser(name)))
    try:
        text = files.read_text(path)
    except OSError as error:
        raise refused(span, f"the file `{name}` cannot be read: {error.strerror or error}") from error
    value = load_variables(text, path, kind="extra variables", problems=problems, duplicates=duplicates)
    return Variables() if value is None else mapping(value, Span(path, 1), f"@{name}")


def mapping(value: Value, span: Span, option: str) -> Variables:
    if not isinstance(value, Variables):
        kind = "list" if isinstance(value, list) else type(value).__name__
        words = f"Invalid extra vars data supplied. '{option}' could not be made into a dictionary"
        raise refused(span, f"it is a {kind}, not a mapping of names to values", words=words)
    return value


def key_values(text: str, span: Span, *, lenient: bool = False) -> Variables:
    found = Variables()
    for start, word in split(text, span):
        key, equals, value = word.partition("=")
        place = position(text, start, span, len(word))
        if lenient and not (equals and key):
            continue
        if not equals or not key:
            raise refused(place, f"`{word}` is no variable", hint="each word is key=value; a value with blanks stands in quotes")
        plain = unquoted(ESCAPE.sub(unescaped, value))
        at = position(text, start + len(key) + 1, span, len(value))
        found.put(key, TemplateText.read(plain, at), at)
    return found


def split(text: str, span: Span) -> list[tuple[int, str]]:
    """Words with their offsets. Blanks within quotes and within template marks part nothing."""
    found: list[tuple[int, str]] = []
    start = place = 0
    closing: list[str] = []
    while place <= len(text):
        rest = text[place:place + 2]
        if not rest or (not closing and rest[0].isspace()):
            if closing:
                words = f"failed at splitting arguments, either an unbalanced jinja2 block or quotes: {text}"
                raise refused(position(text, start, span, place - start), f"`{closing[-1]}` is missing", words=words)
            if place > start:
                found.append((start, text[start:place]))
            start = place + 1
        elif rest[0] == "\\":
            place += 1
        elif closing and text.startswith(closing[-1], place):
            place += len(closing.pop()) - 1
        elif rest in OPENERS and (not closing or closing[-1] in "\"'"):
            closing.append(OPENERS[rest])
            place += 1
        elif rest[0] in "\"'" and not closing:
            closing.append(rest[0])
        place += 1
    return found


def unescaped(match: re.Match[str]) -> str:
    try:
        return match[0].encode("ascii").decode("unicode_escape")
    except UnicodeDecodeError:
        return match[0]


def unquoted(text: str) -> str:
    return text[1:-1] if len(text) > 1 and text[0] == text[-1] and text[0] in "\"'" else text


def position(text: str, offset: int, span: Span, width: int) -> Span:
    line = text.count("\n", 0, offset)
    return Span(span.path, line + 1, offset - text.rfind("\n", 0, offset), max(1, width))


def refused(span: Span, detail: str, hint: str = "", words: str = "") -> UsageError:
    summary = "Extra variables that cannot be understood"
    return UsageError(Problem(code="extra-vars", summary=summary, detail=detail, span=span, hint=hint, words=words))
