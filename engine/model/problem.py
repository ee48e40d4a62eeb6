"""What is told to the user when something is wrong: a stable code, one summary, a place, and what to do."""
from __future__ import annotations

from dataclasses import replace
from enum import Enum

from engine.model.frozen import frozen
from engine.model.source import Span


class Severity(Enum):
    ERROR = "error"
    WARNING = "warning"
    NOTICE = "notice"


@frozen
class Part:
    """In what part of something a mistake was: ansible-core's words for it, and where that part begins."""

    text: str
    span: Span | None = None


@frozen(kw_only=True)
class Problem:
    """One thing that is wrong.

    `summary` is the same words each time and holds no user names; `detail` is the specific text that stands
    behind the caret. `code` is stable and documented in docs/reference/problems.md.
    """

    code: str
    summary: str
    detail: str = ""
    severity: Severity = Severity.ERROR
    span: Span | None = None
    notes: tuple[str, ...] = ()
    hint: str = ""
    words: str = ""
    """What ansible-core says of it, where that is not `detail`: in results that playbooks test, and under ansible-core's names."""

    around: tuple[Part, ...] = ()
    """The parts that `words` begins with, outermost first."""
    origin: Span | None = None
    """Where the text that holds the mistake begins, if `span` is more exact: ansible-core points there."""
    of_task: bool = False
    """It tells of a failed task, whose result is told too."""
    before_task: bool = False
    """It was met before the task began, in its loop: ansible-core does not say that a task failed."""

    @property
    def message(self) -> str:
        """In ansible-core's words."""
        return self.words or self.detail or self.summary

    def prefixed(self, prefix: str, span: Span | None = None) -> Problem:
        """The same, its message beginning with `prefix`: in what part of a task it was; the part begins at `span`."""
        return replace(self, words=prefix + self.message, around=(Part(prefix, span), *self.around))

    def with_note(self, note: str) -> Problem:
        return replace(self, notes=(*self.notes, note))

    def at(self, span: Span | None) -> Problem:
        """The same problem at `span`, unless it has a place already."""
        return self if self.span is not None or span is None else replace(self, span=span)

    def __str__(self) -> str:
        """One line, for logs and exceptions; the terminal's form is in cli/view/problem.py."""
        text = f"{self.summary}: {self.detail}" if self.detail else self.summary
        return f"{self.span}: {text}" if self.span else text
