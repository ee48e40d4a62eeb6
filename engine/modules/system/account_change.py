"""Making, changing and removing a user account with the tools of the shadow suite (or libuser, for `local`)."""
import os

from engine.agent.sdk import Fail
from engine.modules.system import home
from engine.modules.system.accounts import changed_by, group_line, group_named, line_of, spoken, tool, user_line
from engine.modules.system.files import made_directory

MYPY = False
if MYPY:
    from typing import Any, Dict, List, Optional

    from engine.agent.host import Host
    from engine.agent.sdk import Change

SKELETON = "/etc/skel"
AGE_OPTIONS = {"min": "-m", "max": "-M", "warn": "-W", "inactive": "-I", "expires": "-E"}


def create(args: "Dict[str, Any]", change: "Change", host: "Host") -> "Dict[str, Any]":
    """A new account, or one that comes back; the words of the tools and what was `noted`."""
    after = change.after
    name = after["name"]
    back = change.recorded is not None or "noted" in after
    outputs = []
    if back:
        outputs += group_again(after, host)
    check_groups(after, host, args["local"])
    place = after.get("home") or "/home/" + name
    fresh_home = not host.exists(place)
    parents = home.parents_to_make(place, host) if after.get("home_exists") else []
    for each in parents:
        host.makedirs(each, 0o755)
    own_group = group_line(name, host, args["local"])
    outputs.append(changed_by(create_words(args, after, back, host), host, name))
    now = user_line(name, host, args["local"])
    if now is None:
        raise Fail("{0} was made, but the system does not know it".format(name), name=name)
    for part, path in (("home", now["home"]), ("mail", "/var/mail/" + name)):
        if part in after.get("entries", {}):
            host.make_file(path, after["entries"][part])
    outputs += settle(args, {}, after, host)
    if back:
        subordinate_again(after, host)
    if after.get("ssh_key") is not None and after["ssh_key"]["digest"] is None:
        home.generate_key(args, home.key_path(args, now["home"]), now, host)
    values = dict(spoken(outputs))  # type: Dict[str, Any]
    values["noted"] = footprint(now["home"], parents, fresh_home, host)
    values["changes"] = [made_directory(each, host) for each in parents]
    its_group = group_line(name, host, args["local"])
    if own_group is None and its_group is not None:
        values["noted"]["group_made"] = its_group["gid"]
    return values


def group_again(after: "Dict[str, Any]", host: "Host") -> "List[Dict[str, str]]":
    """The primary group of an account that comes back: it went with the account."""
    if group_line(after["group"], host, False) is not None:
        return []
    return [changed_by([tool("groupadd", host), "-g", str(after["gid"]), after["group"]], host, after["name"])]


def check_groups(after: "Dict[str, Any]", host: "Host", local: bool) -> None:
    for given in [after.get("group")] + list(after.get("groups") or []):
        if given and not group_named(given, host, local):
            raise Fail("Group {0} does not exist".format(given))


def create_words(args: "Dict[str, Any]", after: "Dict[str, Any]", back: bool, host: "Host") -> "List[str]":
    """The command line of useradd (luseradd for `local`)."""
    words = [tool("luseradd" if args["local"] else "useradd", host)]
    if after.get("uid") is not None:
        words += ["-u", str(after["uid"])] + (["-o"] if args["non_unique"] else [])
    if after.get("group"):
        words += ["-g", after["group"]]
    elif group_line(after["name"], host, args["local"]) is not None:
        words.append("-n" if args["local"] else "-N")       # a group of its name is there: useradd would refuse to make it
    if after.get("groups") and not args["local"]:
        words += ["-G", ",".join(after["groups"])]
    for name, option in (("comment", "-c"), ("home", "-d"), ("shell", "-s")):
        if after.get(name) is not None:
            words += [option, after[name]]
    restored = "home" in after.get("entries", {})
    if after.get("home_exists") and not restored and not (back and host.exists(after["home"])):
        words += [] if args["local"] else ["-m"]
        words += ["-k", args["skeleton"]] if args["skeleton"] else []
        words += ["-K", "UMASK=" + args["umask"]] if args["umask"] and not args["local"] else []
    else:
        words.append("-M")
    words += ["-r"] if args["system"] else []
    for name, key in (("uid_min", "UID_MIN"), ("uid_max", "UID_MAX")):
        words += ["-K", "{0}={1}".format(key, args[name])] if args[name] is not None else []
    return words + [after["name"]]


