"""A first look at all texts at once, by regular expressions: which of them are worth parsing?

A text that names nothing but what is known needs no closer look. What the expressions cannot tell counts as unknown;
so nothing is missed, and a playbook without mistakes is through in a few milliseconds, before Jinja is even loaded.
"""
from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence

from engine.lint.uses import Use
from engine.templating.known import FILTERS, LOOKUPS, TESTS

PRINTED = re.compile(r"\{\{.*?\}\}|\{%.*?%\}")
TOKEN = re.compile(
    r"""
      (?: \b(?:lookup|query|q)\s*\(\s* (?: '([^'\\\n]*)' | "([^"\\\n]*)" ) )     # 1, 2  a lookup and its name
    | '(?:[^'\\\n]|\\.)*'                                                        #       text
    | "(?:[^"\\\n]|\\.)*"
    | \.\s*[A-Za-z_]\w*                                                          #       an attribute
    | [A-Za-z_][\w.]*+ (?= \s*\|\s*(?:default|d)\s*\( | \s+is\s+(?:not\s+)?(?:un)?defined\b )   # what may be missing
    | \|\s*([\w.]+)                                                              # 3     a filter
    | \bis\s+(?:not\s+)?([A-Za-z_][\w.]*)                                        # 4     a test
    | ([A-Za-z_]\w*+)(?!\s*=[^=])                                                # 5     any other name
    | (['"])                                                                     # 6     a quote that has no end
    """,
    re.VERBOSE,
)
NAMED = re.compile(
    r"""
    \b(map|select|reject|selectattr|rejectattr)\s*\(\s*
    (?: '([^']*)' | "([^"]*)" )?  \s*  (?: ,\s* (?: '([^']*)' | "([^"]*)" ) )?
    """,
    re.VERBOSE,
)
"""Filters that may be told the name of another, or of a test."""
KEYWORDS = frozenset(
    (
        "and", "or", "not", "in", "is", "if", "else", "elif", "endif", "for", "endfor", "set", "endset", "true", "false", "none",
        "True", "False", "None", "recursive", "lookup", "query", "q", "now", "undef", "range", "dict", "lipsum", "cycler", "joiner",
        "namespace", "omit",
    )
)
_PREFIX = re.compile(r"^ansible\.(?:builtin|legacy)\.")


def unknown_tokens(uses: Sequence[Use], known: Callable[[str], bool]) -> set[str]:
    """What the texts name and nobody knows, each marked by its kind as `tokens_of` has it.

    Args:
        known: Whether there may be a variable of that name.
    """
    return {token for token in tokens_of(pieces_of(uses)) if not is_known(token, known)}


def worth_parsing(uses: Sequence[Use], unknown: set[str]) -> list[Use]:
    """The texts that name one of them, or read a variable whose value does."""
    tokens = [(use, tokens_of(pieces_of((use,)))) for use in uses] if unknown else []
    names = unknown
    while True:
        found = [use for use, named in tokens if names & named]
        more = names | {"$" + use.variable for use in found if use.variable}
        if more == names:
            return found
        names = more


def pieces_of(uses: Iterable[Use]) -> set[str]:
    """The code in texts, without what is printed as it stands; each piece on a line of its own."""
    texts = "\0".join([use.text for use in uses if not use.expression]).replace("\n", " ").replace("\0", "\n")
    pieces = set(PRINTED.findall(texts))
    pieces.update([use.text.replace("\n", " ") for use in uses if use.expression])
    return pieces


def is_known(token: str, known: Callable[[str], bool]) -> bool:
    kind, name = token[0], token[1:]
    if kind == "|":
        return short(name) in FILTERS
    if kind == "?":
        return short(name) in TESTS
    if kind == "(":
        return short(name) in LOOKUPS
    return kind == "$" and (name in KEYWORDS or known(name))


def tokens_of(pieces: Iterable[str]) -> set[str]:
    """What the pieces name, marked by its kind: `|` a filter, `?` a test, `(` a lookup, `!` what no table has, `$` all others."""
    text = "\n".join(pieces)
    tokens: set[str] = set()
    for lookup, other, filter_, test, name, quote in set(TOKEN.findall(text)):
        if name:
            tokens.add("$" + name)
        elif filter_:
            tokens.add("|" + filter_)
        elif test:
            tokens.add("?" + test)
        elif lookup or other:
            tokens.add("(" + (lookup or other))
        elif quote:
            tokens.add("!" + quote)
    if any(name in text for name in ("map", "select", "reject")):
        tokens.update("!" + name for name in named_by_others(text))
    return tokens


def named_by_others(text: str) -> set[str]:
    """`map('x')` and `selectattr('a', 'x')`: the names that they look for, as far as nothing has them."""
    found: set[str] = set()
    for which, one, other, second, otherwise in NAMED.findall(text):
        name = (second or otherwise) if which.endswith("attr") else (one or other)
        if name and short(name) not in (FILTERS if which == "map" else TESTS):
            found.add(name)
    return found


def short(name: str) -> str:
    return _PREFIX.sub("", name)
