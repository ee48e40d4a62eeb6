"""Reading users and groups: the account databases as the system's resolver sees them, and the shadow file."""
from engine.agent.sdk import Fail

MYPY = False
if MYPY:
    from typing import Any, Dict, List, Optional

    from engine.agent.host import Host

SHADOW = "/etc/shadow"
TRIES = 20
"""How often a tool is started while another one holds the lock of the account files."""
CHOSEN_LATER = 2 ** 32 - 65536
"""Numbers from here on stand for those that the system is yet to choose; see agent/foreseen.py."""
OPEN = object()
"""Nothing is foreseen."""
AGES = ("min", "max", "warn", "inactive", "expires")
PAUSE = 0.5
"""Seconds between those tries."""


def user_line(name: str, host: "Host", local: bool) -> "Optional[Dict[str, Any]]":
    """name, uid, gid, comment, home, shell; None where there is no such user. `local` looks at /etc/passwd alone."""
    known = host.foreseen("user", name, OPEN)
    if known is not OPEN:
        return None if known is None else foreseen_line(known, host)
    if local:
        fields = line_of("/etc/passwd", name, host)
        if fields is None or len(fields) < 7:
            return None
        return {"name": name, "uid": int(fields[2]), "gid": int(fields[3]), "comment": fields[4], "home": fields[5], "shell": fields[6]}
    import pwd

    try:
        found = pwd.getpwnam(name)
    except KeyError:
        return None
    return {
        "name": name, "uid": found.pw_uid, "gid": found.pw_gid,
        "comment": found.pw_gecos, "home": found.pw_dir, "shell": found.pw_shell,
    }


def shown_number(number: "Optional[int]") -> str:
    """A uid or gid for people; of an account that is not made yet the system chooses it."""
    return "(known after apply)" if number is None or number >= CHOSEN_LATER else str(number)


def foreseen_line(state: "Dict[str, Any]", host: "Host") -> "Dict[str, Any]":
    """The line of an account as an earlier task would have made it; see Host.foreseen."""
    name = state["name"]
    return {
        "name": name, "uid": host.uid(name), "gid": host.gid(state.get("group") or name), "comment": state.get("comment") or "",
        "home": state.get("home") or "/home/" + name, "shell": state.get("shell") or "/bin/sh",
    }


def users(host: "Host") -> "List[Dict[str, Any]]":
    """Every account, with those that earlier tasks would have made and without those that they would have removed."""
    import pwd

    names = {each.pw_name for each in pwd.getpwall()} | set(host.foreseen_names("user"))
    return [line for line in (user_line(name, host, False) for name in sorted(names)) if line is not None]


def group_line(name: str, host: "Host", local: bool) -> "Optional[Dict[str, Any]]":
    """name, gid, members; None where there is no such group."""
    known = host.foreseen("group", name, OPEN)
    if known is not OPEN:
        return None if known is None else {"name": name, "gid": host.gid(name), "members": known.get("noted", {}).get("members", [])}
    if local:
        fields = line_of("/etc/group", name, host)
        if fields is None or len(fields) < 4:
            return None
        return {"name": name, "gid": int(fields[2]), "members": [each for each in fields[3].split(",") if each]}
    import grp

    try:
        found = grp.getgrnam(name)
    except KeyError:
        return None
    return {"name": name, "gid": found.gr_gid, "members": list(found.gr_mem)}


def group_named(given: str, host: "Host", local: bool) -> str:
    """The name of a group given by name or number; "" where there is none."""
    found = group_line(given, host, local)
    if found is not None:
        return str(found["name"])
    if given.isdigit():
        import grp

        try:
            return grp.getgrgid(int(given)).gr_name
        except KeyError:
            return ""
    return ""


def groups_of(name: str, gid: int, host: "Host") -> "List[str]":
    """Names of the groups that have the user as a member, in the database's order; the primary one is left out."""
    known = host.foreseen("user", name)
    if known is not None:
        return [each for each in known.get("groups") or [] if is_left(each, host)]
    import grp

    return [each.gr_name for each in grp.getgrall() if name in each.gr_mem and each.gr_gid != gid and is_left(each.gr_name, host)]


def is_left(group: str, host: "Host") -> bool:
    """Would the group still be there, and the same one? With one that goes, and comes again, its members are gone."""
    known = host.foreseen("group", group, OPEN)
    return known is OPEN or (known is not None and known.get("noted", {}).get("members") != [])


def shadow_line(name: str, host: "Host") -> "Dict[str, Any]":
    """password (the hash) and days: last, min, max, warn, inactive, expires. None for each that is not set or not readable.

    Source: shadow(5).
    """
    known = host.foreseen("user", name)
    if known is not None:
        return dict({each: known.get(each) for each in AGES}, password=known.get("password", "!"), last=None)
    fields = line_of(SHADOW, name, host) or []
    names = ("last", "min", "max", "warn", "inactive", "expires")
    found = {"password": fields[1] if len(fields) > 1 else None}  # type: Dict[str, Any]
    for number, each in enumerate(names, 2):
        text = fields[number] if len(fields) > number else ""
        found[each] = int(text) if text.lstrip("-").isdigit() else None
    return found


def line_of(path: str, name: str, host: "Host") -> "Optional[List[str]]":
    """The fields of one line of a colon separated file; None where it is not there or the file cannot be read."""
    try:
        content = host.read_bytes(path)
    except OSError:
        return None
    start = name.encode("utf-8", "surrogateescape") + b":"
    for line in content.split(b"\n"):
        if line.startswith(start):
            return line.decode("utf-8", "surrogateescape").split(":")
    return None


def tool(name: str, host: "Host") -> str:
    """Path of a program that must be there."""
    found = host.which(name, required=True)
    assert found is not None
    return found


def changed_by(argv: "List[str]", host: "Host", subject: str, secret: bytes = b"") -> "Dict[str, str]":
    """Run a tool that edits the account files, again while another one holds their lock; what it said.

    `secret` goes to its standard input: arguments can be read by every user of the machine.
    Raises Fail with the tool's own words.
    """
    import time

    for attempt in range(TRIES):
        done = host.run(argv, stdin=secret, locale=True)
        said = done.stderr.decode("utf-8", "replace")
        if done.code == 0 or "cannot lock" not in said or attempt == TRIES - 1:
            break
        time.sleep(PAUSE)
    out = done.stdout.decode("utf-8", "replace")
    if done.code:
        raise Fail(said or out or "{0} failed with code {1}".format(argv[0], done.code), name=subject, rc=done.code)
    return {"stdout": out, "stderr": said}


def spoken(outputs: "List[Dict[str, str]]") -> "Dict[str, str]":
    """What several tools said, as it is registered: nothing where they were silent."""
    joined = {}
    for stream in ("stdout", "stderr"):
        text = "".join(each[stream] for each in outputs)
        if text:
            joined[stream] = text
    return joined
