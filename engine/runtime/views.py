"""Variables as templates and actions see them: names looked up and rendered on access, nothing copied."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING

from engine.inventory.tree import LOCALHOSTS
from engine.model.addresses import HostName
from engine.model.values import Value
from engine.templating.missing import Missing

if TYPE_CHECKING:
    from engine.templating.renderer import Renderer


class VariablesView(Mapping[str, Value]):
    """The rendered variables of one scope, as an action asks for them."""

    __slots__ = ("renderer",)

    def __init__(self, renderer: Renderer) -> None:
        self.renderer = renderer

    def __getitem__(self, name: str) -> Value:
        if name not in self.renderer.scope:
            raise KeyError(name)
        return self.renderer.name(name)

    def __contains__(self, name: object) -> bool:
        return name in self.renderer.scope

    def __iter__(self) -> Iterator[str]:
        return self.renderer.scope.names()

    def __len__(self) -> int:
        return sum(1 for _ in self.renderer.scope.names())

    def lazily(self, name: str) -> Value:
        """As `get`; of a mapping or a list only what is read is rendered."""
        value: Value = self.renderer.value_of(name) if name in self else None
        return value

    def names(self) -> list[str]:
        return list(self.renderer.scope.names())

    def get(self, name: str, default: Value = None) -> Value:
        return self[name] if name in self else default  # noqa: SIM401  (the hint is this very method)


class HostVars(Mapping[HostName, Value]):
    """`hostvars`: every host's variables, seen from outside the play. A host's view is made when it is asked for."""

    def __init__(self, hosts: Callable[[], Mapping[HostName, object]], view: Callable[[HostName], Mapping[str, Value]]) -> None:
        self._hosts = hosts
        self._view = view

    def __getitem__(self, host: HostName) -> Value:
        """Its variables; of a host that nobody knows, what fails by that name when it is used: of `get` too, as in Ansible."""
        return self._view(host) if host in self else Missing(f"hostvars[{str(host)!r}]")

    def __contains__(self, host: object) -> bool:
        return host in self._hosts() or host in LOCALHOSTS

    def __iter__(self) -> Iterator[HostName]:
        return iter(self._hosts())

    def __len__(self) -> int:
        return len(self._hosts())
