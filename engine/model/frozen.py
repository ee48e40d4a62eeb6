"""`@frozen`: dataclasses for values that never change, made four times faster than `@dataclass(frozen=True)` makes them.

The engine has more than a hundred such classes, and the standard decorator compiles seven methods for each: a
third of the start-up of a short run (benchmarks/imports.py prints it). Here only `__init__` is compiled; equality,
hash and repr are shared functions. That nothing is assigned to is checked by mypy, not while running.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any, TypeVar, dataclass_transform, overload

Class = TypeVar("Class", bound=type)


@overload
def frozen(cls: Class) -> Class: ...


@overload
def frozen(*, kw_only: bool = ..., eq: bool = ...) -> Callable[[Class], Class]: ...


@dataclass_transform(frozen_default=True, field_specifiers=(dataclasses.field,))
def frozen(cls: Any = None, *, kw_only: bool = False, eq: bool = True) -> Any:
    """A slotted dataclass of immutable values; `dataclasses.replace` and `fields` work on it.

    Args:
        kw_only: its fields are given by name only.
        eq: compared and hashed by value; False: by identity.
    """

    def make(cls: type) -> type:
        made: type = dataclasses.dataclass(slots=True, kw_only=kw_only, eq=False, repr=False)(cls)
        own = cls.__dict__
        for name, method in SHARED.items():
            if name not in own and (eq or name == "__repr__"):
                setattr(made, name, method)
        return made

    return make if cls is None else make(cls)


def _values(value: Any) -> tuple[Any, ...]:
    return tuple([getattr(value, each.name) for each in dataclasses.fields(value) if each.compare])


def _eq(self: Any, other: object) -> Any:
    if other.__class__ is not self.__class__:
        return NotImplemented
    return self is other or _values(self) == _values(other)


def _hash(self: Any) -> int:
    return hash(_values(self))


def _repr(self: Any) -> str:
    shown = ", ".join(f"{each.name}={getattr(self, each.name)!r}" for each in dataclasses.fields(self) if each.repr)
    return f"{self.__class__.__qualname__}({shown})"


SHARED = {"__eq__": _eq, "__hash__": _hash, "__repr__": _repr}