def footprint(place: str, parents: "List[str]", fresh_home: bool, host: "Host") -> "Dict[str, Any]":
    """What was made beside the account, so that a rollback can tell whether anybody used it."""
    if not fresh_home or not host.is_dir(place):
        return {}
    return {"home_made": {"path": place, "fingerprint": home.fingerprint(place, host), "parents": parents}}


def modify(args: "Dict[str, Any]", change: "Change", host: "Host") -> "Dict[str, Any]":
    """The differences between two accounts, in one usermod and what usermod cannot do."""
    before, after = change.before, change.after
    name = after["name"]
    outputs = []
    if "gid" in after and after["gid"] != before["gid"]:
        outputs += group_again(after, host)
    words = modify_words(args, before, after, host)
    if words:
        outputs.append(changed_by([tool("lusermod" if args["local"] else "usermod", host)] + words + [name], host, name))
    if args["local"] and after["groups"] != before["groups"]:
        outputs += local_groups(before, after, host)
    outputs += settle(args, before, after, host)
    now = user_line(name, host, args["local"])
    assert now is not None
    values = {}  # type: Dict[str, Any]
    if after["home_exists"] and not host.exists(now["home"]):
        parents = home.parents_to_make(now["home"], host)
        for each in parents:
            host.makedirs(each, 0o755)
        home.make_home(now["home"], args["skeleton"] or SKELETON, home.home_mode(args["umask"], host), now["uid"], now["gid"], host)
        values["noted"] = footprint(now["home"], parents, True, host)
        values["changes"] = [made_directory(each, host) for each in parents]
    if change.recorded is not None:
        unmake_home(change.recorded, now["home"] if after["home_exists"] else "", host)
    key_difference(args, before, after, now, host)
    values.update(spoken(outputs))
    return values


def modify_words(args: "Dict[str, Any]", before: "Dict[str, Any]", after: "Dict[str, Any]", host: "Host") -> "List[str]":
    words = []
    if after["uid"] != before["uid"]:
        words += ["-u", str(after["uid"])] + (["-o"] if args["non_unique"] else [])
    if after["group"] != before["group"]:
        words += ["-g", after["group"]]
    if after["groups"] != before["groups"] and not args["local"]:
        words += ["-G", ",".join(after["groups"])]
    if after["comment"] != before["comment"]:
        words += ["-c", after["comment"]]
    if after["shell"] != before["shell"]:
        words += ["-s", after["shell"]]
    if after["home"] != before["home"]:
        words += ["-d", after["home"]] + (["-m"] if args["move_home"] and not host.exists(after["home"]) else [])
    return words


def local_groups(before: "Dict[str, Any]", after: "Dict[str, Any]", host: "Host") -> "List[Dict[str, str]]":
    """Memberships with libuser: group by group."""
    outputs = []
    program = tool("lgroupmod", host)
    for option, names in (("-M", set(after["groups"]) - set(before["groups"])), ("-m", set(before["groups"]) - set(after["groups"]))):
        for group in sorted(names):
            outputs.append(changed_by([program, option, after["name"], group], host, after["name"]))
    return outputs


def settle(args: "Dict[str, Any]", before: "Dict[str, Any]", after: "Dict[str, Any]", host: "Host") -> "List[Dict[str, str]]":
    """Password hash and ages, where they differ. The hash goes over standard input."""
    outputs = []
    name = after["name"]
    password = after.get("password")
    if password is not None and password != before.get("password"):
        if not isinstance(password, str):
            raise Fail("the former password of {0} was not kept, so it cannot be put back".format(name), name=name)
        secret = "{0}:{1}\n".format(name, password).encode("utf-8", "surrogateescape")
        outputs.append(changed_by([tool("chpasswd", host), "-e"], host, name, secret))
    words = []
    for age, option in AGE_OPTIONS.items():
        if age in after and after[age] != before.get(age) and not (after[age] is None and age not in before):
            words += [option, str(-1 if after[age] is None else after[age])]
    last = after.get("noted", {}).get("last")
    if last is not None and password != before.get("password") and "noted" in after and after["noted"] is not before.get("noted"):
        words += ["-d", str(last)]      # an account that comes back has the password's old date
    if words:
        outputs.append(changed_by([tool("lchage" if args["local"] else "chage", host)] + words + [name], host, name))
    return outputs


