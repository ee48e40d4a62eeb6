"""The command lines of apt: asking what there is, refreshing the lists, installing and removing."""
import os

from engine.agent.sdk import Fail

MYPY = False
if MYPY:
    from typing import Any, Callable, Dict, List, Optional

    from engine.agent.host import Host
    from engine.agent.processes import Ran

LISTS = "/var/lib/apt/lists"
STAMP = "/var/lib/apt/periodic/update-success-stamp"
POLICY = "/usr/sbin/policy-rc.d"
ENVIRONMENT = {"DEBIAN_FRONTEND": "noninteractive", "DEBIAN_PRIORITY": "critical"}
BROKEN = ("W: Failed to fetch", "W: Some index files failed", "W: GPG error", "E: ")
"""How lines begin that mean some source could not be read, though apt-get may end with code 0."""
LOCKED = ("Could not get lock", "Unable to acquire", "Unable to lock")
NOTHING = ("0 upgraded, 0 newly installed, 0 to remove",)


class Known(object):
    """What the sources offer of one package: the version that would be installed, every version, and those that are not only installed."""

    def __init__(self) -> None:
        self.candidate = None  # type: Optional[str]
        self.versions = []  # type: List[str]
        self.fetchable = []  # type: List[str]


def known(names: "List[str]", release: "Optional[str]", host: "Host") -> "Dict[str, Known]":
    """By name; what no source and no installed package has, and what is only provided, has no version or is missing.

    Raises Fail where apt refuses the release.
    """
    if not names:
        return {}
    words = [program("apt-cache", host)] + (["-t", release] if release else []) + ["policy"] + names
    done = host.run(words, locale=True)
    if done.code:
        raise Fail(text(done.stderr).strip().replace("E: ", "E:", 1))
    found = {}  # type: Dict[str, Known]
    current = Known()
    for line in text(done.stdout).split("\n"):
        if line.endswith(":") and line[:1] not in (" ", ""):
            current = found[line[:-1]] = Known()
        elif line.startswith("  Candidate: "):
            given = line[len("  Candidate: "):].strip()
            current.candidate = None if given == "(none)" else given
        elif line.startswith((" *** ", "     ")) and not line.startswith("       "):
            current.versions.append(line[5:].split(" ")[0])
        elif line.startswith("        ") and current.versions and not line.rstrip().endswith(" /var/lib/dpkg/status"):
            current.fetchable.append(current.versions[-1])
    return found


def names_like(pattern: str, host: "Host") -> "List[str]":
    """Names of all known packages that match the wildcards."""
    import fnmatch

    start = pattern
    for sign in "*?[":
        start = start.split(sign)[0]
    done = host.run([program("apt-cache", host), "pkgnames"] + ([start] if start else []), locale=True)
    return sorted(name for name in text(done.stdout).split("\n") if fnmatch.fnmatchcase(name, pattern))


def providers(name: str, host: "Host") -> "List[str]":
    """Packages that the sources offer and that provide the name."""
    done = host.run([program("apt-cache", host), "showpkg", name], locale=True)
    _, _, rest = text(done.stdout).partition("Reverse Provides:")
    return sorted({line.split(" ")[0] for line in rest.strip().split("\n") if line.strip()})


def refreshed_at(host: "Host") -> int:
    """When the lists were fetched, in seconds since 1970; 0 where they never were."""
    times = [int(found.st_mtime) for found in (host.stat(STAMP), host.stat(LISTS)) if found is not None]
    return max(times) if times else 0


def refresh(retries: int, longest: int, lock_timeout: int, on_line: "Optional[Callable[[str, str], None]]", host: "Host") -> None:
    """`apt-get update`, again after growing pauses of at most `longest` seconds. Raises Fail with what could not be fetched."""
    import time

    words = [program("apt-get", host), "-q", "-o", "APT::Update::Error-Mode=any", "update"]
    pause = 1.0
    waited = 0.0
    tried = 0
    while True:
        done = host.run(words, env=ENVIRONMENT, locale=True, on_line=on_line)
        trouble = trouble_in(done)
        if not trouble:
            return
        if any(sign in each for each in trouble for sign in LOCKED):
            if waited >= lock_timeout:
                break
            time.sleep(1.0)
            waited += 1.0
            continue
        tried += 1
        if tried > retries:
            break
        time.sleep(pause)
        pause = min(pause * 2, float(longest))
    said = {"rc": done.code, "stdout": text(done.stdout), "stderr": text(done.stderr)}
    raise Fail("Failed to update apt cache: {0}".format("; ".join(trouble)), **said)


