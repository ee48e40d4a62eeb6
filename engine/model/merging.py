"""`hash_behaviour: merge`: mappings of one name are put together, entry by entry, all the way down."""

from __future__ import annotations

from collections.abc import Mapping

from engine.model.values import Value


def merged(below: Value, above: Value) -> Value:
    """What is left of both: the entries of `below`, those of `above` over them. What is no mapping replaces. Renders nothing."""
    if not isinstance(below, dict) or not isinstance(above, dict):
        return above
    return {**below, **{name: merged(below[name], value) if name in below else value for name, value in above.items()}}


def put_over(values: dict[str, Value], more: Mapping[str, Value], *, merging: bool) -> None:
    """`more` into `values`, in place; a name that both have is merged if `merging`, else replaced."""
    if not merging:
        values.update(more)
        return
    for name, value in more.items():
        values[name] = merged(values[name], value) if name in values else value
