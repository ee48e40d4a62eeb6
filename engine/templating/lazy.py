"""Dicts and lists of variables whose templates are rendered when an element is read, not before.

They are real dicts and lists to Jinja, to filters and to `isinstance`. The storage underneath holds each element
raw until it is read, then rendered; every way to read goes through `__getitem__` or `__iter__`.
"""
from __future__ import annotations

import threading
from collections.abc import ItemsView, Iterator, Mapping, ValuesView
from typing import Any, Protocol

from engine.model.values import EncryptedText, TemplateText, Unknown, Value
from engine.scopes.scope import Scope
from engine.templating.missing import Missing, MissingUsed

RAW = frozenset((TemplateText, EncryptedText, Unknown, dict, list, Scope))
"""Exact types that are not rendered yet. What rendering gives is never one of them, or holds nothing that is raw."""


class Revealed(str):
    """A decrypted variable inside templates: plain text that remembers its envelope. Never leaves them; what is made of it is plain."""

    __slots__ = ("envelope",)
    envelope: EncryptedText

    @classmethod
    def of(cls, text: str, envelope: EncryptedText) -> Revealed:
        made = cls(text)
        made.envelope = envelope
        return made


class Stamped(str):
    """Text from outside, inside templates: it knows what it was read from. Never trusted, and what is made of it is plain."""

    __slots__ = ("origin",)
    origin: str

    @classmethod
    def of(cls, text: str, origin: str) -> Stamped:
        made = cls(text)
        made.origin = origin
        return made


class Reader(Protocol):
    def lazily(self, value: Value) -> Value:
        """A raw value, rendered one level deep."""


class Reading(threading.local):
    """Who reads elements at this moment."""

    strictly = False
    """A plugin that takes no missing values: reading an element that is missing ends it, and gives that element instead."""


reading = Reading()


class Literal:
    """The reader of a list or dict that stands in the template itself: its elements are values already."""

    def lazily(self, value: Value) -> Value:
        return value


def without_missing(value: Any) -> Any:
    """A list or dict that holds something missing, so that a plugin notices when it reads it; anything else as it is."""
    if type(value) is list:
        return LazyList(value, Literal()) if any(type(each) is Missing for each in value) else value
    if type(value) is dict:
        return LazyDict(value, Literal()) if any(type(each) is Missing for each in value.values()) else value
    return value


class LazyDict(dict[Any, Any]):
    """A variable's mapping. Copies are plain dicts of rendered values."""

    __slots__ = ("_reader",)

    def __init__(self, raw: Mapping[Any, Value], reader: Reader) -> None:
        dict.__init__(self, raw)
        self._reader = reader

    def __getitem__(self, key: Any) -> Any:
        value = dict.__getitem__(self, key)
        if type(value) in RAW:
            value = self._reader.lazily(value)
            dict.__setitem__(self, key, value)
        if type(value) is Missing and reading.strictly:
            raise MissingUsed(value)
        return value

    def get(self, key: Any, default: Any = None) -> Any:
        return self[key] if key in self else default  # noqa: SIM401 — dict.get would give the raw value

    def pop(self, key: Any, *default: Any) -> Any:
        value = self.get(key)
        dict.pop(self, key, *default)
        return value if value is not None or not default else default[0]

    def popitem(self) -> tuple[Any, Any]:
        key = next(reversed(list(self)))
        return key, self.pop(key)

    def setdefault(self, key: Any, default: Any = None) -> Any:
        if key not in self:
            self[key] = default
        return self[key]

    def __iter__(self) -> Iterator[Any]:
        return dict.__iter__(self)

    def values(self) -> ValuesView[Any]:  # type: ignore[override]
        return ValuesView(self)

    def items(self) -> ItemsView[Any, Any]:  # type: ignore[override]
        return ItemsView(self)

    def copy(self) -> dict[Any, Any]:
        return {key: self[key] for key in self}

    __copy__ = copy

    def __deepcopy__(self, memo: Any) -> Any:
        return plain(self)

    def __reduce_ex__(self, protocol: Any) -> Any:
        return (dict, (plain(self),))

    def __or__(self, other: Any) -> Any:
        return {**self.copy(), **other} if isinstance(other, Mapping) else NotImplemented

    def __ror__(self, other: Any) -> Any:
        return {**other, **self.copy()} if isinstance(other, Mapping) else NotImplemented

    def __eq__(self, other: object) -> bool:
        if type(other) is Missing:
            other.explode()
        return isinstance(other, Mapping) and bool(plain(self) == plain(other))

    def __ne__(self, other: object) -> bool:
        return not self == other

    __hash__ = None

    def __repr__(self) -> str:
        return repr(plain(self))

    __str__ = __repr__


