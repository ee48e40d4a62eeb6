"""Before and after of one resource, and how a difference is shown."""
from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field

from engine.model.addresses import HostName
from engine.model.frozen import frozen
from engine.model.values import Value


@frozen(kw_only=True)
class Change:
    """What one task did to one thing. `before`/`after` are the module kind's own shape; None = does not exist.

    Bytes (file contents) are bytes here; the state keeps them as blobs.
    """

    kind: str
    identity: str
    before: Value
    after: Value
    reversible: bool = True
    reason: str = ""
    """Why it is not reversible; empty where it is."""
    module: str = ""
    """Native module that can apply the reversed change: `engine.modules.builtin.copy`."""
    args: Mapping[str, Value] = field(default_factory=dict, repr=False)
    """What that module was called with."""
    host: HostName = ""
    """The machine it happened on: the delegate, with delegate_to."""
    connection: str = ""
    """`local` where that machine was the controller itself, whatever the inventory says of the host; else empty."""
    become: Mapping[str, Value] = field(default_factory=dict)
    """{"method": …, "user": …}, without password; empty where no other user was needed."""
    replaced: str = ""
    """Why it is made anew, though it may be as wanted; empty where it is not."""
    way_back: Mapping[str, Value] | None = None
    """Of a task that says itself what it manages or how it is undone: action, args, environment; empty where it does not say how.
    None for all others. Then `before` and `after` are left to the state, which knows how often it was changed."""


@frozen(kw_only=True)
class Diff:
    """One difference as --diff shows it. `prepared` stands for both texts where a tool made the diff itself."""

    before: str = ""
    after: str = ""
    before_header: str = ""
    after_header: str = ""
    prepared: str = ""
