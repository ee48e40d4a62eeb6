"""`hash_behaviour: merge`: mappings of one name are put together, entry by entry, all the way down."""

from __future__ import annotations

from collections.abc import Mapping

from engine.model.merging import Merging
from engine.model.values import Value
from engine.model.variables import Variables


def merged(below: Value, above: Value) -> Value:
    """What is left of both: the entries of `below`, those of `above` over them. What is no mapping replaces. Renders nothing."""
    if isinstance(below, Merging):
        below = flat(below)
    if not isinstance(below, dict) or not isinstance(above, dict):
        return above
    return {**below, **{name: merged(below[name], value) if name in below else value for name, value in above.items()}}


def flat(value: Merging) -> Value:
    """All pieces of a value tagged `!merge` as one, for what is laid over it without a tag."""
    whole: Value = None
    for piece, _ in reversed(value.pieces):
        whole = merged(whole, piece)
    return whole


def put_over(values: dict[str, Value], more: Mapping[str, Value], *, merging: bool) -> None:
    """`more` into `values`, in place; a name that both have is merged if `merging`, else replaced.

    Where `values` are `Variables`, places come along (of a merged mapping the upper one's), and `!merge` is kept for the look-up.
    """
    if merging:
        together = {name: merged(values[name], value) if name in values else value for name, value in more.items()}
        more = Variables(together, getattr(more, "spans", {}))
    values.update(more)
