"""Many texts looked for in one: what it costs grows with the text, and hardly with the number of those that are looked for.

A run may know a thousand passwords, one or two for each host, and looks for all of them in everything it tells.
"""

from __future__ import annotations

from bisect import insort
from dataclasses import dataclass, field

HEAD = 4
"""Characters. Needles are filed under so many; none is shorter."""
FEW = 256
"""So many needles are looked for one by one: the interpreter does that faster than anything written in it."""


@dataclass(slots=True)
class Needles:
    _all: list[str] = field(default_factory=list)
    _heads: dict[str, list[str]] = field(default_factory=dict)
    """Those that begin alike, the longest first: of two that begin at one place the longer is meant."""

    def __bool__(self) -> bool:
        return bool(self._all)

    def add(self, needle: str) -> None:
        """A new one, of at least HEAD characters."""
        assert len(needle) >= HEAD
        self._all.append(needle)
        insort(self._heads.setdefault(needle[:HEAD], []), needle, key=lambda each: -len(each))

    def found_in(self, text: str) -> bool:
        """Does the text hold one of them?"""
        if len(self._all) <= FEW:
            return any(needle in text for needle in self._all)
        return self._likely(text) and any(self._at(text, place) for place in range(len(text)))

    def all_in(self, text: str) -> list[str]:
        """Those that it holds."""
        return [needle for needle in self._all if needle in text]

    def replaced_in(self, text: str, by: str) -> str:
        """The text with each of them replaced, from left to right."""
        if not (self.found_in(text) if len(self._all) <= FEW else self._likely(text)):
            return text
        parts: list[str] = []
        done = place = 0
        while place < len(text):
            needle = self._at(text, place)
            if needle:
                parts += [text[done:place], by]
                place = done = place + len(needle)
            else:
                place += 1
        return "".join([*parts, text[done:]])

    def _likely(self, text: str) -> bool:
        """Does a needle's beginning stand anywhere in it?"""
        return not self._heads.keys().isdisjoint([text[place : place + HEAD] for place in range(len(text) - HEAD + 1)])

    def _at(self, text: str, place: int) -> str:
        """The longest needle that stands at a place of the text; empty for none."""
        for needle in self._heads.get(text[place : place + HEAD], ()):
            if text.startswith(needle, place):
                return needle
        return ""
