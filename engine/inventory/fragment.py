"""What one source says, before sources are merged. Readers fill it; a source that fails leaves no half of itself behind."""
from __future__ import annotations

from dataclasses import dataclass, field

from engine.errors import ParseError
from engine.model.addresses import HostName
from engine.model.problem import Problem
from engine.model.source import Span
from engine.model.variables import Variables


@dataclass(slots=True)
class GroupFragment:
    hosts: dict[HostName, None] = field(default_factory=dict)
    children: dict[str, Span] = field(default_factory=dict)
    vars: Variables = field(default_factory=Variables)


@dataclass(slots=True)
class Fragment:
    """Hosts and groups in the order in which the source names them."""

    source: str
    directory: str = ""
    hosts: dict[HostName, Variables] = field(default_factory=dict)
    groups: dict[str, GroupFragment] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    """Warnings; what is worse is raised."""

    def group(self, name: str) -> GroupFragment:
        found = self.groups.get(name)
        if found is None:
            found = self.groups[name] = GroupFragment()
        return found

    def host(self, name: HostName) -> Variables:
        """The host's variables, to be filled."""
        found = self.hosts.get(name)
        if found is None:
            found = self.hosts[name] = Variables()
        return found


def refused(span: Span | None, detail: str, *, code: str = "inventory-syntax", hint: str = "") -> ParseError:
    """An error in the text of an inventory source."""
    return ParseError(Problem(code=code, summary="This inventory source cannot be read", detail=detail, span=span, hint=hint))
