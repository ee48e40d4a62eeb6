"""One host's view of the variables at one step: layers that are looked up, top to bottom; `hash_behaviour: merge` merges on look-up."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from engine.model.frozen import frozen
from engine.model.merging import merged
from engine.model.source import Span
from engine.model.values import EncryptedText, TemplateText, Value
from engine.scopes.layers import Layer


@frozen
class Binding:
    """A name's value, unrendered, and where it comes from."""

    value: Value
    layer: Layer

    @property
    def span(self) -> Span | None:
        return self.value.span if isinstance(self.value, TemplateText | EncryptedText) else None


class Scope:
    """Immutable. Renders nothing and decrypts nothing; layers are shared between hosts and steps."""

    __slots__ = ("layers", "merging")

    def __init__(self, layers: Iterable[tuple[Layer, Mapping[str, Value]]], *, merging: bool = False) -> None:
        self.merging = merging
        """`hash_behaviour: merge`: a mapping has the entries of those below it too."""
        self.layers: tuple[tuple[Layer, Mapping[str, Value]], ...] = tuple(layers)
        """Highest first. A mapping may compute its values on access (magic variables do)."""

    def lookup(self, name: str) -> Binding | None:
        """The binding that wins, or None where nothing defines `name`."""
        for layer, mapping in self.layers:
            if name in mapping:
                value = mapping[name]
                if self.merging and layer < Layer.LOOP and isinstance(value, dict):
                    value = self._merged(name)
                return Binding(value, layer)
        return None

    def _merged(self, name: str) -> Value:
        """The mappings of all layers as one, down to the first that holds something else."""
        found: list[Value] = []
        for layer, mapping in self.layers:
            if layer < Layer.LOOP and name in mapping:
                if not isinstance(mapping[name], dict):
                    break
                found.append(mapping[name])
        whole = found.pop()
        while found:
            whole = merged(whole, found.pop())
        return whole

    def all(self, name: str) -> list[Binding]:
        """Every binding of `name`, the winner first."""
        return [Binding(mapping[name], layer) for layer, mapping in self.layers if name in mapping]

    def __contains__(self, name: object) -> bool:
        return any(name in mapping for _, mapping in self.layers)

    def defined(self, names: frozenset[str]) -> set[str]:
        """Which of `names` are defined by anything but magic. One pass over the layers, for callers with many names."""
        found: set[str] = set()
        for layer, mapping in self.layers:
            if layer is not Layer.MAGIC:
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
            return Scope((self.layers[0], (layer, mapping), *self.layers[1:]), merging=self.merging)
        return Scope(((layer, mapping), *self.layers), merging=self.merging)