def subordinate_again(after: "Dict[str, Any]", host: "Host") -> None:
    """The ranges of subordinate ids that the account had; useradd chose new ones. Source: subuid(5)."""
    for name, remove, add in (("subuid", "-V", "-v"), ("subgid", "-W", "-w")):
        old = after.get("noted", {}).get("subordinate", {}).get(name)
        now = line_of("/etc/" + name, after["name"], host)
        if old == now:
            continue
        words = []
        for option, line in ((remove, now), (add, old)):
            if line is not None and len(line) > 2:
                words += [option, "{0}-{1}".format(line[1], int(line[1]) + int(line[2]) - 1)]
        changed_by([tool("usermod", host)] + words + [after["name"]], host, after["name"])


def key_difference(args: "Dict[str, Any]", before: "Dict[str, Any]", after: "Dict[str, Any]", now: "Dict[str, Any]", host: "Host") -> None:
    if not args["generate_ssh_key"] or before.get("ssh_key") == after.get("ssh_key"):
        return
    path = home.key_path(args, now["home"])
    if after.get("ssh_key") is None:
        for each in (path, path + ".pub"):
            host.remove(each)
    elif after["ssh_key"]["digest"] is None:
        home.generate_key(args, path, now, host)
    else:
        raise Fail("the former ssh key {0} was not kept, so it cannot be put back".format(path), name=now["name"])


def remove(args: "Dict[str, Any]", change: "Change", host: "Host") -> "Dict[str, Any]":
    """Remove the account. In a rollback its home goes too, if it was made with it and nobody touched it since."""
    name = change.before["name"]
    words = [tool("luserdel" if args["local"] else "userdel", host)]
    wanted = args["state"] == "absent"
    if wanted and args["force"] and not args["local"]:
        words.append("-f")
    if wanted and args["remove"]:
        words.append("-r")
    untouched = change.recorded is not None and unused(change.recorded, host)
    values = dict(spoken([changed_by(words + [name], host, name)]))  # type: Dict[str, Any]
    unmake_group(name, change.recorded, host)
    if untouched:
        unmake_home(change.recorded, "", host)
    elif change.recorded is not None and host.is_dir(change.before["home"]):
        values["warnings"] = ["{0} was kept: it was there before, or somebody changed something in it".format(change.before["home"])]
    return values


def unmake_group(name: str, recorded: "Optional[Dict[str, Any]]", host: "Host") -> None:
    """The group that was made with the account and bears its name: userdel leaves it where it was no longer the account's own."""
    gid = ((recorded or {}).get("noted") or {}).get("group_made")
    found = group_line(name, host, False)
    if gid is not None and found is not None and found["gid"] == gid and not found["members"]:
        changed_by([tool("groupdel", host), name], host, name)


def unused(recorded: "Dict[str, Any]", host: "Host") -> bool:
    """Was the home made by the task that is undone, and is it still as it was made?"""
    made = recorded.get("noted", {}).get("home_made")
    return bool(made and made["fingerprint"] and home.fingerprint(made_at(recorded, host), host) == made["fingerprint"])


def made_at(recorded: "Dict[str, Any]", host: "Host") -> str:
    """Where the home that was made is by now: a later task may have moved it."""
    path = str(recorded["noted"]["home_made"]["path"])
    return path if host.is_dir(path) else str(recorded["home"])


def unmake_home(recorded: "Dict[str, Any]", used: str, host: "Host") -> bool:
    """Remove a home that was made and never used, and the directories made for it as far as they are empty. Was there one?"""
    made = recorded.get("noted", {}).get("home_made")
    if not made or used in (made["path"], made_at(recorded, host)) or not unused(recorded, host):
        return False
    host.remove(made_at(recorded, host))
    for each in reversed(made["parents"]):
        if host.is_dir(each) and not host.list_dir(each):
            host.remove(os.path.join(each))
    return True
