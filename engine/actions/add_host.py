"""`add_host`: a host that the inventory learns of while the run goes on. Later plays can use it."""
from __future__ import annotations

import re
from collections.abc import Mapping

from engine.actions.base import ActionCall
from engine.model.effect import AddHost
from engine.model.outcome import ModuleResult
from engine.model.values import Value

CONNECTS = False
RESTORES = ("-", "works on the controller alone")
ONCE = True
"""Runs for the first host alone, whatever the number of hosts: what it names is one thing."""
NAMES = ("name", "hostname", "host")
GROUPS = ("groups", "groupname", "group")
TAKEN = frozenset(("name", "hostname", "groupname", "groups"))
"""Arguments that are no variables of the new host. `host` and `group` are: so it is in Ansible, and playbooks may read them."""
BRACKETED = re.compile(r"\[(?P<host>[^\]]+)\](?::(?P<port>\d+))?\Z")
PLAIN = re.compile(r"(?P<host>[^:]+):(?P<port>\d+)\Z")


async def run(call: ActionCall) -> ModuleResult:
    """Registers `add_host` (host_name, groups, host_vars); the inventory changes through the effect `AddHost`."""
    args = call.invocation.args
    name = first(args, NAMES)
    if name is None:
        return ModuleResult.refusal("name, host or hostname needs to be provided")
    if not isinstance(name, str) or not name.strip():
        return ModuleResult.refusal(f"Invalid host name: {name!r}. A text that is not empty is needed.")
    groups = group_names(first(args, GROUPS))
    if groups is None:
        return ModuleResult.refusal("Groups must be specified as a list.")
    if not all(isinstance(group, str) and group for group in groups):
        return ModuleResult.refusal(f"Invalid empty group name provided: {groups}")
    host, port = split_port(name)
    variables: dict[str, Value] = {key: value for key, value in args.items() if key not in TAKEN}
    if port is not None:
        variables["ansible_ssh_port"] = port
    added = AddHost(call.host, host, tuple(groups), variables)
    changed = added not in call.earlier.get(host, ()) and is_new(call, host, groups, variables)
    call.effects.append(added)
    return ModuleResult(values={"add_host": {"host_name": host, "groups": groups, "host_vars": variables}}, changed=changed)


def first(args: Mapping[str, Value], names: tuple[str, ...]) -> Value:
    """The value of the first of `names` that was given, or None."""
    return next((args[name] for name in names if args.get(name) is not None), None)


def group_names(given: Value) -> list[Value] | None:
    """A list, or names with commas between, as a list; None where it is neither."""
    if not given and given != 0:
        return []
    if isinstance(given, str):
        return [name.strip() for name in given.split(",")]
    return list(given) if isinstance(given, list) else None


def split_port(name: str) -> tuple[str, int | None]:
    """`web1:2222` and `[2001:db8::1]:22` in two; a bare IPv6 address has no port."""
    found = BRACKETED.match(name) or PLAIN.match(name)
    if found is None:
        return name, None
    return found["host"], int(found["port"]) if found["port"] else None


def is_new(call: ActionCall, host: str, groups: list[str], variables: Mapping[str, Value]) -> bool:
    """Does this change the inventory: the host, one of its groups, or one of its variables?"""
    known = call.variables.lazily("groups") or {}
    if any(host not in known.get(group, ()) for group in ("all", *groups)):
        return True
    if not variables:
        return False
    now = (call.variables.lazily("hostvars") or {}).get(host) or {}
    return any(key not in now or call.rendering.render(now[key]) != value for key, value in variables.items())
