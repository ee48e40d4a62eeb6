"""Which Python values a template may give, and how parts become one value: the native types of ansible-core 2.19 and later.

A template of one part keeps the part's type; None and omit print nothing; several parts are text. Text is never
guessed to be a number or a list.
"""
from __future__ import annotations

import datetime
from collections.abc import Callable, Iterable, Iterator, KeysView, Mapping, Set, ValuesView
from typing import Any

from markupsafe import Markup

from engine.model.values import OMIT, TemplateText, Value
from engine.templating.lazy import LazyDict, LazyList, Revealed
from engine.templating.missing import Missing

_AS_THEY_ARE = frozenset((str, int, bool, float, type(None), dict, list, tuple, bytes, LazyDict, LazyList, Missing, Revealed,
                          type(OMIT), datetime.datetime, datetime.date))


def has_markers(text: str) -> bool:
    """Whether `text` is a template at all."""
    return "{" in text and ("{{" in text or "{%" in text or "{#" in text)


class Unstorable(TypeError):
    """A template gave something that is no data."""

    told = ""
    """What is wrong, where the value was to become JSON."""

    @classmethod
    def value(cls, value: Any) -> Unstorable:
        kind = type(value).__name__
        made = cls(f"Type {kind!r} is unsupported for variable storage.")
        made.told = f"Object of type {kind!r}"
        return made

    @classmethod
    def key(cls, key: Any) -> Unstorable:
        """A tuple becomes a list, and a list is no key."""
        made = cls("unhashable type: 'list'")
        made.told = f"Key of type {type(key).__name__!r}"
        return made


def joined(parts: Iterable[Any]) -> Value:
    """The one value of a template's parts."""
    kept = [part for part in parts if part is not None]
    if len(kept) == 1:
        return kept[0]
    if not kept:
        return None
    absent = next((part for part in kept if type(part) is Missing), None)
    if absent is not None:
        return absent
    return "".join([part if type(part) is str else printed(part) for part in kept if part is not OMIT])


def printed(part: Any) -> str:
    """A value inside text: lists and dicts as Python shows them, read to the end."""
    if isinstance(part, str):
        return str(part)
    if isinstance(part, dict | list | tuple):
        return repr(_readable(part))
    if isinstance(part, Iterator | KeysView | ValuesView):
        return repr(_readable(list(part)))
    return str(part)


def _readable(value: Any) -> Any:
    """As `finished`, but what `groupby` makes stays the pairs that it shows itself as, and text for HTML is shown as such."""
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return type(value)(*map(_readable, value))
    if isinstance(value, list | tuple):
        return [_readable(each) for each in value if each is not OMIT]
    if type(value) in (dict, LazyDict):
        return {_key(key): _readable(value[key]) for key in value if value[key] is not OMIT}
    return value if type(value) is Markup else finished(value)


def stored(value: Any) -> Value:
    """`value` as data that a variable may hold; Unstorable where it is none.

    Views and iterators become lists. Text that someone wrote stays known as such while it is no template: as a condition it is trusted.
    Text for HTML stays known as such too, until it leaves the templates.
    """
    if type(value) in _AS_THEY_ARE:
        return value
    if type(value) is TemplateText and not has_markers(value):
        return value
    if isinstance(value, str):
        return value if type(value) is Markup else str(value)
    if isinstance(value, dict | list | tuple | bytes | Missing | datetime.date | Mapping):
        return value
    if isinstance(value, int | float):
        return value
    if isinstance(value, set | frozenset | range):
        return value
    if isinstance(value, KeysView | ValuesView | Set | Iterator):
        return list(value)
    raise Unstorable.value(value)


def finished(value: Any, absent: Callable[[Missing], Value] | None = None) -> Value:
    """`value` with everything in it rendered: plain dicts, lists and text, nothing lazy, nothing missing, no omit inside.

    What is missing raises; `absent` gives what stands in place of what is not defined.
    """
    kind = type(value)
    if kind is str or kind is int or kind is bool or value is None or kind is float:
        return value
    if isinstance(value, Missing):
        if absent is not None and value.error is None:
            return absent(value)
        value.explode()
    if isinstance(value, str):
        text = stored(value)
        return text if type(text) is TemplateText else unmarked(text)
    if isinstance(value, Mapping):
        return {_key(key): finished(each, absent) for key, each in value.items() if each is not OMIT}
    if isinstance(value, list | tuple):
        return [finished(each, absent) for each in value if each is not OMIT]
    if value is OMIT or isinstance(value, bytes | datetime.date | int | float):
        return value
    if isinstance(value, set | frozenset):
        return [finished(each, absent) for each in value]
    if isinstance(value, range):
        raise Unstorable.value(value)  # templates may hand it on, and no task gets it
    return finished(stored(value), absent)


def _key(key: Any) -> Any:
    if isinstance(key, tuple):
        raise Unstorable.key(key)
    return unmarked(key) if isinstance(key, str) else key


def unmarked(text: str) -> str:
    """Plain text of any."""
    return "".join((str.__str__(text),)) if isinstance(text, Markup) else str(text)
