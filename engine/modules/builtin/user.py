"""Keep a user account, or keep it away.

Identity: `name`. Reversible: yes. A removed account comes back with its numbers, groups, password hash and (after
`remove: true`) its home; an account that was made is removed again, its home only while nobody changed anything in it.

Examples:
    - user: {name: ada, groups: [sudo], append: true, shell: /bin/bash}
    - user: {name: guest, state: absent, remove: true}
"""
import os

from engine.agent.sdk import Argument, Fail
from engine.modules.system import accounts, home
from engine.modules.system.account_change import check_groups, create, modify, remove, unmake_home

MYPY = False
if MYPY:
    from typing import Any, Dict, List, Optional

    from engine.agent.host import Host
    from engine.agent.sdk import Change

NOT_HERE = "Only other systems than Linux know it; accepted and without effect, as in Ansible."
ARGUMENTS = {
    "name": Argument("str", required=True, aliases=("user",), doc="Name of the account."),
    "state": Argument("str", default="present", choices=("absent", "present")),
    "uid": Argument("int", doc="Its number."),
    "non_unique": Argument("bool", default=False, doc="Accept a `uid` that another account has."),
    "group": Argument("str", doc="Primary group: name or number."),
    "groups": Argument("list", elements="str", doc="Further groups; an empty list takes the account out of all."),
    "append": Argument("bool", default=False, doc="Leave the account in groups that `groups` does not name."),
    "comment": Argument("str", doc="Description (GECOS)."),
    "shell": Argument("path", doc="Login shell."),
    "home": Argument("path", doc="Home directory."),
    "create_home": Argument("bool", default=True, aliases=("createhome",), doc="Make the home where it is missing."),
    "move_home": Argument("bool", default=False, doc="Move the old home where `home` changes."),
    "skeleton": Argument("str", doc="Directory that a new home is copied from; /etc/skel."),
    "umask": Argument("str", doc="Umask for a new home, octal."),
    "system": Argument("bool", default=False, doc="Choose numbers for system accounts."),
    "local": Argument("bool", default=False, doc="Use the tools of libuser, and /etc/passwd alone."),
    "force": Argument("bool", default=False, doc="absent: remove even while logged in; generate_ssh_key: overwrite the key."),
    "remove": Argument("bool", default=False, doc="absent: remove home and mail as well."),
    "password": Argument("str", secret=True, doc="Hash of the password, as in shadow(5)."),
    "update_password": Argument("str", default="always", choices=("always", "on_create")),
    "password_lock": Argument("bool", doc="Lock or unlock the password."),
    "expires": Argument("float", doc="When the account expires, in seconds since 1970; negative: never."),
    "password_expire_min": Argument("int", doc="Days before the password may be changed."),
    "password_expire_max": Argument("int", doc="Days after which it must be changed."),
    "password_expire_warn": Argument("int", doc="Days of warning before."),
    "password_expire_account_disable": Argument("int", doc="Days from its end to the end of the account."),
    "uid_min": Argument("int", doc="Lowest number to choose."),
    "uid_max": Argument("int", doc="Highest number to choose."),
    "generate_ssh_key": Argument("bool", default=False, doc="Make an ssh key pair where there is none."),
    "ssh_key_type": Argument("str", default="rsa"),
    "ssh_key_bits": Argument("int", default=0, doc="0: what ssh-keygen takes."),
    "ssh_key_file": Argument("path", doc="Relative to the home; .ssh/id_TYPE."),
    "ssh_key_comment": Argument("str", default="ansible-generated on $HOSTNAME"),
    "ssh_key_passphrase": Argument("str", secret=True),
    "seuser": Argument("str", doc="SELinux user."),
    "hidden": Argument("bool", doc=NOT_HERE),
    "login_class": Argument("str", doc=NOT_HERE),
    "profile": Argument("str", doc=NOT_HERE),
    "authorization": Argument("str", doc=NOT_HERE),
    "role": Argument("str", doc=NOT_HERE),
}
RULES = {"mutually_exclusive": [("local", "uid_min"), ("local", "uid_max")]}
RESOURCE = "user"
IDENTITY = ("name",)
RESTORES = ("part", "the account with numbers, groups, ages and home; a password hash only in an encrypted state")
SECRETS = ("password",)
"""Names in a state whose values must not be shown and are stored only encrypted."""
NO_SECRETS = ("", "*", "!", "!!", "!*")
"""Values of those that hide nothing: there is no password."""

