"""Things that are there already and become known to the state: by which module each kind is looked at, and with what arguments."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from engine.model.addresses import ResourceAddress
from engine.model.frozen import frozen
from engine.model.values import Value

MODULES = "engine.modules.builtin."


@frozen(kw_only=True)
class Question:
    """One look at a resource, as a record of it keeps it."""

    module: str
    args: Mapping[str, Any]


def question(address: ResourceAddress) -> Question | None:
    """The first look; None where nothing can look at things of this kind."""
    way = WAYS.get(address.kind)
    if way is None:
        return None
    name, args = way
    return Question(module=MODULES + name, args=args(address.identity))


def closer(address: ResourceAddress, state: Value) -> Question | None:
    """A second look, at what the first one does not tell of: the content of a file. None where there is nothing more."""
    if address.kind == "file" and isinstance(state, Mapping) and state.get("type") == "file":
        return Question(module=MODULES + "copy", args={"dest": address.identity, "folder": False})
    return None


WAYS: Mapping[str, tuple[str, Callable[[str], dict[str, Any]]]] = {
    "file": ("file", lambda path: {"path": path, "follow": False}),
    "group": ("group", lambda name: {"name": name}),
    "package": ("apt", lambda name: {"package": [name]}),
    "service": ("service", lambda name: {"name": name, "state": "started", "enabled": True}),
    "user": ("user", lambda name: {"name": name}),
}
"""Kind → the module that looks, and its arguments by the name of the resource."""
