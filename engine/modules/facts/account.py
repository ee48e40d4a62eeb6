"""Subsets `user` and `env`: who the agent runs as, and what it sees."""
import os
import pwd

MYPY = False
if MYPY:
    from engine.agent.host import Host
    from engine.modules.facts.reading import Facts, Wish


def collect(host: "Host", facts: "Facts", wish: "Wish") -> "Facts":
    found = {
        "user_id": user_name(),
        "real_user_id": os.getuid(),
        "effective_user_id": os.geteuid(),
        "real_group_id": os.getgid(),
        "effective_group_id": os.getegid(),
    }  # type: Facts
    try:
        entry = pwd.getpwuid(os.getuid())
    except KeyError:
        return found       # a uid without an account, as in containers
    found.update({
        "user_uid": entry.pw_uid, "user_gid": entry.pw_gid, "user_gecos": entry.pw_gecos,
        "user_dir": entry.pw_dir, "user_shell": entry.pw_shell,
    })
    return found


def user_name() -> str:
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return str(os.getuid())


def environment(host: "Host", facts: "Facts", wish: "Wish") -> "Facts":
    return {"env": dict(host.environ)}