AGES = {
    "password_expire_min": "min",
    "password_expire_max": "max",
    "password_expire_warn": "warn",
    "password_expire_account_disable": "inactive",
}
DAY = 86400
SELINUX = "'seuser' is set to '{0}' but SELinux is not enabled on this system. The 'seuser' parameter will be ignored."
STAYS_LOCKED = "The password of {0} stays locked: there is none behind the lock, and without it everybody could log in."
UNHASHED = "The input password appears not to have been hashed. The 'password' argument must be encrypted for this module to work properly."


def inspect(args: "Dict[str, Any]", host: "Host") -> "Optional[Dict[str, Any]]":
    """The account: numbers, groups (sorted), home, shell, password hash, ages in days. None where there is none.

    `noted` holds what the way back needs and what makes no difference by itself.
    """
    found = accounts.user_line(args["name"], host, args["local"])
    if found is None:
        return None
    shadow = accounts.shadow_line(args["name"], host)
    state = dict(found)  # type: Dict[str, Any]
    state["group"] = host.group_name(found["gid"])
    state["groups"] = sorted(accounts.groups_of(args["name"], found["gid"], host))
    state["home_exists"] = host.is_dir(found["home"])
    for name in ("password", "min", "max", "warn", "inactive", "expires"):
        state[name] = shadow[name]
    state["noted"] = noted(args, shadow, host)
    if args["state"] == "absent" and args["remove"]:
        trees = {"home": host.tree_state(found["home"]), "mail": host.tree_state("/var/mail/" + args["name"])}
        state["entries"] = {name: tree for name, tree in trees.items() if tree is not None}
    if args["generate_ssh_key"]:
        state["ssh_key"] = home.key_state(home.key_path(args, args["home"] or found["home"]), host)
    return state


def noted(args: "Dict[str, Any]", shadow: "Dict[str, Any]", host: "Host") -> "Dict[str, Any]":
    """What `desire` must know of the machine besides the account, and the last change of the password."""
    names = {each: accounts.group_named(each, host, args["local"]) for each in wanted_groups(args) + [args["group"]] if each}
    return {
        "group_names": names,
        "wanted_home_exists": bool(args["home"]) and host.is_dir(args["home"]),
        "last": shadow["last"],
        "subordinate": {name: accounts.line_of("/etc/" + name, args["name"], host) for name in ("subuid", "subgid")},
    }


def wanted_groups(args: "Dict[str, Any]") -> "List[str]":
    return [each.strip() for each in args["groups"] or [] if each.strip()]


