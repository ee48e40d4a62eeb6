"""Reads files of literate cases: prose with a `## title` for each case, and fenced blocks below it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

FENCE = re.compile(r"^(`{3,})(.*)$")


@dataclass(slots=True)
class Fenced:
    """One block."""

    words: list[str]
    """What stands behind its first fence."""
    text: str
    """Its lines, each with its line feed."""
    lines: tuple[int, int]
    """Where its fences stand, 0-based."""


@dataclass(slots=True)
class Section:
    """What stands below one title."""

    title: str
    end: int = 0
    """The line behind it."""
    blocks: list[Fenced] = field(default_factory=list)


def sections_of(path: Path) -> Iterator[Section]:
    """The sections of one file, in order; blocks before the first title are nobody's."""
    lines = path.read_text().split("\n")
    section: Section | None = None
    number = 0
    while number < len(lines):
        line = lines[number]
        if line.startswith("## "):
            if section is not None:
                section.end = number
                yield section
            section = Section(line[3:].strip())
        fence = FENCE.match(line)
        if fence and section is not None:
            end = next(n for n in range(number + 1, len(lines)) if lines[n] == fence[1])
            text = "".join(f"{each}\n" for each in lines[number + 1 : end])
            section.blocks.append(Fenced(fence[2].split(), text, (number, end)))
            number = end
        number += 1
    if section is not None:
        section.end = len(lines)
        yield section
