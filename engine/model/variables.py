"""Variables as one place defines them: names, values as written, and where each value stands."""
from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from engine.model.merging import Merging
from engine.model.source import Span
from engine.model.values import Value


class Variables(dict[str, Value]):
    """A layer's mapping. Texts know their place themselves; `spans` tells it of numbers, lists and all other values too."""

    __slots__ = ("part_of", "spans")

    def __init__(self, values: Mapping[str, Value] | Iterable[tuple[str, Value]] = (), spans: Mapping[str, Span] | None = None) -> None:
        super().__init__(values)
        self.spans: dict[str, Span] = dict(getattr(values, "spans", ()) if spans is None else spans)
        self.part_of: Mapping[str, Value] | None = None
        """The mapping that it was taken out of, by which it is told what may be shown of it."""

    @classmethod
    def at(cls, span: Span, values: Mapping[str, Value]) -> Variables:
        """All of `values` at one place, for sources that have no lines of their own."""
        return cls(values, dict.fromkeys(values, span))

    def put(self, name: str, value: Value, span: Span) -> None:
        self[name] = value
        self.spans[name] = span

    def update(self, values: Any = (), /, **named: Value) -> None:
        """As a dict's; places come along, and a value without one has none, not that of the value before it.

        A value tagged `!merge` keeps what was there below it.
        """
        given = dict(values, **named) if named or not isinstance(values, dict) else values
        spans = getattr(values, "spans", {})
        if not self:  # most layers are filled once
            super().update(given)
            self.spans = dict(spans)
            return
        for name, value in given.items():
            if type(value) is Merging and name in self:
                value = value.above(self[name], self.spans.get(name))
            self[name] = value
            if name in spans:
                self.spans[name] = spans[name]
            else:
                self.spans.pop(name, None)


def only(variables: Mapping[str, Value], names: Collection[str]) -> Variables:
    """Those of `names`, with their places."""
    spans = getattr(variables, "spans", {})
    kept = [name for name in variables if name in names]
    found = Variables({name: variables[name] for name in kept}, {name: spans[name] for name in kept if name in spans})
    found.part_of = variables
    return found


def over(*mappings: Mapping[str, Value]) -> Variables:
    """All of them in one mapping, the first one winning; nothing of them is changed."""
    found = Variables()
    for mapping in reversed(mappings):
        found.update(mapping)
    return found
