"""Where a value was written: file, line, column. Every node of a playbook or inventory knows its `Span`."""
from __future__ import annotations

from engine.model.frozen import frozen


@frozen
class Span:
    """A place in a text. Lines and columns count from 1; `width` is how many characters a caret underlines; 0: the text is the
    whole file."""

    path: str
    line: int
    column: int = 1
    width: int = 1
    lead: int = 0
    """How many columns before it the text begins that it is the first character of: 1 behind a quote."""

    def __str__(self) -> str:
        return f"{self.path}:{self.line}:{self.column}"

    def shifted(self, columns: int, width: int = 1) -> Span:
        """The place `columns` to the right on the same line."""
        return Span(self.path, self.line, self.column + columns, width)


NOWHERE = Span("<nowhere>", 0, 0)
"""For values that no text holds: made by a test, or by the engine itself."""


@frozen
class SourceFile:
    """A text that was read, as it was read."""

    path: str
    text: str
