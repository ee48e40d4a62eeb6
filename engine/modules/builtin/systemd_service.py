"""Start, stop, enable and mask units of systemd.

Identity: `name`. Reversible: whether it runs, is enabled and is masked; a restart or reload is not undone.

Examples:
    - systemd_service: {name: nginx, state: started, enabled: true}
    - systemd_service: {name: app, state: restarted, daemon_reload: true}
"""
import sys

from engine.agent.sdk import Argument, Change, Fail, described, same
from engine.modules.system.units import Manager, known, require, script_of, values_of, verb_for

MYPY = False
if MYPY:
    from typing import Any, Dict, Optional

    from engine.agent.host import Host
    from engine.agent.sdk import Context

ARGUMENTS = {
    "name": Argument("str", aliases=("service", "unit"), doc="Name of the unit; .service may be left out."),
    "state": Argument("str", choices=("reloaded", "restarted", "started", "stopped")),
    "enabled": Argument("bool", doc="Start it at boot."),
    "masked": Argument("bool", doc="Make it impossible to start."),
    "force": Argument("bool", doc="Replace links that are in the way."),
    "daemon_reload": Argument("bool", default=False, aliases=("daemon-reload",), doc="Let systemd read its files again first."),
    "daemon_reexec": Argument("bool", default=False, aliases=("daemon-reexec",), doc="Let systemd start itself again first."),
    "scope": Argument("str", default="system", choices=("system", "user", "global")),
    "no_block": Argument("bool", default=False, doc="Do not wait until it is done."),
}
RULES = {
    "required_by": {"state": ("name",), "enabled": ("name",), "masked": ("name",)},
}
RESOURCE = "service"
IDENTITY = ("name",)
RESTORES = ("part", "whether it runs, is enabled and is masked; a restart or reload is not undone")


def run(args: "Dict[str, Any]", host: "Host", context: "Context") -> "Dict[str, Any]":
    """Registers name, status, state, enabled and changed."""
    manager = Manager(host, args["scope"], bool(args["force"]), args["no_block"])
    for verb in ("daemon-reexec", "daemon-reload"):
        if args[verb.replace("-", "_")] and not context.check:
            done = manager.ask(verb)
            if done.code:
                raise Fail("failure {0} during {1}: {2}".format(done.code, verb, done.stderr.decode("utf-8", "replace")))
    unit = args["name"]
    if not unit:
        return {"name": unit, "status": {}}
    for sign in "*?[":
        if sign in unit:
            raise Fail("This module does not currently support using glob patterns, found '{0}' in service name: {1}".format(sign, unit))
    status = manager.properties(unit)
    if not known(status, unit, host, args["scope"]) and status and args["masked"] is None:
        raise Fail("Could not find the requested service {0}: host".format(unit))
    warnings = []
    if status.get("LoadState") == "not-found" and script_of(unit, host):
        warnings.append("The service ({0}) is actually an init script but the system is managed by systemd".format(unit))
    try:
        values = settled(args, manager, status, context.check)
    except Fail as fail:
        if warnings:
            fail.values["warnings"] = warnings
        raise
    if warnings:
        values["warnings"] = warnings
    return values


def settled(args: "Dict[str, Any]", manager: "Manager", status: "Dict[str, str]", check: bool) -> "Dict[str, Any]":
    """Mask, enable, start: as far as it is not so already."""
    before = state_of(args, manager, status)
    changed = settle_files(args, manager, before, check)
    if "active" in (manager.host.foreseen(RESOURCE, args["name"]) or {}):
        status = dict(status, ActiveState="active" if before.get("active") else "inactive")
    verb = verb_for(args["state"], status)
    if verb and not check:
        require(manager.tell(verb, args["name"]), "Unable to {0} service {1}".format(verb, args["name"]))
    values = dict(values_of(args, status), changed=changed or bool(verb))
    return with_change(args, values, before)


def state_of(args: "Dict[str, Any]", manager: "Manager", status: "Dict[str, str]") -> "Dict[str, Any]":
    """What the task is about, of active, enabled and masked."""
    state = {}  # type: Dict[str, Any]
    if args["state"] is not None:
        state["active"] = status.get("ActiveState") in ("active", "activating", "reloading")
    if args["enabled"] is not None or args["masked"] is not None:
        found = manager.enablement(args["name"])
        for name in ("enabled", "masked"):
            if args[name] is not None:
                state[name] = found[name]
    known = manager.host.foreseen(RESOURCE, args["name"]) or {}
    return {name: known.get(name, value) for name, value in state.items()}


def settle_files(args: "Dict[str, Any]", manager: "Manager", before: "Dict[str, Any]", check: bool) -> bool:
    """Mask and enable, as far as it is not so; was anything to be done?"""
    changed = False
    for name, verbs in (("masked", ("unmask", "mask")), ("enabled", ("disable", "enable"))):
        if args[name] is None or args[name] == before[name]:
            continue
        changed = True
        if not check:
            verb = verbs[int(args[name])]
            require(manager.tell(verb, args["name"]), "Unable to {0} service {1}".format(verb, args["name"]))
    return changed


def with_change(args: "Dict[str, Any]", values: "Dict[str, Any]", before: "Dict[str, Any]") -> "Dict[str, Any]":
    """The values with the change to be recorded, where a state differs afterwards."""
    after = {name: args[name] for name in ("enabled", "masked") if name in before}  # type: Dict[str, Any]
    if "active" in before:
        after["active"] = args["state"] != "stopped"
    if not same(before, after):
        values["changes"] = [described(sys.modules[__name__], args, Change(before, after))]
    return values


def inspect(args: "Dict[str, Any]", host: "Host") -> "Optional[Dict[str, Any]]":
    """active, enabled and masked, as far as the task named them; None where there is no such unit."""
    manager = Manager(host, args["scope"])
    status = manager.properties(args["name"])
    if not known(status, args["name"], host, args["scope"]):
        return None
    return state_of(args, manager, status)


def apply(args: "Dict[str, Any]", change: "Change", host: "Host") -> None:
    """Make a recorded state true again."""
    if change.before is None:
        raise Fail("Could not find the requested service {0}: host".format(args["name"]))
    manager = Manager(host, args["scope"], bool(args["force"]))
    after = dict(change.after or {})
    wanted = {name: after.get(name) for name in ("enabled", "masked")}
    settle_files(dict(wanted, name=args["name"]), manager, change.before, False)
    if after.get("active") not in (None, change.before.get("active")):
        verb = "start" if after["active"] else "stop"
        require(manager.tell(verb, args["name"]), "Unable to {0} service {1}".format(verb, args["name"]))
