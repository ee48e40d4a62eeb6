"""What a check mode that sees its own plan remembers of the run so far: what its tasks would have changed, machine by machine.

Agents are told with each call what they do not know yet, and answer as if it had been done (agent/foreseen.py).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from engine.connections.session import AgentSession
from engine.connections.target import ExecutionTarget
from engine.model.addresses import HostName, ResourceAddress, RunId
from engine.model.change import Change

Machine = tuple[str, str, int]
NEEDS_BEFORE = frozenset(("user", "group"))
"""Kinds that take other things with them when they go: what they were is told, too."""


@dataclass(slots=True)
class Foresight:
    """One run's. Hosts of the inventory that are one machine (several names, `connection: local`) share what is foreseen."""

    run: RunId
    _changes: dict[Machine, list[dict[str, Any]]] = field(default_factory=dict)
    uncertain: dict[HostName, str] = field(default_factory=dict)
    """Hosts on which something of unknown effect would have run, with what it was: there a failure is not certain any more."""
    about: set[ResourceAddress] = field(default_factory=set)
    """What its tasks manage, changed or not."""
    packages: set[HostName] = field(default_factory=set)
    """Hosts whose packages would have changed."""

    def news(self, session: AgentSession, target: ExecutionTarget) -> dict[str, Any]:
        """What goes with a call: all that this agent has not acknowledged yet."""
        changes = self._changes.get(machine_of(target), [])
        known = session.foreseen.get(self.run, 0)
        return {"run": self.run, "from": known, "changes": changes[known:]}

    def told(self, session: AgentSession, news: Mapping[str, Any]) -> None:
        """The agent has answered a call with these news."""
        session.foreseen[self.run] = max(session.foreseen.get(self.run, 0), news["from"] + len(news["changes"]))

    def add(self, target: ExecutionTarget, changes: Iterable[Change], args: Mapping[str, Any]) -> None:
        """A module, called with `args`, would have done this."""
        made = self._changes.setdefault(machine_of(target), [])
        for change in changes:
            before, after = change.before if change.kind in NEEDS_BEFORE else None, change.after
            if change.kind == "file" and isinstance(after, Mapping) and after.get("content", b"") is None:
                content = contents_of(args).get(str(after.get("digest")))
                after = after if content is None else {**after, "content": content}
            made.append({"kind": change.kind, "identity": change.identity, "before": before, "after": after})


def contents_of(args: Mapping[str, Any]) -> dict[str, bytes]:
    """What was sent along with a call of copy, by its SHA-1: the states of modules hold the digest alone."""
    contents = args.get("contents") or {}
    found = {str(each.get("digest")): contents[each["path"]] for each in args.get("entries") or () if each.get("path") in contents}
    if isinstance(args.get("content"), bytes):
        found[str(args.get("digest"))] = args["content"]
    return found


def machine_of(target: ExecutionTarget) -> Machine:
    """The machine behind a target, whoever one is there."""
    return ("local", "", 0) if target.transport == "local" else (target.transport, target.address or target.host, target.port or 0)