def trouble_in(done: "Ran") -> "List[str]":
    """The lines that say a source could not be read; apt-get itself often calls that a success."""
    lines = [line for line in (text(done.stderr) + text(done.stdout)).split("\n") if line.startswith(BROKEN)]
    if done.code and not lines:
        lines = ["apt-get ended with code {0}".format(done.code)]
    return lines


def touch(host: "Host") -> None:
    """Mark the lists as fresh: apt-get leaves their time alone when nothing was new, and cache_valid_time looks at it."""
    import time

    if host.access(LISTS, os.W_OK):
        now = time.time_ns() if hasattr(time, "time_ns") else int(time.time() * 1000000000)
        host.touch(LISTS, now, now)


def options(args: "Dict[str, Any]", check: bool) -> "List[str]":
    """What every changing call of apt-get has."""
    words = ["-y"]
    for each in args["dpkg_options"].split(","):
        words += ["-o", "Dpkg::Options::=--" + each.strip()]
    words += ["-o", "DPkg::Lock::Timeout={0}".format(args["lock_timeout"])]
    if args["only_upgrade"]:
        words.append("--only-upgrade")
    if args["state"] == "fixed":
        words.append("--fix-broken")
    if args["force"]:
        words += ["--allow-unauthenticated", "--allow-downgrades", "--allow-remove-essential", "--allow-change-held-packages"]
    if args["fail_on_autoremove"]:
        words.append("--no-remove")
    if check:
        words.append("--simulate")
    if args["default_release"]:
        words += ["-t", args["default_release"]]
    for name in ("allow_unauthenticated", "allow_downgrade", "allow_change_held_packages"):
        if args[name]:
            words.append({"allow_downgrade": "--allow-downgrades"}.get(name, "--" + name.replace("_", "-")))
    if args["install_recommends"] is not None:
        words += ["-o", "APT::Install-Recommends={0}".format("yes" if args["install_recommends"] else "no")]
    return words


def change(words: "List[str]", args: "Dict[str, Any]", check: bool, on_line: "Optional[Callable[[str, str], None]]", host: "Host") -> "Ran":
    """Run apt-get with the options and `words`. Raises Fail with its words."""
    argv = [program("apt-get", host)] + options(args, check) + words
    before = None if check or args["policy_rc_d"] is None else hold_services(args["policy_rc_d"], host)
    try:
        done = host.run(argv, env=ENVIRONMENT, locale=True, on_line=on_line)
    finally:
        if before is not None:
            host.make_file(POLICY, before["state"])
    if done.code:
        said = text(done.stderr)
        raise Fail("'{0}' failed: {1}".format(" ".join(argv), said), rc=done.code, stdout=text(done.stdout), stderr=said)
    return done


def hold_services(code: int, host: "Host") -> "Dict[str, Any]":
    """Let policy-rc.d answer `code` to packages that want to start services; what was there before. Source: invoke-rc.d(8)."""
    before = {"state": host.file_state(POLICY)}
    host.write_atomically(POLICY, "#!/bin/sh\nexit {0}\n".format(code).encode(), 0o755)
    return before


def nothing_done(output: str) -> bool:
    return any(sign in output for sign in NOTHING)


def prepared(output: str) -> str:
    """The part of apt-get's output that says what changes: what --diff shows."""
    lines = output.split("\n")
    start = 0
    for number, line in enumerate(lines):
        if line.startswith("Reading state information"):
            start = number + 1
        if "upgraded, " in line and "newly installed" in line:
            return "\n".join(lines[start:number + 1])
    return "\n".join(lines[start:]).rstrip("\n")


def program(name: str, host: "Host") -> str:
    found = host.which(name, required=True)
    assert found is not None
    return found


def text(data: bytes) -> str:
    return data.decode("utf-8", "replace")