_TO_LOOK_AT = RAW | {Missing}
"""Exact types of elements that a list may not hand out unseen: what is raw, and what is missing, which a plugin must notice."""


class LazyList(list[Any]):
    """A variable's list. Slices, sums and copies are plain lists of rendered values."""

    __slots__ = ("_reader",)

    def __init__(self, raw: list[Value], reader: Reader) -> None:
        list.__init__(self, raw)
        self._reader = reader

    def _at(self, index: int) -> Any:
        value = list.__getitem__(self, index)
        if type(value) in RAW:
            value = self._reader.lazily(value)
            list.__setitem__(self, index, value)
        if type(value) is Missing and reading.strictly:
            raise MissingUsed(value)
        return value

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return [self._at(each) for each in range(*index.indices(len(self)))]
        return self._at(index)

    def __iter__(self) -> Iterator[Any]:
        return list.__iter__(self) if self._is_rendered() else self._rendering()

    def _is_rendered(self) -> bool:
        """Nothing raw is left (or ever was: a list of names): then it is read as quickly as any list."""
        return _TO_LOOK_AT.isdisjoint(map(type, list.__iter__(self)))

    def _rendering(self) -> Iterator[Any]:
        index = 0
        while index < len(self):
            yield self._at(index)
            index += 1

    def __reversed__(self) -> Iterator[Any]:
        return (self._at(index) for index in range(len(self) - 1, -1, -1))

    def __contains__(self, wanted: object) -> bool:
        return list.__contains__(self, wanted) if self._is_rendered() else wanted in list(self)

    def index(self, wanted: Any, *bounds: Any) -> int:
        return list(self).index(wanted, *bounds)

    def count(self, wanted: Any) -> int:
        return sum(1 for each in self if each is wanted or each == wanted)

    def pop(self, index: Any = -1) -> Any:
        value = self[index]
        list.pop(self, index)
        return value

    def remove(self, wanted: Any) -> None:
        list.pop(self, self.index(wanted))

    def sort(self, **options: Any) -> None:
        self[:] = sorted(self, **options)

    def copy(self) -> list[Any]:
        return list(self)

    __copy__ = copy

    def __deepcopy__(self, memo: Any) -> Any:
        return plain(self)

    def __reduce_ex__(self, protocol: Any) -> Any:
        return (list, (plain(self),))

    def __add__(self, other: Any) -> Any:
        return list(self) + other

    def __radd__(self, other: Any) -> Any:
        return [*other, *self] if isinstance(other, list) else NotImplemented

    def __mul__(self, times: Any) -> Any:
        return list(self) * times

    __rmul__ = __mul__

    def __eq__(self, other: object) -> bool:
        mine = list(self)  # all of it is read, whatever it is compared with
        if type(other) is Missing:
            other.explode()
        return isinstance(other, list) and mine == list(other)

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __lt__(self, other: Any) -> Any:
        return list(self) < list(other) if isinstance(other, list) else NotImplemented

    def __gt__(self, other: Any) -> Any:
        return list(self) > list(other) if isinstance(other, list) else NotImplemented

    def __le__(self, other: Any) -> Any:
        return list(self) <= list(other) if isinstance(other, list) else NotImplemented

    def __ge__(self, other: Any) -> Any:
        return list(self) >= list(other) if isinstance(other, list) else NotImplemented

    __hash__ = None

    def __repr__(self) -> str:
        return repr(plain(self))

    __str__ = __repr__


LazyDict.__name__, LazyList.__name__ = "dict", "list"  # in messages about values of a wrong type they are what users know


def plain(value: Any) -> Any:
    """`value` with every lazy container in it read to the end."""
    from engine.templating.native import finished

    return finished(value)
