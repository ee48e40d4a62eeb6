"""Start, stop and enable services, whatever the init system: systemd where it runs, else init scripts or OpenRC.

Identity: `name`. Reversible: whether it runs and is enabled; a restart or reload is not undone.

Examples:
    - service: {name: nginx, state: started, enabled: true}
    - service: {name: nginx, state: reloaded}
"""
import sys

from engine.agent.sdk import Argument, Change, Fail, described, same
from engine.modules.builtin import systemd_service
from engine.modules.system.init_scripts import Scripts, there, values_of

MYPY = False
if MYPY:
    from typing import Any, Dict, Optional

    from engine.agent.host import Host
    from engine.agent.sdk import Context

ARGUMENTS = {
    "name": Argument("str", required=True, doc="Name of the service."),
    "state": Argument("str", choices=("started", "stopped", "reloaded", "restarted")),
    "enabled": Argument("bool", doc="Start it at boot."),
    "arguments": Argument("str", default="", aliases=("args",), doc="Further words for the init script."),
    "pattern": Argument("str", doc="Part of a command line; a process that has it is the running service."),
    "runlevel": Argument("str", default="default", doc="For OpenRC."),
    "sleep": Argument("int", doc="Seconds between stop and start of a restart."),
    "use": Argument("str", default="auto", doc="`systemd` or `sysvinit`: leave nothing to detection."),
}
FOR_SYSTEMD = ("daemon_reload", "daemon_reexec", "masked", "scope", "no_block", "force")
"""Arguments of `systemd_service` that are handed on where systemd runs, as Ansible does; elsewhere they mean nothing."""
ARGUMENTS.update((name, systemd_service.ARGUMENTS[name]) for name in FOR_SYSTEMD)
RESOURCE = "service"
IDENTITY = ("name",)
RESTORES = ("part", "whether it runs and is enabled; a restart or reload is not undone")

BOOTED = "/run/systemd/system"
"""A directory there is the sign that systemd runs. Source: sd_booted(3)."""
UNUSED = ("pattern", "sleep", "runlevel", "arguments")
"""Arguments without a meaning for systemd."""


def run(args: "Dict[str, Any]", host: "Host", context: "Context") -> "Dict[str, Any]":
    """Registers name, state, enabled and changed; with systemd its status too."""
    if by_systemd(args, host):
        values = systemd_service.run(for_systemd(args), host, context)
        for change in values.get("changes", []):
            change["module"] = __name__                     # the arguments recorded with it are this module's
        ignored = [each for each in UNUSED if args[each] != ARGUMENTS[each].default]
        if ignored:
            said = ['Ignoring "{0}" as it is not used in "systemd"'.format(each) for each in ignored]
            values["warnings"] = values.get("warnings", []) + said
        return values
    strange = [name for name in FOR_SYSTEMD if args[name] != ARGUMENTS[name].default]
    if strange:
        why = "They are for systemd, which is not running here"
        raise Fail("Unsupported parameters for (service) module: {0}. {1}".format(", ".join(strange), why))
    if args["state"] is None and args["enabled"] is None:
        raise Fail("one of the following is required: state, enabled")
    scripts = Scripts(args["name"], host, args["arguments"], args["runlevel"])
    before = state_of(args, scripts)
    verb = scripts.verb_for(args["state"], before.get("active", False))
    enabling = args["enabled"] is not None and args["enabled"] != before["enabled"]
    if context.check and verb and not context.foresees:
        return {"changed": True, "msg": "service state changed"}
    if not context.check:
        if enabling:
            scripts.enable(args["enabled"])
        if verb:
            scripts.do(verb, args["sleep"] or 0)
    return with_change(args, dict(values_of(args), changed=enabling or bool(verb)), before)


def by_systemd(args: "Dict[str, Any]", host: "Host") -> bool:
    if args["use"] in ("auto", "service"):
        return host.is_dir(BOOTED)
    if args["use"] in ("systemd", "systemd_service"):
        return True
    if args["use"] in ("sysvinit", "openrc"):
        return False
    raise Fail('Could not find the service manager "{0}"; `use` is auto, systemd or sysvinit'.format(args["use"]))


def for_systemd(args: "Dict[str, Any]") -> "Dict[str, Any]":
    given = {name: each.default for name, each in systemd_service.ARGUMENTS.items()}
    given.update((name, args[name]) for name in ("name", "state", "enabled") + FOR_SYSTEMD if name in args)
    return given


def state_of(args: "Dict[str, Any]", scripts: "Scripts") -> "Dict[str, Any]":
    state = {}  # type: Dict[str, Any]
    if args["state"] is not None:
        state["active"] = scripts.running(args["pattern"])
    if args["enabled"] is not None:
        state["enabled"] = scripts.enabled()
    known = scripts.host.foreseen(RESOURCE, args["name"]) or {}
    return {name: known.get(name, value) for name, value in state.items()}


def with_change(args: "Dict[str, Any]", values: "Dict[str, Any]", before: "Dict[str, Any]") -> "Dict[str, Any]":
    after = dict(before)
    if "active" in after:
        after["active"] = args["state"] != "stopped"
    if "enabled" in after:
        after["enabled"] = args["enabled"]
    if not same(before, after):
        values["changes"] = [described(sys.modules[__name__], args, Change(before, after))]
    return values


def inspect(args: "Dict[str, Any]", host: "Host") -> "Optional[Dict[str, Any]]":
    """active and enabled, as far as the task named them; None where there is no such service."""
    if by_systemd(args, host):
        return systemd_service.inspect(for_systemd(args), host)
    if not there(args["name"], host):
        return None
    return state_of(args, Scripts(args["name"], host, args["arguments"], args["runlevel"]))


def apply(args: "Dict[str, Any]", change: "Change", host: "Host") -> None:
    """Make a recorded state true again."""
    if by_systemd(args, host):
        systemd_service.apply(for_systemd(args), change, host)
        return
    scripts = Scripts(args["name"], host, args["arguments"], args["runlevel"])
    before, after = change.before or {}, change.after or {}
    if after.get("enabled") not in (None, before.get("enabled")):
        scripts.enable(after["enabled"])
    if after.get("active") not in (None, before.get("active")):
        scripts.do("start" if after["active"] else "stop", 0)
