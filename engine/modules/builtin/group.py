"""Keep a group of users, or keep it away.

Identity: `name`. Reversible: yes; a group that is put back has its number and its members again.

Examples:
    - group: {name: admins, gid: 1200}
    - group: {name: guests, state: absent}
"""
from engine.agent.sdk import Argument, Fail
from engine.modules.system.accounts import changed_by, group_line, shown_number, tool, users

MYPY = False
if MYPY:
    from typing import Any, Dict, List, Optional

    from engine.agent.host import Host
    from engine.agent.sdk import Change

ARGUMENTS = {
    "name": Argument("str", required=True, doc="Name of the group."),
    "gid": Argument("int", doc="Its number."),
    "state": Argument("str", default="present", choices=("absent", "present")),
    "system": Argument("bool", default=False, doc="Choose a number from the range for system groups."),
    "local": Argument("bool", default=False, doc="Use the tools of libuser, and /etc/group alone."),
    "non_unique": Argument("bool", default=False, doc="Accept a `gid` that another group has."),
    "force": Argument("bool", default=False, doc="Remove it even if it is someone's primary group."),
    "gid_min": Argument("int", doc="Lowest number to choose; instead of GID_MIN in /etc/login.defs."),
    "gid_max": Argument("int", doc="Highest number to choose."),
}
RULES = {"required_if": [("non_unique", True, ("gid",))], "mutually_exclusive": [("local", "gid_min"), ("local", "gid_max")]}
RESOURCE = "group"
IDENTITY = ("name",)
RESTORES = ("all", "the group, with its number and members")


def inspect(args: "Dict[str, Any]", host: "Host") -> "Optional[Dict[str, Any]]":
    """name and gid; the members are noted for the way back, but belong to the users."""
    found = group_line(args["name"], host, args["local"])
    if found is None:
        return None
    return {"name": found["name"], "gid": found["gid"], "noted": {"members": found["members"]}}


def desire(args: "Dict[str, Any]", before: "Optional[Dict[str, Any]]") -> "Optional[Dict[str, Any]]":
    """The group as it should be; gid None where the system shall choose."""
    if args["state"] == "absent":
        return None
    if before is None:
        return {"name": args["name"], "gid": args["gid"]}
    return dict(before, gid=before["gid"] if args["gid"] is None else args["gid"])


def apply(args: "Dict[str, Any]", change: "Change", host: "Host") -> None:
    """groupadd, groupmod or groupdel; afterwards `change.after` holds the number that the system chose."""
    prefix = "l" if args["local"] else ""
    name = args["name"]
    if change.after is None:
        force = ["-f"] if args["force"] and not args["local"] else []
        changed_by([tool(prefix + "groupdel", host)] + force + [name], host, name)
    elif change.before is None:
        changed_by([tool(prefix + "groupadd", host)] + number_options(args, change.after["gid"]) + new_options(args) + [name], host, name)
        members = change.after.get("noted", {}).get("members")
        if members:
            changed_by([tool("gpasswd", host), "-M", ",".join(members), name], host, name)
    elif change.after["gid"] != change.before["gid"]:
        changed_by([tool(prefix + "groupmod", host)] + number_options(args, change.after["gid"]) + [name], host, name)
    change.after = inspect(args, host)


def foresee(args: "Dict[str, Any]", change: "Change", host: "Host") -> None:
    """What groupadd and groupdel refuse: a number that another group has, a group that is a user's primary one."""
    before, after = change.before, change.after
    if after is None and not args["force"]:
        for line in users(host):
            if line["gid"] == before["gid"]:
                raise Fail("cannot remove the primary group of user '{0}'".format(line["name"]), name=args["name"], rc=8)
    if after is not None and after["gid"] is not None and not args["non_unique"] and (before is None or before["gid"] != after["gid"]):
        owner = host.group_name(after["gid"])
        if owner not in (str(after["gid"]), args["name"]):
            raise Fail("GID '{0}' already exists".format(after["gid"]), name=args["name"], rc=4)


def number_options(args: "Dict[str, Any]", gid: "Optional[int]") -> "List[str]":
    if gid is None:
        return []
    return ["-g", str(gid)] + (["-o"] if args["non_unique"] else [])


def new_options(args: "Dict[str, Any]") -> "List[str]":
    options = ["-r"] if args["system"] else []
    for name, key in (("gid_min", "GID_MIN"), ("gid_max", "GID_MAX")):
        if args[name] is not None:
            options += ["-K", "{0}={1}".format(key, args[name])]
    return options


def report(args: "Dict[str, Any]", change: "Change", host: "Host") -> "Dict[str, Any]":
    """name, state and, while the group exists, gid and system. In check mode nothing is invented for a group that is not there yet."""
    found = inspect(args, host)
    values = {"name": args["name"], "state": args["state"]}
    if args["state"] == "absent":
        return {} if found is not None else values
    if found is None:
        return {}
    values.update(gid=found["gid"], system=args["system"])
    return values


def shown(args: "Dict[str, Any]", change: "Change") -> "List[Dict[str, Any]]":
    """name and number, a line each."""
    texts = ["" if state is None else "gid: {0}\nname: {1}\n".format(shown_number(state["gid"]), state["name"])
             for state in (change.before, change.after)]
    return [{"before": texts[0], "after": texts[1], "before_header": args["name"], "after_header": args["name"]}]
