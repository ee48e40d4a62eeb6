"""A variable's value that is tagged `!merge`: it adds to what lower definitions of the name give, instead of hiding it."""
from __future__ import annotations

from dataclasses import replace

from engine.model.frozen import frozen
from engine.model.source import Span
from engine.model.values import Value

Piece = tuple[Value, Span | None]
"""A value without its tag, and where it stands."""


@frozen
class Merging:
    """Stands for the value in a layer's mapping; looked up, it is put together with the definitions below it (scopes/merge.py)."""

    value: Value
    """A dict or a list, unrendered."""
    span: Span
    below: tuple[Piece, ...] = ()
    """What the same layer said before (an earlier file, an earlier -e), highest first."""
    closed: bool = False
    """The last of `below` has no tag: lower layers add nothing."""

    @property
    def pieces(self) -> tuple[Piece, ...]:
        """All that this layer gives, highest first."""
        return ((self.value, self.span), *self.below)

    def above(self, other: Value, span: Span | None) -> Merging:
        """The same on top of `other`, which the layer held before. What is said again counts once, where it was said last."""
        pieces = other.pieces if isinstance(other, Merging) else ((other, span),)
        closed = other.closed if isinstance(other, Merging) else True
        kept = tuple(piece for piece in pieces if piece[1] != self.span)
        return replace(self, below=kept, closed=closed and len(kept) > 0)
