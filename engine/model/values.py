"""The values that travel: JSON-like data, text that may hold templates, encrypted text, and two marks.

Trust is a type. A `TemplateText` is text that a human wrote for us; only such text is ever rendered. Any
string operation on it gives a plain `str`, so losing the mark fails closed: the text stays as it is.
"""
from __future__ import annotations

from typing import Any, Final, TypeAlias

from engine.model.source import NOWHERE, Span

Value: TypeAlias = Any
"""None, bool, int, float, str, bytes, datetime.date/datetime, list[Value], dict[str, Value], TemplateText, EncryptedText, Unknown, OMIT.

`Any` to type checkers: a recursive union costs more casts than it finds mistakes."""


class TemplateText(str):
    """Text that a human wrote for us, template markers or not, and where it stands.

    Made by `read` (YAML, inventories, `-e`, prompt defaults, template files) and by `part`, and nowhere else.
    """

    __slots__ = ("span",)
    span: Span

    @classmethod
    def read(cls, text: str, span: Span = NOWHERE) -> TemplateText:
        """Text just read from what a human wrote."""
        made = cls(text)
        made.span = span
        return made

    def part(self, start: int, end: int | None = None) -> TemplateText:
        """The characters from `start` to `end`, still trusted. For parsers; slicing would lose the type."""
        text = str.__getitem__(self, slice(start, end))
        span = self.span
        if "\n" not in str.__getitem__(self, slice(0, start)):
            lead = span.lead if start == 0 else 0
            span = Span(span.path, span.line, span.column + start, max(1, len(text)), lead)
        return TemplateText.read(text, span)

    def __reduce__(self) -> tuple[Any, ...]:
        return (TemplateText.read, (str(self), self.span))

    def __copy__(self) -> TemplateText:
        return self

    def __deepcopy__(self, memo: Any) -> TemplateText:
        return self


TemplateText.__name__ = "str"  # in Python's own messages (`can only concatenate…`) and for `type_debug` it is what users know


class Unknown:
    """A value that only a real run can tell: the result of a command that check mode does not run, and what is made of it."""

    __slots__ = ("cause", "name")

    def __init__(self, cause: str = "", name: str = "") -> None:
        self.name = name
        """Of a value that held a secret, and was not kept for `engine resume`: the variable's."""
        self.cause = cause
        """Why it is not known, in words: `the task "look up the version" is not run in check mode`."""

    def __repr__(self) -> str:
        return UNKNOWN_SHOWN

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Unknown)

    def __hash__(self) -> int:
        return hash(UNKNOWN_SHOWN)


UNKNOWN_SHOWN: Final = "(known after apply)"
"""What stands for an unknown value where it is shown: Terraform's words."""


class EncryptedText:
    """An inline `!vault` value: the envelope as written. Decrypted by the renderer when it is first used."""

    __slots__ = ("envelope", "span")

    def __init__(self, envelope: str, span: Span = NOWHERE) -> None:
        self.envelope = envelope
        self.span = span

    def __repr__(self) -> str:
        return "EncryptedText(…)"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, EncryptedText) and other.envelope == self.envelope

    def __hash__(self) -> int:
        return hash(self.envelope)


def written_at(value: Value) -> Span | None:
    """Where a text, or the first text of a list, begins; None for other values, which do not know their place."""
    if isinstance(value, list | tuple) and value:
        return written_at(value[0])
    return value.span if isinstance(value, TemplateText | EncryptedText) and value.span is not NOWHERE else None


class _Mark:
    __slots__ = ("name",)
    shown_as = "_OmitType"
    """Ansible's name of the type, as `type_debug` tells it."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __repr__(self) -> str:
        return f"<<{self.name.capitalize()}>>"


OMIT: Final = _Mark("OMIT")
"""The value of the magic variable `omit`: an argument that renders to it is left out."""

UNSET: Final = _Mark("UNSET")
"""No value was given, where None is a value."""
