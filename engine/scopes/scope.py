"""One host's view of the variables at one step: layers that are looked up, top to bottom; `hash_behaviour: merge` merges on look-up."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import field, replace

from engine.model.frozen import frozen
from engine.model.hash_merging import flat, merged
from engine.model.merging import Merging
from engine.model.source import NOWHERE, Span
from engine.model.values import EncryptedText, TemplateText, Value
from engine.model.variables import Variables
from engine.scopes.layers import Layer


@frozen
class Binding:
    """A name's value, unrendered, and where it comes from."""

    value: Value
    """A `Merging` where it was tagged `!merge`: scopes/merge.py finds the rest of it."""
    layer: Layer
    name: str
    source: Mapping[str, Value] = field(repr=False, compare=False)
    """The layer's mapping that holds it."""

    @property
    def span(self) -> Span | None:
        """Where the value stands; None for what no text holds: magic variables, facts, what tasks set."""
        if isinstance(self.value, TemplateText | EncryptedText | Merging):
            return None if self.value.span is NOWHERE else self.value.span
        return self.source.spans.get(self.name) if isinstance(self.source, Variables) else None


class Scope:
    """Immutable. Renders nothing and decrypts nothing; layers are shared between hosts and steps."""

    __slots__ = ("elsewhere", "layers", "merging")

    def __init__(
        self, layers: Iterable[tuple[Layer, Mapping[str, Value]]], elsewhere: Callable[[str], str] | None = None, *, merging: bool = False
    ) -> None:
        self.elsewhere = elsewhere
        """Says of a name that is not defined here who keeps it to himself; empty for nobody. None where nobody keeps anything."""
        self.merging = merging
        """`hash_behaviour: merge`: a mapping has the entries of those below it too."""
        self.layers: tuple[tuple[Layer, Mapping[str, Value]], ...] = tuple(layers)
        """Highest first. A mapping may compute its values on access (magic variables do)."""

    def lookup(self, name: str) -> Binding | None:
        """The binding that wins, or None where nothing defines `name`."""
        for layer, mapping in self.layers:
            if name in mapping:
                found = Binding(mapping[name], layer, name, mapping)
                return replace(found, value=self.whole(found)) if self.merging else found
        return None

    def whole(self, binding: Binding) -> Value:
        """Its value; with `hash_behaviour: merge` a mapping has the entries of those below it, down to what is none."""
        if not self.merging or binding.layer >= Layer.LOOP or not isinstance(binding.value, dict):
            return binding.value
        found: list[Value] = []
        for below in self.all(binding.name):
            if found or below.source is binding.source:
                value = flat(below.value) if isinstance(below.value, Merging) else below.value
                if not isinstance(value, dict):
                    break
                found.append(value)
        whole = found.pop()
        while found:
            whole = merged(whole, found.pop())
        return whole

    def all(self, name: str) -> list[Binding]:
        """Every binding of `name`, the winner first."""
        return [Binding(mapping[name], layer, name, mapping) for layer, mapping in self.layers if name in mapping]

    def __contains__(self, name: object) -> bool:
        return any(name in mapping for _, mapping in self.layers)

    def defined(self, names: frozenset[str]) -> set[str]:
        """Which of `names` are defined by anything but magic and the connection. One pass over the layers, for many names at once."""
        found: set[str] = set()
        for layer, mapping in self.layers:
            if layer is not Layer.MAGIC and layer is not Layer.CONNECTION:
                found |= names & mapping.keys()
        return found

    def names(self) -> Iterator[str]:
        """Every defined name, once."""
        seen: set[str] = set()
        for _, mapping in self.layers:
            for name in mapping:
                if name not in seen:
                    seen.add(name)
                    yield name

    def over(self, layer: Layer, mapping: Mapping[str, Value]) -> Scope:
        """A scope with one more layer on top, but under the magic variables."""
        if self.layers and self.layers[0][0] is Layer.MAGIC:
            return Scope((self.layers[0], (layer, mapping), *self.layers[1:]), self.elsewhere, merging=self.merging)
        return Scope(((layer, mapping), *self.layers), self.elsewhere, merging=self.merging)
