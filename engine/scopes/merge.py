"""`!merge`: one variable put together from several layers, when it is looked up. No layer is ever merged with another.

Mappings are combined key by key, all the way down, the higher one winning (lists in them are replaced); of lists the lower
one comes first, then what the higher one has that is not in it yet. The first definition without the tag is the last that counts.
"""

from __future__ import annotations

from collections.abc import Sequence

from engine.errors import TemplateError
from engine.model.frozen import frozen
from engine.model.merging import Merging
from engine.model.problem import Problem
from engine.model.source import Span
from engine.model.values import Value
from engine.scopes.scope import Binding, Scope


@frozen
class Part:
    """One definition that makes a value."""

    value: Value
    span: Span | None
    binding: Binding


def parts(scope: Scope, name: str) -> list[Part]:
    """The definitions that make the value of `name`, highest first: tagged ones, then the first one without the tag."""
    found: list[Part] = []
    for binding in scope.all(name):
        value = binding.value
        if not isinstance(value, Merging):
            found.append(Part(scope.whole(binding), binding.span, binding))
            break
        found.extend(Part(piece, span, binding) for piece, span in value.pieces)
        if value.closed and not (scope.merging and isinstance(value.pieces[-1][0], dict)):
            break
    return found


def combined(values: Sequence[tuple[Value, Span | None]]) -> Value:
    """One value of several, highest first. None (an empty value) adds nothing.

    Raises:
        TemplateError: `merge-mismatch`, a mapping meets a list, or something that is neither.
    """
    result, below = values[-1]
    for value, span in reversed(values[:-1]):
        if value is None:
            continue
        if result is not None and (not isinstance(result, dict | list) or isinstance(result, dict) is not isinstance(value, dict)):
            raise mismatch(value, span, result, below)
        result = value if result is None else laid_over(result, value)
        below = span
    return result


def laid_over(below: Value, above: Value) -> Value:
    """A new value; neither of the two is changed."""
    if isinstance(below, dict) and isinstance(above, dict):
        return {**below, **{key: nested(below[key], value) if key in below else value for key, value in above.items()}}
    if isinstance(below, list) and isinstance(above, list):
        return [*below, *(each for number, each in enumerate(above) if each not in below and each not in above[:number])]
    return above


def nested(below: Value, above: Value) -> Value:
    """Within a mapping: mappings are combined, a list takes the place of the one before it."""
    return laid_over(below, above) if isinstance(below, dict) else above


def mismatch(above: Value, span: Span | None, below: Value, where: Span | None) -> TemplateError:
    kind = {True: "a mapping", False: "a list"}
    found = kind[isinstance(below, dict)] if isinstance(below, dict | list) else "neither a mapping nor a list"
    detail = f"{kind[isinstance(above, dict)]} is to be merged with what is {found}"
    notes = (f"the lower definition stands at {where}",) if where is not None else ()
    hint = "take the tag away, or make both the same kind"
    return TemplateError(
        Problem(code="merge-mismatch", summary="Two definitions cannot be merged", detail=detail, span=span, notes=notes, hint=hint)
    )
