"""Wait for a port, a file, a text in either, or just for some time.

Identity: none. Reversible: there is nothing to undo.

Examples:
    - wait_for: {port: 8080, delay: 2, timeout: 60}
    - wait_for: {path: /var/log/app.log, search_regex: "started in (\\d+) ms"}
    - wait_for: {timeout: 5}
"""
from engine.agent.sdk import Argument, Fail
from engine.modules.system import waiting

MYPY = False
if MYPY:
    from typing import Any, Dict

    from engine.agent.host import Host
    from engine.agent.sdk import Context

STATES = ["ESTABLISHED", "FIN_WAIT1", "FIN_WAIT2", "SYN_RECV", "SYN_SENT", "TIME_WAIT"]
ARGUMENTS = {
    "host": Argument("str", default="127.0.0.1", doc="Name or address."),
    "port": Argument("int"),
    "path": Argument("path", doc="A file that must exist, or must not."),
    "search_regex": Argument("str", doc="Regular expression, multi-line, for the file or what the port sends."),
    "state": Argument("str", default="started", choices=("absent", "drained", "present", "started", "stopped")),
    "delay": Argument("int", default=0, doc="Seconds before the first look."),
    "timeout": Argument("int", default=300, doc="Seconds until it fails; with nothing to wait for, seconds to wait."),
    "sleep": Argument("int", default=1, doc="Seconds between two looks."),
    "connect_timeout": Argument("int", default=5, doc="Seconds for one connection."),
    "active_connection_states": Argument("list", elements="str", default=STATES),
    "exclude_hosts": Argument("list", elements="str", doc="drained: hosts whose connections do not count."),
    "msg": Argument("str", doc="Instead of the message of a failure."),
}
RESOURCE = ""
RESTORES = ("-", "waits")
CHECK = False


def run(args: "Dict[str, Any]", host: "Host", context: "Context") -> "Dict[str, Any]":
    """Registers elapsed (whole seconds), state, port, search_regex, path, match_groups and match_groupdict."""
    refuse(args)
    found = waiting.wait(args, host)
    if not found.reached:
        raise Fail(args["msg"] or message(args), elapsed=found.elapsed)
    values = {name: args[name] for name in ("state", "port", "search_regex", "path")}
    if args["path"]:
        values.update(of_file(args["path"], host))
    return dict(values, elapsed=found.elapsed, match_groups=list(found.groups), match_groupdict=found.named)


def of_file(path: str, host: "Host") -> "Dict[str, Any]":
    """What Ansible registers of every file that a module names: owner, group, mode, size, state."""
    state = host.file_state(path, content=False)
    if state is None:
        return {"state": "absent"}
    values = {name: state[name] for name in ("uid", "gid", "owner", "group")}
    found = host.lstat(path)
    values.update(mode="0{0:o}".format(state["mode"]), state=state["type"], size=0 if found is None else found.st_size)
    return values


def refuse(args: "Dict[str, Any]") -> None:
    """Raises Fail for arguments that do not go together, in Ansible's words."""
    if args["port"] and args["path"]:
        raise Fail("port and path parameter can not both be passed to wait_for", elapsed=0)
    if args["path"] and args["state"] == "stopped":
        raise Fail("state=stopped should only be used for checking a port in the wait_for module", elapsed=0)
    if args["path"] and args["state"] == "drained":
        raise Fail("state=drained should only be used for checking a port in the wait_for module", elapsed=0)
    if args["exclude_hosts"] is not None and args["state"] != "drained":
        raise Fail("exclude_hosts should only be with state=drained", elapsed=0)
    unknown = [each for each in args["active_connection_states"] if each.upper() not in waiting.TCP_STATES]
    if unknown:
        raise Fail("unknown active_connection_state ({0}) defined".format(unknown[0]), elapsed=0)


def message(args: "Dict[str, Any]") -> str:
    """Why it failed, in Ansible's words."""
    where = "{0}:{1}".format(args["host"], args["port"])
    if args["state"] == "drained":
        return "Timeout when waiting for {0} to drain".format(where)
    if args["state"] in ("absent", "stopped"):
        if args["port"]:
            return "Timeout when waiting for {0} to stop.".format(where)
        return "Timeout when waiting for {0} to be absent.".format(args["path"])
    if args["port"]:
        if args["search_regex"]:
            return "Timeout when waiting for search string {0} in {1}".format(args["search_regex"], where)
        return "Timeout when waiting for {0}".format(where)
    if args["search_regex"]:
        return "Timeout when waiting for search string {0} in {1}".format(args["search_regex"], args["path"])
    return "Timeout when waiting for file {0}".format(args["path"])