def desire(args: "Dict[str, Any]", before: "Optional[Dict[str, Any]]") -> "Optional[Dict[str, Any]]":
    """The account as it should be. Numbers and places that the system chooses are missing until it chose them."""
    if args["state"] == "absent":
        return None
    after = {"name": args["name"]} if before is None else dict(before)  # type: Dict[str, Any]
    for name in ("uid", "comment", "shell"):
        if args[name] is not None:
            after[name] = args[name]
    want_groups(args, before, after)
    want_home(args, before, after)
    want_password(args, before, after)
    for name, age in AGES.items():
        if args[name] is not None:
            after[age] = args[name]
    if args["expires"] is not None:
        after["expires"] = None if args["expires"] < 0 else int(args["expires"] // DAY)
    if args["generate_ssh_key"] and (args["force"] or after.get("ssh_key") is None):
        after["ssh_key"] = {"public": None, "digest": None}
    return after


def want_groups(args: "Dict[str, Any]", before: "Optional[Dict[str, Any]]", after: "Dict[str, Any]") -> None:
    """Primary and further groups by name. Raises Fail for one that does not exist; for a new account `create` looks."""
    if before is None:
        after.update(group=args["group"], groups=wanted_groups(args))
        return
    names = before["noted"]["group_names"]
    for given, name in names.items():
        if not name:
            raise Fail("Group {0} does not exist".format(given))
    if args["group"]:
        after["group"] = names[args["group"]]
    if args["groups"] is not None:
        wanted = {names[each] for each in wanted_groups(args)}
        if args["append"]:
            wanted |= set(before["groups"])
        after["groups"] = sorted(wanted - {after["group"]})
    if after["group"] != before["group"]:
        after.pop("gid")


def want_home(args: "Dict[str, Any]", before: "Optional[Dict[str, Any]]", after: "Dict[str, Any]") -> None:
    if args["home"] is not None and (before is None or args["home"] != before["home"]):
        after["home"] = args["home"]
        if before is not None:
            moved = args["move_home"] and before["home_exists"]
            after["home_exists"] = moved or before["noted"]["wanted_home_exists"]
    if args["create_home"]:
        after["home_exists"] = True


def want_password(args: "Dict[str, Any]", before: "Optional[Dict[str, Any]]", after: "Dict[str, Any]") -> None:
    """The hash, with a `!` before it while it is locked. A lock alone makes no difference to the hash behind it."""
    now = before["password"] if before is not None else None
    password = now
    given = args["password"]
    if given is not None and (":" in given or "\n" in given):
        raise Fail("a password hash can hold neither a colon nor a line break", name=args["name"])
    if given is not None and (before is None or args["update_password"] == "always"):
        password = now if now is not None and now.lstrip("!") == given.lstrip("!") else given
    if args["password_lock"] is not None:
        bare = (password or "").lstrip("!")
        if args["password_lock"]:
            password = password if password is not None and password.startswith("!") else "!" + bare
        elif bare or given == "":
            password = bare             # a lock with nothing behind it stays: an account without a password lets everybody in
    if before is None and password is None:
        return
    after["password"] = password


def apply(args: "Dict[str, Any]", change: "Change", host: "Host") -> "Dict[str, Any]":
    """Make, change or remove the account; afterwards `change.after` holds what the system chose."""
    if change.after is None:
        return remove(args, change, host)
    if change.before is None:
        made = create(args, change, host)
    else:
        made = modify(args, change, host)
    now = inspect(args, host)
    if now is not None:
        now["noted"].update(made.pop("noted", {}))
    change.after = now
    return made


def tidy(recorded: "Dict[str, Any]", host: "Host") -> bool:
    """In a rollback of an account that came and went: its home goes, if it was made with it and nobody touched it since."""
    return unmake_home(recorded, "", host)


def foresee(args: "Dict[str, Any]", change: "Change", host: "Host") -> None:
    """What useradd and usermod refuse: groups that are not there, numbers that others have."""
    after, before = change.after, change.before
    if after is None:
        return
    check_groups(after, host, args["local"])
    moves = before is not None and args["move_home"] and after["home"] != before["home"] and before["home_exists"]
    if moves and not host.is_dir(os.path.dirname(after["home"].rstrip("/")) or "/"):
        raise Fail("usermod: cannot rename directory {0} to {1}".format(before["home"], after["home"]), name=args["name"], rc=12)
    if args["uid"] is not None and not args["non_unique"] and (before is None or before["uid"] != args["uid"]):
        owner = host.user_name(args["uid"])
        if owner not in (str(args["uid"]), args["name"]):
            raise Fail("UID {0} already exists".format(args["uid"]), name=args["name"], rc=4)


def report(args: "Dict[str, Any]", change: "Change", host: "Host") -> "Dict[str, Any]":
    """The account as it is now, and the arguments as far as they mattered. In check mode nothing for an account that is not there yet."""
    now = accounts.user_line(args["name"], host, args["local"])
    values = {}  # type: Dict[str, Any]
    warnings = warnings_of(args, change)
    if warnings:
        values["warnings"] = warnings
    if args["state"] == "absent":
        if now is not None:
            return values               # check mode
        values.update(name=args["name"], state="absent")
        if change.before is not None:
            values.update(force=args["force"], remove=args["remove"])
        return values
    if now is None:
        return values
    values.update(name=args["name"], state="present", uid=now["uid"], group=now["gid"], comment=now["comment"], home=now["home"])
    values.update(shell=now["shell"], groups=",".join(accounts.groups_of(args["name"], now["gid"], host)))
    if args["password"] is not None:
        values["password"] = "NOT_LOGGING_PASSWORD"
    if change.before is None:
        values.update(create_home=args["create_home"], system=args["system"])
    else:
        values.update(append=args["append"], move_home=args["move_home"])
    if args["generate_ssh_key"]:
        values.update(home.key_values(home.key_path(args, now["home"]), host))
    return values


def warnings_of(args: "Dict[str, Any]", change: "Change") -> "List[str]":
    warnings = []
    if args["password"] is not None and not hashed(args["password"]):
        warnings.append(UNHASHED)
    if args["seuser"]:
        warnings.append(SELINUX.format(args["seuser"]))
    if args["password_lock"] is False and isinstance(change.after, dict) and str(change.after.get("password") or "").startswith("!"):
        warnings.append(STAYS_LOCKED.format(args["name"]))
    if args["generate_ssh_key"] and change.before is not None and change.before.get("ssh_key") is not None:
        path = home.key_path(args, change.before["home"])
        if args["force"]:
            warnings.append('Overwriting existing ssh key private file "{0}"'.format(path))
            warnings.append('Overwriting existing ssh key public file "{0}.pub"'.format(path))
        else:
            warnings.append('Found existing ssh key private file "{0}", no force, so skipping ssh-keygen generation'.format(path))
    return warnings


LENGTHS = {"1": 22, "5": 43, "6": 86, "y": 43}
"""Characters of the last part of a hash, by its method. Source: crypt(5)."""
ALPHABET = frozenset("./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz")


def hashed(password: str) -> bool:
    """Does it look like a hash, or like one of the words that mean no password at all?"""
    if not password or password in ("*", "!", "*************"):
        return True
    parts = password.split("$")
    if parts[0] or len(parts) < 4 or ":" in password:
        return False
    return set(parts[-1]) <= ALPHABET and len(parts[-1]) == LENGTHS.get(parts[1], len(parts[-1]))


def shown(args: "Dict[str, Any]", change: "Change") -> "List[Dict[str, Any]]":
    """The account line by line, without the hash."""
    hashes = [(state or {}).get("password") for state in (change.before, change.after)]
    other = "(a hash)" if None in hashes or hashes[0] == hashes[1] else "(another hash)"
    return [{
        "before": listing(change.before, "(a hash)"), "after": listing(change.after, other),
        "before_header": args["name"], "after_header": args["name"],
    }]


def listing(state: "Optional[Dict[str, Any]]", password: str) -> str:
    if state is None:
        return ""
    visible = {name: value for name, value in state.items() if name not in ("noted", "entries") and value is not None}
    if "password" in visible:
        visible["password"] = password
    if "ssh_key" in visible:
        visible["ssh_key"] = visible["ssh_key"]["public"] or "(a new key)"
    for name in ("uid", "gid"):
        if name in visible:
            visible[name] = accounts.shown_number(visible[name])
    texts = {name: ", ".join(value) if isinstance(value, list) else value for name, value in visible.items()}
    return "".join("{0}: {1}\n".format(name, texts[name]) for name in sorted(texts))
