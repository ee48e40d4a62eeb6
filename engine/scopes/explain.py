"""All definitions of one variable, the winner first: which layer, which place, what was written. Nothing is rendered or decrypted."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from enum import Enum

from engine.model.frozen import frozen
from engine.model.merging import Merging
from engine.model.source import Span
from engine.model.values import EncryptedText, TemplateText, Value
from engine.model.variables import Variables
from engine.scopes.layers import Layer
from engine.scopes.scope import Binding, Scope

ENCRYPTED, HIDDEN, COMPUTED = "(encrypted)", "(hidden: no_log)", "(computed)"
"""What is shown instead of a value."""


class Part(Enum):
    """What a definition has to do with the variable's value."""

    WINS = "wins"
    MERGES = "merges"
    """It stands below one that is tagged `!merge`, and adds to it."""
    LOSES = "loses"


@frozen(kw_only=True)
class Definition:
    """One place that gives the variable a value."""

    part: Part
    layer: Layer
    span: Span | None
    value: Value
    """As written, as plain data; secrets are replaced by one of the words above."""


@frozen(kw_only=True)
class Secrecy:
    """What must not be shown."""

    names: Collection[str] = ()
    """Variables that hold passwords, wherever they stand."""
    hidden: Collection[int] = ()
    """`id` of mappings that stand under no_log."""
    sealed: Callable[[str], bool] = lambda path: False
    """Whether a file is encrypted as a whole."""

    def shown(self, name: str, value: Value, span: Span | None, source: Mapping[str, Value]) -> Value:
        """The value as it may be told."""
        if any(self.sealed(path) for path in {span.path if span is not None else "", *paths_in(value)} - {""}):
            return ENCRYPTED
        whole = source.part_of if isinstance(source, Variables) else None
        if id(source if whole is None else whole) in self.hidden:
            return HIDDEN
        if name in self.names:
            return "(hidden: a password)"
        return as_written(value)


def definitions(scope: Scope, name: str, secrecy: Secrecy) -> tuple[Definition, ...]:
    """Every definition of `name` that `scope` sees, the winner first; () where there is none."""
    found: list[Definition] = []
    adds, tagged = Part.WINS, True
    for binding in scope.all(name):
        pieces = binding.value.pieces if isinstance(binding.value, Merging) else ((binding.value, binding.span),)
        for number, (value, span) in enumerate(pieces, 1):
            if not tagged and not isinstance(value, dict):
                adds = Part.LOSES  # only mappings are merged where `hash_behaviour` says so
            found.append(definition(binding, value, span, adds, secrecy))
            if adds is not Part.LOSES:
                tagged = isinstance(binding.value, Merging) and not (binding.value.closed and number == len(pieces))
                adds = Part.MERGES if tagged or (scope.merging and isinstance(value, dict)) else Part.LOSES
    return tuple(found)


def paths_in(value: Value) -> set[str]:
    """The files that texts of a value stand in: one that was merged has several."""
    if isinstance(value, TemplateText):
        return {value.span.path}
    inside = value.values() if isinstance(value, dict) else value if isinstance(value, list | tuple) else ()
    return {path for each in inside for path in paths_in(each)}


def definition(binding: Binding, value: Value, span: Span | None, part: Part, secrecy: Secrecy) -> Definition:
    return Definition(part=part, layer=binding.layer, span=span, value=secrecy.shown(binding.name, value, span, binding.source))


def as_written(value: Value) -> Value:
    """Plain data: texts as they stand, encrypted ones as a word, what is made while it is looked up as another."""
    if isinstance(value, EncryptedText):
        return ENCRYPTED
    if isinstance(value, Merging):
        return as_written(value.value)
    if isinstance(value, str):
        return str(value)
    if isinstance(value, bool | int | float) or value is None:
        return value
    if type(value) is dict:
        return {str(key): as_written(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [as_written(each) for each in value]
    return str(value) if type(value).__module__ == "datetime" else COMPUTED
