"""Home directories: making one, telling whether anybody used it since, and the ssh key in it."""
import os

from engine.agent.sdk import Fail
from engine.modules.system.accounts import tool

MYPY = False
if MYPY:
    from typing import Any, Dict, List, Optional

    from engine.agent.host import Host

FINGERPRINT_LIMIT = 2000
"""Entries of a home up to which it is compared with what was made; a fuller one is in use."""


def fingerprint(path: str, host: "Host") -> str:
    """Digest over every name, owner, mode and content below `path`; "" where there are too many entries to be a fresh home."""
    import hashlib

    digest = hashlib.sha1()
    seen = 0
    for folder, folders, files in host.walk(path):
        for name in ["."] + folders + files:
            each = os.path.join(folder, name)
            found = host.lstat(each)
            seen += 1
            if found is None or seen > FINGERPRINT_LIMIT:
                return ""
            what = [os.path.relpath(each, path), found.st_mode, found.st_uid, found.st_gid, 0 if host.is_dir(each) else found.st_size]
            if host.is_file(each) and not host.is_link(each):
                what.append(host.digest(each))
            digest.update(repr(what).encode("utf-8", "surrogateescape"))
    return digest.hexdigest()


def parents_to_make(home: str, host: "Host") -> "List[str]":
    """The missing directories above `home`, outermost first."""
    missing = []  # type: List[str]
    at = os.path.dirname(home.rstrip("/"))
    while at and at != "/" and not host.exists(at):
        missing.insert(0, at)
        at = os.path.dirname(at)
    return missing


def make_home(home: str, skeleton: str, mode: int, uid: int, gid: int, host: "Host") -> None:
    """A copy of the skeleton (an empty directory where there is none) that belongs to the user."""
    tree = host.tree_state(skeleton) if host.is_dir(skeleton) else None
    entries = dict(tree["entries"]) if tree is not None else {}
    given = {"type": "directory", "mode": mode, "entries": entries}  # type: Dict[str, Any]
    host.make_file(home, owned(given, uid, gid))


def owned(state: "Dict[str, Any]", uid: int, gid: int) -> "Dict[str, Any]":
    """The same tree as somebody else's. `owner` and `group` go: the numbers say it."""
    mine = {name: value for name, value in state.items() if name not in ("owner", "group", "entries")}
    mine.update(uid=uid, gid=gid)
    if "entries" in state:
        mine["entries"] = {name: owned(each, uid, gid) for name, each in state["entries"].items()}
    return mine


def home_mode(umask: "Optional[str]", host: "Host") -> int:
    """Permission bits of a new home: from `umask`, else HOME_MODE or UMASK of /etc/login.defs, else 0755. Source: login.defs(5)."""
    if umask is not None:
        return 0o777 & ~int(umask, 8)
    found = {}  # type: Dict[str, str]
    try:
        lines = host.read_bytes("/etc/login.defs").decode("utf-8", "replace").splitlines()
    except OSError:
        lines = []
    for line in lines:
        words = line.split()
        if len(words) > 1 and words[0] in ("HOME_MODE", "UMASK"):
            found[words[0]] = words[1]
    if "HOME_MODE" in found:
        return int(found["HOME_MODE"], 8)
    return 0o777 & ~int(found.get("UMASK", "022"), 8)


def key_path(args: "Dict[str, Any]", home: str) -> str:
    """Where the private key is: `ssh_key_file`, relative to the home."""
    given = args["ssh_key_file"] or ".ssh/id_{0}".format(args["ssh_key_type"])
    return os.path.join(home, given)


def key_state(path: str, host: "Host") -> "Optional[Dict[str, Any]]":
    """The public half and a digest of the private one; None where there is no key."""
    if not host.exists(path):
        return None
    try:
        public = host.read_bytes(path + ".pub").decode("utf-8", "replace").strip()
    except OSError:
        public = ""
    return {"public": public, "digest": host.digest(path)}


def generate_key(args: "Dict[str, Any]", path: str, user: "Dict[str, Any]", host: "Host") -> None:
    """Make a key pair of the user's own. Raises Fail with the words of ssh-keygen."""
    if not host.is_dir(user["home"]):
        raise Fail("User {0} home directory does not exist".format(user["name"]), name=user["name"], rc=1)
    folder = os.path.dirname(path)
    if not host.exists(folder):
        host.makedirs(folder, 0o700)
        host.set_owner(folder, user["uid"], user["gid"])
    for each in (path, path + ".pub"):
        host.remove(each)
    argv = [tool("ssh-keygen", host), "-q", "-t", args["ssh_key_type"], "-C", key_comment(args["ssh_key_comment"]), "-f", path]
    if args["ssh_key_bits"]:
        argv += ["-b", str(args["ssh_key_bits"])]
    done = host.run(argv + ["-N", ""], locale=True)
    if done.code:
        raise Fail((done.stderr or done.stdout).decode("utf-8", "replace"), name=user["name"], rc=done.code)
    if args["ssh_key_passphrase"]:
        encrypt_key(path, args["ssh_key_passphrase"], user["name"], host)
    for each in (path, path + ".pub"):
        host.set_owner(each, user["uid"], user["gid"])


def encrypt_key(path: str, passphrase: str, name: str, host: "Host") -> None:
    """Give the key its passphrase. ssh-keygen asks a program for it: arguments can be read by every user of the machine."""
    answer = os.path.join(host.spool(), "answer")
    host.write_atomically(answer, b'#!/bin/sh\nprintf "%s\\n" "$ENGINE_PASSPHRASE"\n', 0o700)
    try:
        environment = {"SSH_ASKPASS": answer, "SSH_ASKPASS_REQUIRE": "force", "DISPLAY": ":", "ENGINE_PASSPHRASE": passphrase}
        done = host.run([tool("ssh-keygen", host), "-p", "-P", "", "-f", path], env=environment, locale=True)
    finally:
        host.remove(answer)
    if done.code:
        for each in (path, path + ".pub"):
            host.remove(each)
        raise Fail((done.stderr or done.stdout).decode("utf-8", "replace"), name=name, rc=done.code)


def key_comment(text: str) -> str:
    if "$HOSTNAME" not in text:
        return text
    return text.replace("$HOSTNAME", os.uname()[1])


def key_values(path: str, host: "Host") -> "Dict[str, Any]":
    """What is registered of a key: ssh_key_file, ssh_fingerprint, ssh_public_key."""
    state = key_state(path, host)
    print_of = ""
    if state is not None:
        done = host.run([tool("ssh-keygen", host), "-l", "-f", path], locale=True)
        print_of = done.stdout.decode("utf-8", "replace").strip() if done.code == 0 else done.stderr.decode("utf-8", "replace").strip()
    return {"ssh_key_file": path, "ssh_fingerprint": print_of, "ssh_public_key": state["public"] if state is not None else None}
